"""The users and records that a record points to: found by id, or by name where only a name is given."""

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

    def expect(self, made: Draft) -> None:
        """Say what `resolve` is going to ask."""
        for one, reference in made.references:
            for target in self._targets(one, reference.module or made.se_module):
                if reference.id is not None:
                    self._batch.expect_records(target, [reference.id])
                elif target.display is not None and target.display.storage == "text":
                    self._batch.expect_values(target, target.display, [reference.name])
        for _, lines in made.subforms:
            for line in lines:
                self.expect(line.draft)

    def resolve(self, made: Draft, old: Row | None = None) -> None:
        """Put the ids of users and records into the row. Raises Fault for those that don't exist."""
        for one, reference in made.references:
            path = f"{made.path}.{one.api_name}"
            if one.storage == "user":
                made.row[one.column] = self._user(one, reference, path, (old or {}).get(one.column))
            else:
                target, found = self._record(one, reference, made, path)
                made.row[one.column] = found
                if one.lookup_modules:
                    made.row[one.module_column] = target.number
        for _, lines in made.subforms:
            for line in lines:
                self.resolve(line.draft)

    def _user(self, one: Field, reference: Reference, path: str, present: int | None) -> int:
        for document in self._organisation.metadata.all("user"):
            named = reference.id is None and document.body["full_name"] == reference.name
            # Who has left keeps what is theirs, so that a record can be sent back as it was read.
            stays = document.body["status"] == "active" or document.id == present
            if stays and (document.id == reference.id or named):
                return document.id
        raise unknown_id(one, path)

    def _record(self, one: Field, reference: Reference, made: Draft, path: str) -> tuple[Module, int]:
        for target in self._targets(one, reference.module or made.se_module):
            found = self._find(target, reference)
            if found is not None:
                return target, found
        raise unknown_id(one, path)

    def _find(self, target: Module, reference: Reference) -> int | None:
        if reference.id is not None:
            return reference.id if self._batch.exists(target, reference.id) else None
        if target.display is None or target.display.storage != "text":
            return None
        named = self._batch.matching(target, target.display, reference.name)
        return named[0] if named else None

    def _targets(self, one: Field, wanted: str | None) -> list[Module]:
        """The modules a lookup may point into: of several only the wanted one, where one is named."""
        modules = self._organisation.catalog.modules
        if not one.lookup_modules:
            return [modules[one.lookup]] if one.lookup in modules else []
        targets = [modules[name] for name in one.lookup_modules if name in modules]
        return [module for module in targets if wanted in {None, module.api_name, str(module.id)}]
