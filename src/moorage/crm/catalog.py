"""Modules and fields compiled for work on records: which column, which type, who may write.

Layout of the tables: module `m<n>`, its full text beside it in `t<n>`, a column `c<n>` per field, where n is the last
twelve digits of the module's or field's id. A rename therefore changes no table.
"""

from dataclasses import dataclass, field
from typing import Any

from moorage.crm.metadata import Metadata

ID_SPACE = 10**12  # An id is an organisation's prefix (seven digits) followed by twelve digits of its own.

SYSTEM_WRITTEN = frozenset({"Created_Time", "Modified_Time", "Created_By", "Modified_By", "id"})
FULL_TEXT_TYPES = frozenset({"text", "textarea", "email", "phone", "website", "picklist", "autonumber"})


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    id: int
    api_name: str
    data_type: str
    length: int | None
    decimal_place: int | None
    mandatory: bool
    creatable: bool  # The API may set it on insert.
    updatable: bool  # The API may set it on update.
    unique: bool
    searchable: bool
    sortable: bool
    visible: bool
    pick_list: tuple[str, ...]  # The actual values.
    default: Any
    lookup: str | None  # API name of the module a lookup points to.
    lookup_modules: tuple[str, ...]  # The same for a lookup into several modules.
    subform: str | None  # API name of the module that holds a subform's rows.
    column: str

    @property
    def module_column(self) -> str:
        """Where a lookup into several modules keeps the number of the module it points to."""
        return f"{self.column}_m"


@dataclass(eq=False)
class Module:
    id: int
    api_name: str
    generated_type: str
    table: str
    text_table: str
    fields: dict[str, Field]
    display_name: str | None
    parent: str | None
    flags: dict[str, Any] = field(repr=False)

    @property
    def number(self) -> int:
        return self.id % ID_SPACE

    @property
    def display(self) -> Field | None:
        return self.fields.get(self.display_name) if self.display_name else None

    @property
    def full_text(self) -> list[Field]:
        """The fields a word search looks into; each is a column of the module's full-text table."""
        return [f for f in self.fields.values() if f.searchable and f.data_type in FULL_TEXT_TYPES]

    def of_type(self, *types: str) -> list[Field]:
        return [f for f in self.fields.values() if f.data_type in types]


class Catalog:
    def __init__(self, metadata: Metadata) -> None:
        self.modules: dict[str, Module] = {}
        self.by_number: dict[int, Module] = {}
        for document in metadata.all("module"):
            if not metadata.all("field", document.id):
                continue  # A tab without records, such as Home: settings show it, records never.
            module = _module(document.id, document.body, metadata)
            self.modules[module.api_name] = module
            self.by_number[module.number] = module


def _module(id: int, body: dict[str, Any], metadata: Metadata) -> Module:  # noqa: A002
    number = id % ID_SPACE
    fields = [_field(d.id, d.body) for d in metadata.all("field", id)]
    parent = body.get("parent_module") or {}
    return Module(
        id=id,
        api_name=body["api_name"],
        generated_type=body["generated_type"],
        table=f"m{number}",
        text_table=f"t{number}",
        fields={f.api_name: f for f in fields},
        display_name=body.get("display_field"),
        parent=parent.get("api_name"),
        flags=body,
    )


def _field(id: int, body: dict[str, Any]) -> Field:  # noqa: A002
    operations = body["operation_type"]
    lookup = body.get("lookup") or {}
    several = body.get("multi_module_lookup") or {}
    return Field(
        id=id,
        api_name=body["api_name"],
        data_type=body["data_type"],
        length=body.get("length"),
        decimal_place=body.get("decimal_place"),
        mandatory=bool(body.get("system_mandatory")),
        creatable=bool(operations.get("api_create")),
        updatable=bool(operations.get("api_update")),
        unique=bool(body.get("unique")),
        searchable=bool(body.get("searchable")),
        sortable=bool(body.get("sortable")),
        visible=bool(body.get("visible", True)),
        pick_list=tuple(v["actual_value"] for v in body.get("pick_list_values") or ()),
        default=body.get("default_value"),
        lookup=(lookup.get("module") or {}).get("api_name"),
        lookup_modules=tuple(m["api_name"] for m in several.get("modules") or ()),
        subform=(body.get("associated_module") or {}).get("module"),
        column=f"c{id % ID_SPACE}",
    )
