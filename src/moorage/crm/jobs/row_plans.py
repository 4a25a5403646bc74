"""From the rows of a CSV file to records as the API takes them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from moorage.crm.jobs.cells import bare, converter
from moorage.crm.jobs.write_model import Mapping as FieldMapping
from moorage.crm.jobs.write_model import Resource
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.storage.contract.organisations import Organisation

# By field and text, the record that a lookup points to.
Found: TypeAlias = Mapping[tuple[str, str], int]

_NOBODY = {"id": "0"}  # No record and no user has this id, so the rules refuse it.


class Cell:
    """One field of every record. `target` and `by` are where a lookup finds its record by a value; else None."""

    def __init__(self, organisation: Organisation, module: Module, mapping: FieldMapping) -> None:
        """Raises ValueError for a format that is none."""
        field = module.fields[mapping.api_name]
        self.name = mapping.api_name
        self.index = mapping.index
        self.parent_column = mapping.parent_column
        self.module = field.lookup if field.storage == "lookup" else None
        self.target: Module | None = None
        self.by: Field | None = None
        if field.storage == "lookup":
            self._set_target(organisation, field, mapping.find_by)
        self._convert = self._converter(organisation, field, mapping)
        self.default = mapping.default
        if isinstance(mapping.default, str):
            self.default = self._convert(mapping.default)

    def text(self, row: Sequence[str]) -> str:
        return bare(row[self.index]) if self.index is not None and self.index < len(row) else ""

    def value(self, text: str, found: Found) -> Any:
        if not text:
            return self.default
        record = found.get((self.name, text))
        return self._convert(text) if record is None else {"id": str(record)}

    def _set_target(self, organisation: Organisation, field: Field, find_by: str | None) -> None:
        target = organisation.catalog.modules.get(field.lookup or "")
        if (
            target is None
            or find_by in {None, "id"}
            or target.fields.get(find_by or "") in {None, target.display}
        ):
            return
        self.target, self.by = target, target.fields[find_by or ""]

    def _converter(
        self, organisation: Organisation, field: Field, mapping: FieldMapping
    ) -> Callable[[str], Any]:
        if field.storage == "user":
            users = _users(organisation, mapping.find_by)
            return lambda text: users.get(text.casefold(), _NOBODY)
        if field.storage != "lookup":
            return converter(field, mapping.format, organisation.zone)
        if self.by is not None or self.parent_column is not None:
            return lambda _: _NOBODY
        if mapping.find_by == "id":
            return lambda text: {"id": text}
        return lambda text: {"id": text} if text.isdigit() and len(text) > 15 else {"name": text}


class RowPlan:
    """How the rows of one file become records. Without mappings, the headings are the names of fields."""

    def __init__(
        self, organisation: Organisation, module: Module, resource: Resource, headings: Sequence[str]
    ) -> None:
        mappings = resource.mappings
        if mappings is None:
            mappings = mapped_by_headings(module, headings)
        self.cells = [Cell(organisation, module, mapping) for mapping in mappings]
        self._keeps_empty = not resource.ignore_empty

    def _record(self, row: Sequence[str], found: Found) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for cell in self.cells:
            value = cell.value(cell.text(row), found)
            if value is not None or (self._keeps_empty and cell.name != "id"):
                record[cell.name] = value
        return record

    def records(self, rows: Sequence[Sequence[str]], found: Found) -> list[dict[str, Any]]:
        return [self._record(row, found) for row in rows]

    def first_three(self, row: Sequence[str]) -> list[str]:
        """What a row has in the first three columns that are mapped."""
        indexes = [cell.index for cell in self.cells if cell.index is not None][:3]
        return [row[index] if index < len(row) else "" for index in indexes]


def mapped_by_headings(module: Module, headings: Sequence[str]) -> list[FieldMapping]:
    names = {name.lower(): name for name in module.fields}
    return [
        FieldMapping(names[heading.lower()], index)
        for index, heading in enumerate(headings)
        if heading.lower() in names
    ]


def _users(organisation: Organisation, find_by: str | None) -> dict[str, dict[str, str]]:
    """Users by what they are found by: of one kind, or their ids, names and addresses."""
    keys = (find_by,) if find_by is not None else ("id", "full_name", "email")
    return {
        str(user.body[key]).casefold(): {"id": str(user.id)}
        for user in reversed(organisation.metadata.all("user"))
        for key in keys
        if user.body.get(key) is not None
    }
