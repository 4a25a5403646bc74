"""Values that an update adds to those that a record has, instead of replacing them [Z update-records]."""

import msgspec

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.records.draft import Draft
from moorage.crm.records.values import MAX_ITEMS, too_long
from moorage.crm.storage.contract.records import Row


def append_values(module: Module, draft: Draft, old: Row, row: Row) -> None:
    """Put what the fields have now before what was sent. Raises the Fault of more values than a record can hold."""
    for name in draft.appended & draft.sent_fields:
        field = module.fields[name]
        if field.storage == "list":
            path = f"{draft.path}.{name}"
            row[field.column] = _joined(field, path, old[field.column], row[field.column])


def _joined(field: Field, path: str, old: str | None, new: str | None) -> str | None:
    """Two stored lists as one, each value once."""
    values = list(dict.fromkeys([*msgspec.json.decode(old or "[]"), *msgspec.json.decode(new or "[]")]))
    if len(values) > MAX_ITEMS:
        raise too_long(field, path, MAX_ITEMS)
    return msgspec.json.encode(values).decode() if values else None
