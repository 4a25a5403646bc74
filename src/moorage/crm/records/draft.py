"""One record as the caller sent it, checked against its module, before anything is asked of the store."""

from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.records.modules import rules_of
from moorage.crm.records.tag_names import TagChange
from moorage.crm.records.values import FILE_TYPES, Reference, mismatch, missing, parse
from moorage.crm.storage.contract.records import Row


class Draft(msgspec.Struct):
    """`row` holds the values that are finished. The rest needs the store: references, tags, the rows of
    fields, and the values that the caller alone has.

    `sent_fields` names the fields that the caller set, `appended` those whose values are added to the old ones.
    """

    path: str
    row: Row = msgspec.field(default_factory=dict)
    references: list[tuple[Field, Reference]] = msgspec.field(default_factory=list)
    tags: TagChange | None = None
    files: list[tuple[Field, list[dict[str, Any]]]] = msgspec.field(default_factory=list)
    rows: list[tuple[Field, list["DraftRow"]]] = msgspec.field(default_factory=list)
    personal: dict[Field, str | None] = msgspec.field(default_factory=dict)
    sent_fields: set[str] = msgspec.field(default_factory=set)
    appended: set[str] = msgspec.field(default_factory=set)
    se_module: str | None = None


class DraftRow(msgspec.Struct):
    """One row of a field: new without an id, changed with one, removed when `delete` is set."""

    draft: Draft
    id: Any
    delete: bool


def draft_of(
    catalog: Catalog, module: Module, record: Any, path: str, *, insert: bool, parent: Field | None = None
) -> Draft:
    """Check types, lengths, formats and mandatory fields. Raises the first Fault, in the order of the fields.

    Keys that are no fields, and fields nobody may write, are ignored, as Zoho does [Z observed]. So is `parent`, the
    lookup of a row to the record that it stands in.
    """
    if not isinstance(record, dict):
        details = {"expected_data_type": "jsonobject", "json_path": path}
        raise Fault(400, "INVALID_DATA", "invalid data", details)
    draft = Draft(path)
    _check_layout(module, record, path)
    for name, value in record.items():
        field = module.fields.get(name)
        if field is not None and field is not parent and (field.creatable if insert else field.updatable):
            _put(catalog, draft, field, value, insert=insert)
    draft.se_module = _se_module(record)
    appended = record.get("$append_values")
    if isinstance(appended, dict):
        draft.appended = {name for name, yes in appended.items() if yes is True}
        if draft.tags is not None and "Tag" in draft.appended:
            draft.tags = msgspec.structs.replace(draft.tags, action="add")
    _require(module, draft, record, parent, insert=insert)
    return draft


def _check_layout(module: Module, record: dict[str, Any], path: str) -> None:
    """Raise the Fault for a layout that is not the module's. There is one, so that every record has it."""
    layout = record.get("Layout")
    if layout is None or module.layout is None:
        return
    sent, place = (layout.get("id"), ".id") if isinstance(layout, dict) else (layout, "")
    if str(sent) != module.layout["id"]:
        details = {"api_name": "Layout", "json_path": f"{path}.Layout{place}"}
        raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", details)


def _se_module(record: dict[str, Any]) -> str | None:
    """The module that an activity or a note belongs to; before version 5 the key had no dollar sign."""
    name = record.get("$se_module", record.get("se_module"))
    return name if isinstance(name, str) else None


def _put(catalog: Catalog, draft: Draft, field: Field, value: Any, *, insert: bool) -> None:
    path = f"{draft.path}.{field.api_name}"
    parsed = parse(field, value, path)
    draft.sent_fields.add(field.api_name)
    if isinstance(parsed, Reference):
        draft.references.append((field, parsed))
    elif field.data_type in FILE_TYPES:
        draft.files.append((field, parsed))
    elif field.storage == "tags":
        draft.tags = TagChange("set", parsed or [], field.api_name, path)
    elif field.storage == "personal":
        draft.personal[field] = parsed
    elif field.storage == "rows":
        draft.rows.append((field, _rows(catalog, field, parsed or [], path, insert=insert)))
    else:
        draft.row[field.column] = parsed
        if field.lookup_modules:
            draft.row[field.module_column] = None


def _rows(catalog: Catalog, field: Field, rows: list[Any], path: str, *, insert: bool) -> list[DraftRow]:
    module = catalog.rows_of(field)
    drafts = []
    for index, row in enumerate(rows):
        row_path = f"{path}[{index}]"
        if not isinstance(row, dict):
            raise mismatch(field, row_path, "jsonobject")
        # All rows of a new record are new: ids in them belong to the record that it was copied from.
        row_id = None if insert else row.get("id")
        is_removed = "_delete" in row and row.get("id") is not None
        if not is_removed:
            insert_row = row_id is None
            draft = draft_of(catalog, module, row, row_path, insert=insert_row, parent=module.parent_field)
            drafts.append(DraftRow(draft, row_id, delete=False))
        elif not insert:
            drafts.append(DraftRow(Draft(row_path), row_id, delete=True))
    return drafts


def _require(
    module: Module, draft: Draft, record: dict[str, Any], parent: Field | None, *, insert: bool
) -> None:
    dependent = rules_of(module).dependent
    for field in module.required:
        name = field.api_name
        # Without an Owner the caller becomes it; an update may not clear it.
        mandatory = field.mandatory or not insert
        if not mandatory or name in dependent or field is parent:
            continue
        if (insert and name not in record) or (name in draft.sent_fields and _is_empty(field, draft)):
            raise missing(field, f"{draft.path}.{name}")


def _is_empty(field: Field, draft: Draft) -> bool:
    if field.storage == "rows":
        return not any(rows for owner, rows in draft.rows if owner is field)
    if field.data_type in FILE_TYPES:
        return not any(files for owner, files in draft.files if owner is field)
    if any(lookup is field for lookup, _ in draft.references):
        return False
    value = draft.row.get(field.column)
    return value is None or (isinstance(value, str) and not value.strip())
