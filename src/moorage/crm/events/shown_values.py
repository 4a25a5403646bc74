"""The values of changed fields, as records show them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.times import zoned
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction


class ShownValues:
    """Lookups show the names that their records have in the transaction."""

    def __init__(self, organisation: Organisation, transaction: Transaction) -> None:
        self._organisation = organisation
        self._modules = organisation.catalog.modules
        self._transaction = transaction
        self._names: dict[tuple[str, int], str | None] = {}

    def of(self, wanted: Mapping[int, tuple[Row, Sequence[Field]]]) -> dict[int, dict[str, Any]]:
        """By record, the values of these fields, by API name. Rows are left out: they have ids of their own."""
        self._ask_names(wanted)
        return {
            record: {field.api_name: self._shown(field, row) for field in fields if field.rows is None}
            for record, (row, fields) in wanted.items()
        }

    def _ask_names(self, wanted: Mapping[int, tuple[Row, Sequence[Field]]]) -> None:
        ids: dict[Module, set[int]] = {}
        for row, fields in wanted.values():
            for field in fields:
                module = self._target(field, row)
                if module is not None and row.get(field.column) is not None:
                    ids.setdefault(module, set()).add(row[field.column])
        for module, records in ids.items():
            for record, row in self._transaction.rows(module, records).items():
                name = module.name_field
                self._names[module.api_name, record] = row.get(name.column) if name is not None else None

    def _target(self, field: Field, row: Row) -> Module | None:
        if field.storage != "lookup":
            return None
        if not field.lookup_modules:
            return self._modules.get(field.lookup or "")
        number = row.get(field.module_column)
        return next((module for module in self._modules.values() if module.number == number), None)

    def _shown(self, field: Field, row: Row) -> Any:
        value = row.get(field.column)
        if value is None:
            return [] if field.storage == "tags" else None
        match field.storage:
            case "bigint" | "id":
                return str(value)
            case "boolean":
                return bool(value)
            case "datetime":
                return zoned(self._organisation.zone, value)
            case "list" | "json" | "tags":
                return msgspec.json.decode(value)
            case "user":
                return self._user(value)
            case "lookup":
                return self._record(field, row)
            case _:
                return value

    def _user(self, user: int) -> dict[str, Any] | None:
        document = self._organisation.metadata.find("user", user)
        if document is None:
            return None
        body = document.body
        return {"name": body["full_name"], "id": str(user), "email": body["email"]}

    def _record(self, field: Field, row: Row) -> dict[str, Any] | None:
        module, record = self._target(field, row), row[field.column]
        if module is None or (module.api_name, record) not in self._names:
            return None
        shown: dict[str, Any] = {"name": self._names[module.api_name, record], "id": str(record)}
        if field.lookup_modules:
            shown["module"] = module.reference
        return shown
