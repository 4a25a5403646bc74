"""One record as the caller sent it, checked against its module, before anything is asked of the store."""

from dataclasses import dataclass, field
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.records.values import Reference, mismatch, missing, parse
from moorage.crm.storage.contract.records import Row

# Whether these are mandatory depends on other fields: `rules.py` decides.
_DEPENDENT = frozenset({("Calls", "Call_Duration"), ("Notes", "Note_Content")})


@dataclass(slots=True)
class Draft:
    """`row` holds finished values; what only the store can finish waits beside it."""

    path: str
    row: Row = field(default_factory=dict)
    references: list[tuple[Field, Reference]] = field(default_factory=list)
    tags: list[str] | None = None
    subforms: list[tuple[Field, list["DraftLine"]]] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    appended: set[str] = field(default_factory=set)
    se_module: str | None = None


@dataclass(slots=True)
class DraftLine:
    """One row of a subform: new without an id, changed with one, removed when `delete` is set."""

    draft: Draft
    id: Any
    delete: bool


def draft(catalog: Catalog, module: Module, record: Any, path: str, *, insert: bool) -> Draft:
    """Check types, lengths, formats and mandatory fields. Raises the first Fault found, in the fields' order.

    Keys that are no fields, and fields nobody may write, are ignored, as Zoho does [Z observed].
    """
    if not isinstance(record, dict):
        raise Fault(
            400, "INVALID_DATA", "invalid data", {"expected_data_type": "jsonobject", "json_path": path}
        )
    made = Draft(path)
    for name, value in record.items():
        one = module.fields.get(name)
        if one is not None and (one.creatable if insert else one.updatable):
            _take(catalog, made, one, value, insert=insert)
    made.se_module = _se_module(record)
    appended = record.get("$append_values")
    if isinstance(appended, dict):
        made.appended = {name for name, yes in appended.items() if yes is True}
    _require(module, made, record, insert=insert)
    return made


def _se_module(record: dict[str, Any]) -> str | None:
    """The module of an activity's or a note's record; before version 5 the key had no dollar sign."""
    named = record.get("$se_module", record.get("se_module"))
    return named if isinstance(named, str) else None


def _take(catalog: Catalog, made: Draft, one: Field, value: Any, *, insert: bool) -> None:
    path = f"{made.path}.{one.api_name}"
    parsed = parse(one, value, path)
    made.given.add(one.api_name)
    if isinstance(parsed, Reference):
        made.references.append((one, parsed))
    elif one.storage == "tags":
        made.tags = parsed or []
    elif one.storage == "subform":
        made.subforms.append((one, _lines(catalog, one, parsed or [], path, insert=insert)))
    else:
        made.row[one.column] = parsed
        if one.lookup_modules:
            made.row[one.module_column] = None


def _lines(catalog: Catalog, one: Field, rows: list[Any], path: str, *, insert: bool) -> list[DraftLine]:
    module = catalog.modules[one.subform or ""]
    lines = []
    for index, row in enumerate(rows):
        at = f"{path}[{index}]"
        if not isinstance(row, dict):
            raise mismatch(one, at, "jsonobject")
        # The rows of a new record are new, whatever ids they bring along: of the record it was copied from.
        known = None if insert else row.get("id")
        removed = "_delete" in row and row.get("id") is not None
        if not removed:
            line = DraftLine(draft(catalog, module, row, at, insert=known is None), known, delete=False)
            lines.append(line)
        elif not insert:
            lines.append(DraftLine(Draft(at), known, delete=True))
    return lines


def _require(module: Module, made: Draft, record: dict[str, Any], *, insert: bool) -> None:
    for one in module.fields.values():
        name = one.api_name
        # Who doesn't say gets the records they add, but no record can be left without an owner.
        mandatory = one.mandatory or (name == "Owner" and not insert)
        if not mandatory or (module.api_name, name) in _DEPENDENT:
            continue
        if (insert and name not in record) or (name in made.given and _is_empty(one, made)):
            raise missing(one, f"{made.path}.{name}")


def _is_empty(one: Field, made: Draft) -> bool:
    if one.storage == "subform":
        return not any(lines for field_, lines in made.subforms if field_ is one)
    if any(field_ is one for field_, _ in made.references):
        return False
    value = made.row.get(one.column)
    return value is None or (isinstance(value, str) and not value.strip())
