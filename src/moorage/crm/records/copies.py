"""The values of a record as a caller would send them, for records that are made from others."""

from collections.abc import Iterable
from typing import Any

import msgspec

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.times import zoned
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

_FILES = frozenset({"fileupload", "imageupload", "profileimage"})


class Copies:
    """Reads rows of one organisation, within a transaction."""

    def __init__(self, organisation: Organisation, transaction: Transaction) -> None:
        self._organisation = organisation
        self._catalog = organisation.catalog
        self._transaction = transaction

    def values(self, row: Row, fields: Iterable[Field]) -> dict[str, Any]:
        """By API name, the values of the fields that have one. What points to nothing any more is left out."""
        values = {field.api_name: self.value(row, field) for field in fields}
        return {name: value for name, value in values.items() if value is not None}

    def whole(self, module: Module, row: Row) -> dict[str, Any]:
        """The values of all fields that callers write, with the rows. Values that no two records may have are left out,
        unless a record must have them; so are files.
        """
        values = self.values(row, filter(_is_copied, module.fields.values()))
        for field in module.row_fields:
            rows = self._catalog.rows_of(field)
            lines = self._transaction.children(rows, rows.parent_column, [row["id"]]).get(row["id"], [])
            fields = [
                other for other in filter(_is_copied, rows.fields.values()) if other is not rows.parent_field
            ]
            values[field.api_name] = [self.values(line, fields) for line in lines]
        return values

    def value(self, row: Row, field: Field) -> Any:
        value = row.get(field.column)
        if value is None:
            return None
        match field.storage:
            case "boolean":
                return bool(value)
            case "datetime":
                return zoned(self._organisation.zone, value)
            case "list" | "json":
                return msgspec.json.decode(value)
            case "tags":
                return [{"name": tag["name"]} for tag in msgspec.json.decode(value)]
            case "user":
                return {"id": str(value)} if is_active(self._organisation, value) else None
            case "lookup":
                target = self._target(row, field)
                is_there = target is not None and self._transaction.existing(target, [value])
                return {"id": str(value), "module": target.api_name} if target and is_there else None
        return value

    def _target(self, row: Row, field: Field) -> Module | None:
        if field.lookup_modules:
            return self._catalog.by_number.get(row.get(field.module_column) or 0)
        return self._catalog.modules.get(field.lookup or "")


def _is_copied(field: Field) -> bool:
    if field.unique and not field.mandatory:
        return False
    return field.creatable and field.storage != "rows" and field.data_type not in _FILES


def is_active(organisation: Organisation, user: int) -> bool:
    """Whether records can be given to a user."""
    document = organisation.metadata.find("user", user)
    return document is not None and document.body["status"] == "active"
