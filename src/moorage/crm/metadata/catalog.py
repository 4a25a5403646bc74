"""Modules and fields prepared for work on records: their columns, types and rights to write.

A module's table is `m<n>`, its full text `t<n>`, and the column of a field `c<n>`, where n is the last twelve digits of
the module's or the field's id. So a rename changes no table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec

from moorage.crm.metadata.currencies import BASE_RATE, CURRENCY, RATE, currencies_of
from moorage.crm.metadata.documents import Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.metadata.roll_ups import ROLL_UP, RollUp, roll_up_of
from moorage.crm.metadata.rows import Rows, relation_in, rows_in

RICH_TEXT = 50_000  # The length of a rich text: no other text is as long.
NO_VALUE = "-None-"  # The option of a picklist that means no choice.

Storage: TypeAlias = Literal[
    "id", "text", "integer", "bigint", "real", "boolean", "date", "datetime", "list", "json", "tags", "user",
    "lookup", "rows", "personal",
]  # fmt: skip

_STORAGE_BY_TYPE: dict[str, Storage] = {
    "integer": "integer",
    "bigint": "bigint",
    "double": "real",
    "currency": "real",
    "percent": "real",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "multiselectpicklist": "list",
    "ownerlookup": "user",
    "userlookup": "user",
    "lookup": "lookup",
    "multi_module_lookup": "lookup",
}
_STORAGE_BY_JSON: dict[str, Storage] = {
    "jsonarray": "json",
    "jsonobject": "json",
    "double": "real",
    "integer": "integer",
    "boolean": "boolean",
}


class Field(msgspec.Struct, frozen=True, eq=False):
    id: int
    api_name: str
    data_type: str
    storage: Storage  # The type of the column; of a formula, the type of its result.
    length: int | None
    decimal_place: int | None
    mandatory: bool
    creatable: bool  # The API may set it on insert.
    updatable: bool  # The API may set it on update.
    unique: bool
    # Whose ids of another program the values are: the organisation's (`org`), or each user's own (`user`).
    external: str | None
    searchable: bool
    sortable: bool
    pick_list: tuple[str, ...]  # The actual values.
    probabilities: dict[str, int]  # Of a deal's stages: actual value to percent.
    default: Any
    lookup: str | None  # API name of the module a lookup points to.
    lookup_modules: tuple[str, ...]  # The same for a lookup into several modules.
    rows: Rows | None  # Of a field whose values are records of a module of their own.
    column: str
    auto_number: dict[str, Any]  # Prefix, suffix and first number of an autonumber.
    related_list: str | None  # Of a lookup: the list, in the module it points to, of who points there.
    roll_up: RollUp | None  # What a roll-up field is worked out of.
    formula: dict[str, Any]  # Return type and expression of a formula; one of the system has no expression.
    converts_to: dict[
        str, str
    ]  # Of a field of leads: by module, the field that gets its value in a conversion.
    # What a new record holds: a box is not ticked, a count is 0, and amounts are in the base currency.
    initial: int | str | None
    stages: dict[str, frozenset[str]]  # Of the pipeline of deals: the stages of each, by actual values.

    @property
    def number(self) -> int:
        return self.id % ID_SPACE

    @property
    def finds_one(self) -> bool:
        """Whether no two records have the same value, as one user sees them."""
        return self.unique or self.storage == "personal"

    def numbered(self, count: int) -> str:
        """The value of an autonumber for the module's record number `count`, from 1."""
        numbers = self.auto_number
        number = count - 1 + numbers.get("start_number", 1)
        return f"{numbers.get('prefix') or ''}{number}{numbers.get('suffix') or ''}"

    @property
    def module_column(self) -> str:
        """The column in which a lookup into several modules keeps the number of the module."""
        return f"{self.column}_m"

    @property
    def is_rich_text(self) -> bool:
        """Whether the text has HTML. Lists show its beginning."""
        return self.data_type == "textarea" and self.length == RICH_TEXT

    @property
    def in_full_text(self) -> bool:
        """Whether word searches find its words. The code of its currency tells no record from others."""
        return self.searchable and self.storage == "text" and self.initial is None


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
    layout: dict[str, str] | None = None  # The one layout of its records, by `name` and `id`.
    parent_field: Field | None = None  # Of a module of rows: the lookup by which a row points to its record.
    # Of a module of links: the lookup to the other record, or to a user.
    connected_field: Field | None = None
    # The roll-up fields that are worked out of this module's records, each with the module whose field it is.
    roll_ups: "list[tuple[Module, Field]]" = field(default_factory=list, repr=False)

    @property
    def number(self) -> int:
        return self.id % ID_SPACE

    @property
    def reference(self) -> dict[str, str]:
        """The module as answers refer to it."""
        return {"api_name": self.api_name, "id": str(self.id)}

    @property
    def is_part(self) -> bool:
        """Whether its records are rows of a subform. Links to other records can come alone."""
        return self.parent_field is not None and self.connected_field is None

    @property
    def is_hidden(self) -> bool:
        """Whether its records are shown in related lists alone."""
        return relation_in(self.flags) is not None

    @property
    def display(self) -> Field | None:
        return self.fields.get(self.display_name) if self.display_name else None

    @property
    def name_field(self) -> Field | None:
        """The field that names a record where others point to it; None if it is no text."""
        field = self.display
        return field if field is not None and field.storage == "text" else None

    def opposite(self, lookup: Field) -> Field | None:
        """Of a module of links: the other lookup of a link."""
        if lookup is self.parent_field:
            return self.connected_field
        return self.parent_field if lookup is self.connected_field else None

    @property
    def parent_column(self) -> str:
        """Of a module of rows: the column of the record that a row belongs to."""
        assert self.parent_field is not None
        return self.parent_field.column

    def lookups_of(self, parents: "Module", related_list: str) -> list[Field]:
        """The lookups of this module's records that a related list of another module shows."""
        pointing = [
            f
            for f in self.fields.values()
            if f.storage == "lookup" and parents.api_name in (f.lookup_modules or (f.lookup,))
        ]
        # Notes point into many modules, and their lookup names no list.
        return [f for f in pointing if f.related_list == related_list] or [
            f for f in pointing if f.related_list is None
        ]

    @property
    def currency(self) -> Field | None:
        """The field that tells in which currency a record's amounts are, if the organisation has several."""
        field = self.fields.get(CURRENCY)
        return field if field is not None and field.initial is not None else None

    @cached_property
    def row_fields(self) -> tuple[Field, ...]:
        """The fields whose values are rows: records of a module of their own."""
        return tuple(f for f in self.fields.values() if f.rows is not None)

    @cached_property
    def personal(self) -> tuple[Field, ...]:
        """The fields in which each user has values of their own. They are companions of the records."""
        return tuple(f for f in self.fields.values() if f.storage == "personal")

    @cached_property
    def full_text(self) -> tuple[Field, ...]:
        """The fields whose words are searched; each is a column of the module's full text."""
        return tuple(f for f in self.fields.values() if f.in_full_text)

    @cached_property
    def required(self) -> tuple[Field, ...]:
        """The mandatory fields, and the owner: nobody has to name one, but an update may not clear it."""
        return tuple(f for f in self.fields.values() if f.mandatory or f.api_name == "Owner")

    @cached_property
    def _by_types(self) -> dict[tuple[str, ...], tuple[Field, ...]]:
        return {}

    def of_type(self, *types: str) -> tuple[Field, ...]:
        """The fields of these types, worked out once: every record that is written or shown asks."""
        fields = self._by_types.get(types)
        if fields is None:
            fields = tuple(f for f in self.fields.values() if f.data_type in types)
            self._by_types[types] = fields
        return fields


class Catalog:
    def __init__(self, metadata: Metadata) -> None:
        self.modules: dict[str, Module] = {}
        self.by_number: dict[int, Module] = {}
        # The first month of fiscal years, from 1 to 12.
        self.fiscal_month = next((year.body["month"] for year in metadata.all("fiscal_year")), 1)
        self.currencies = currencies_of(metadata)
        self._pointing: dict[Module, list[tuple[Module, Field]]] = {}
        for document in metadata.all("module"):
            if not metadata.all("field", document.id):
                continue  # A tab without records, such as Home: only settings show it.
            module = _module(document.id, document.body, metadata)
            self.modules[module.api_name] = module
            self.by_number[module.number] = module
        for module in self.modules.values():
            for owner in module.row_fields:
                self._point_back(owner)
            if (relation := relation_in(module.flags)) is not None:
                # These links stay when one of their records is deleted: nobody sees them until it comes back.
                _link(module, *relation)
            for roll_up in module.of_type(ROLL_UP):
                assert roll_up.roll_up is not None
                self.modules[roll_up.roll_up.module].roll_ups.append((module, roll_up))

    def _point_back(self, field: Field) -> None:
        """Let the module of a field's rows know by which lookups they point to their record, and to another one."""
        assert field.rows is not None
        rows = self.rows_of(field)
        _link(rows, field.rows.parent, field.rows.connected)
        for lookup in (rows.parent_field, rows.connected_field):
            if lookup is not None and lookup.lookup is not None:
                self._pointing.setdefault(self.modules[lookup.lookup], []).append((rows, lookup))

    @cached_property
    def has_personal(self) -> bool:
        """Whether some field of a module has values of each user's own."""
        return any(module.personal for module in self.modules.values())

    def links_of(self, relation: str) -> Module | None:
        """The module of the links of a standard relation; None as long as nothing was related."""
        modules = self.modules.values()
        return next((module for module in modules if module.flags.get("relation") == relation), None)

    def relations_of(self, module: Module) -> list[tuple[Module, Field]]:
        """The links of standard relations to the module's records: their modules, and the lookups to the record."""
        return [
            (links, lookup)
            for links in self.modules.values()
            if links.is_hidden
            for lookup in (links.parent_field, links.connected_field)
            if lookup is not None and lookup.lookup == module.api_name
        ]

    def rows_of(self, field: Field) -> Module:
        """The module of a field's rows."""
        assert field.rows is not None
        return self.modules[field.rows.module]

    def rows_pointing_to(self, module: Module) -> Sequence[tuple[Module, Field]]:
        """The rows that can't be without a record of the module: their own modules, and the lookups to the record."""
        return self._pointing.get(module, ())

    def targets_of(self, field: Field) -> list[Module]:
        """The modules that a lookup points to."""
        names = field.lookup_modules or (field.lookup,)
        return [self.modules[name] for name in names if name in self.modules]

    def named_by(self, field: Field) -> list[tuple[Module, Field]]:
        """The modules that a lookup points to, each with the field that names its records."""
        return [(m, m.name_field) for m in self.targets_of(field) if m.name_field]


def _link(rows: Module, parent: str, connected: str | None) -> None:
    """Let a module know by which lookups its rows point to their records. Both names are API names."""
    rows.parent_field = rows.fields[parent]
    rows.connected_field = rows.fields[connected] if connected else None


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
        layout=_layout(id, metadata),
    )


def _layout(module: int, metadata: Metadata) -> dict[str, str] | None:
    layouts = metadata.all("layout", module)
    return {"name": layouts[0].name, "id": str(layouts[0].id)} if layouts else None


def _field(id: int, body: dict[str, Any]) -> Field:  # noqa: A002
    operations, roll_up, rows = body["operation_type"], roll_up_of(body), rows_in(body)
    storage: Storage = _storage(body) if rows is None else "rows"
    lookup = (body.get("lookup") or {}).get("module") or {}
    several = body.get("multi_module_lookup") or {}
    external = (body.get("external") or {}).get("type")
    return Field(
        id=id,
        api_name=body["api_name"],
        data_type=body["data_type"],
        storage=storage,
        length=body.get("length"),
        decimal_place=body.get("decimal_place"),
        mandatory=bool(body.get("system_mandatory")),
        creatable=bool(operations.get("api_create")),
        updatable=bool(operations.get("api_update")),
        unique=bool(body.get("unique")) or external == "org",
        external=external,
        searchable=bool(body.get("searchable")),
        sortable=bool(body.get("sortable")),
        pick_list=tuple(v["actual_value"] for v in body.get("pick_list_values") or ()),
        probabilities={
            v["actual_value"]: v["probability"]
            for v in body.get("pick_list_values") or ()
            if v.get("probability") is not None
        },
        default=body.get("default_value"),
        # A field into the pseudo-module se_module points into several, as Zoho's SDKs also treat it [Z sdk].
        lookup=None if several else lookup.get("api_name"),
        lookup_modules=tuple(m["api_name"] for m in several.get("modules") or ()),
        rows=rows,
        column="id" if body["api_name"] == "id" else f"c{id % ID_SPACE}",
        auto_number=body.get("auto_number") or {},
        related_list=(body.get("lookup") or {}).get("api_name"),
        formula=body.get("formula") or {},
        roll_up=roll_up,
        converts_to={name: to for name, to in (body.get("convert_mapping") or {}).items() if to},
        initial=_initial(body, storage, roll_up),
        stages={
            v["actual_value"]: frozenset(
                stage["actual_value"] for child in v["maps"] for stage in child["pick_list_values"]
            )
            for v in body.get("pick_list_values") or ()
            if v.get("maps")
        },
    )


def _initial(body: dict[str, Any], storage: Storage, roll_up: RollUp | None) -> int | str | None:
    if storage == "boolean" or (roll_up is not None and roll_up.function == "count"):
        return 0
    if body["custom_field"]:
        return None
    base: str | None = body.get("default_value")
    return {CURRENCY: base, RATE: BASE_RATE}.get(body["api_name"])


def _storage(body: dict[str, Any]) -> Storage:
    name, data_type, json_type = body["api_name"], body["data_type"], body["json_type"]
    if name == "id":
        return "id"
    if name == "Tag":
        return "tags"
    if data_type in {ROLL_UP, "formula"}:
        data_type = body[data_type]["return_type"]
    if (body.get("external") or {}).get("type") == "user":
        return "personal"
    # Participants calls itself a bigint, and Comments a text, yet both carry arrays of objects.
    if json_type == "jsonarray" and data_type != "multiselectpicklist":
        return "json"
    return _STORAGE_BY_TYPE.get(data_type) or _STORAGE_BY_JSON.get(json_type, "text")
