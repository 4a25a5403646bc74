"""Finds the users and records to which a record points: by id, or by name if it has only a name."""

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.records.batch import Batch
from moorage.crm.records.draft import Draft
from moorage.crm.records.values import Reference, unknown_id
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row


class References:
    def __init__(self, organisation: Organisation, batch: Batch) -> None:
        self._organisation = organisation
        self._batch = batch

    def expect(self, draft: Draft) -> None:
        """Tell the batch what `resolve` is going to ask."""
        for field, reference in draft.references:
            for target in self._targets(field, reference.module or draft.se_module):
                if reference.id is not None:
                    self._batch.expect_records(target, [reference.id])
                elif target.display is not None and target.display.storage == "text":
                    self._batch.expect_values(target, target.display, [reference.name])
        for _, rows in draft.rows:
            for row in rows:
                self.expect(row.draft)

    def resolve(self, draft: Draft, old: Row | None = None) -> None:
        """Put the ids of users and records into the row. Raises Fault for those that don't exist."""
        for field, reference in draft.references:
            path = f"{draft.path}.{field.api_name}"
            if field.storage == "user":
                present = (old or {}).get(field.column)
                draft.row[field.column] = self._user(field, reference, path, present)
            else:
                target, record = self._record(field, reference, draft, path)
                draft.row[field.column] = record
                if field.lookup_modules:
                    draft.row[field.module_column] = target.number
        for _, rows in draft.rows:
            for row in rows:
                self.resolve(row.draft)

    def _user(self, field: Field, reference: Reference, path: str, present: int | None) -> int:
        for user in self._organisation.metadata.all("user"):
            has_name = reference.id is None and user.body["full_name"] == reference.name
            # A user who has left keeps their records, so that a record can be sent back as it was read.
            may_be_set = user.body["status"] == "active" or user.id == present
            if may_be_set and (user.id == reference.id or has_name):
                return user.id
        raise unknown_id(field, path)

    def _record(self, field: Field, reference: Reference, draft: Draft, path: str) -> tuple[Module, int]:
        for target in self._targets(field, reference.module or draft.se_module):
            record = self._record_of(target, reference)
            if record is not None:
                return target, record
        raise unknown_id(field, path)

    def _record_of(self, target: Module, reference: Reference) -> int | None:
        if reference.id is not None:
            return reference.id if self._batch.exists(target, reference.id) else None
        if target.display is None or target.display.storage != "text":
            return None
        records = self._batch.matching(target, target.display, reference.name)
        return records[0] if records else None

    def _targets(self, field: Field, name: str | None) -> list[Module]:
        """The modules to which a lookup may point. If there are several, `name` chooses the module with this name."""
        modules = self._organisation.catalog.modules
        if not field.lookup_modules:
            return [modules[field.lookup]] if field.lookup in modules else []
        targets = [modules[target] for target in field.lookup_modules if target in modules]
        return [module for module in targets if name in {None, module.api_name, str(module.id)}]
