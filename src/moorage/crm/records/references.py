"""The users and records that a record points to: found by id, or by name where only a name is given."""

from moorage.crm.catalog import Field, Module
from moorage.crm.organisation import Organisation
from moorage.crm.records.draft import Draft
from moorage.crm.records.values import Reference, unknown_id
from moorage.crm.store.contract import Transaction


class References:
    def __init__(self, organisation: Organisation, transaction: Transaction) -> None:
        self._organisation = organisation
        self._transaction = transaction
        self._known: set[tuple[int, int]] = set()

    def resolve(self, made: Draft) -> None:
        """Put the ids of users and records into the row. Raises Fault for those that don't exist."""
        for one, reference in made.references:
            path = f"{made.path}.{one.api_name}"
            if one.storage == "user":
                made.row[one.column] = self._user(one, reference, path)
            else:
                target, found = self._record(one, reference, made, path)
                made.row[one.column] = found
                if one.lookup_modules:
                    made.row[one.module_column] = target.number
        for _, lines in made.subforms:
            for line in lines:
                self.resolve(line.draft)

    def _user(self, one: Field, reference: Reference, path: str) -> int:
        for document in self._organisation.metadata.all("user"):
            named = reference.id is None and document.body["full_name"] == reference.name
            if document.id == reference.id or named:
                return document.id
        raise unknown_id(one, path)

    def _record(self, one: Field, reference: Reference, made: Draft, path: str) -> tuple[Module, int]:
        for target in self._targets(one, made):
            found = self._find(target, reference)
            if found is not None:
                return target, found
        raise unknown_id(one, path)

    def _find(self, target: Module, reference: Reference) -> int | None:
        if reference.id is not None:
            return reference.id if self._exists(target, reference.id) else None
        if target.display is None or target.display.storage != "text":
            return None
        named = self._transaction.matching(target, target.display, reference.name)
        return named[0] if named else None

    def _targets(self, one: Field, made: Draft) -> list[Module]:
        modules = self._organisation.catalog.modules
        if not one.lookup_modules:
            return [modules[one.lookup]] if one.lookup in modules else []
        if made.se_module in one.lookup_modules:
            return [modules[made.se_module]] if made.se_module in modules else []
        return [modules[name] for name in one.lookup_modules if name in modules]

    def _exists(self, module: Module, record: int) -> bool:
        key = (module.number, record)
        if key not in self._known and self._transaction.existing(module, [record]):
            self._known.add(key)
        return key in self._known
