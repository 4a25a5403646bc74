"""Definitions of modules, fields and layouts, from which their documents are made; a definition has no id yet.

The definitions of a new organisation are in `standard/standard_modules.json`; others come from calls of the API. The
same functions, such as `field_document`, make documents of both.
"""

from typing import Any, Protocol

from msgspec import Struct, field

from moorage.crm.metadata.documents import Body

UNIQUE_TYPES = frozenset(
    {"text", "email", "phone", "website", "integer", "bigint", "double", "currency", "percent"}
)


class Ids(Protocol):
    """The ids that documents need from their organisation."""

    def new_id(self) -> str: ...

    def module(self, api_name: str) -> Body:
        """A reference to a module: its `api_name` and `id`. Raises LookupError."""


_VIEWS = ("view", "edit", "quick_create", "create")
_OPERATIONS = ("web_create", "web_update", "api_create", "api_update")


class PickListValue(Struct, frozen=True):
    """`probability` and the forecast members belong to a deal's stages; `maps` names the stages of a pipeline."""

    display_value: str
    actual_value: str
    sequence_number: int
    type: str = "used"
    colour_code: str | None = None
    probability: int | None = None
    forecast_category: str | None = None
    forecast_type: str | None = None
    maps: tuple[str, ...] = ()


class LookupDefinition(Struct, frozen=True):
    """`api_name` is the name of the related list in the other module; `modules` are the modules it may point into."""

    api_name: str | None
    module: str
    modules: tuple[str, ...] | None = None
    display_label: str | None = None  # None: the label of the field.


class Modules(Struct, frozen=True):
    modules: tuple[str, ...]


class Subform(Struct, frozen=True):
    module: str


class FieldDefinition(Struct, frozen=True, kw_only=True):
    """Members have the names of the API. `more` holds members that only some types have, such as `auto_number`."""

    api_name: str
    field_label: str
    display_label: str
    data_type: str
    json_type: str
    length: int | None
    decimal_place: int | None = None
    system_mandatory: bool = False
    read_only: bool = False
    field_read_only: bool = False
    searchable: bool = True
    sortable: bool = True
    filterable: bool = True
    visible: bool = True
    custom_field: bool = False
    display_field: bool = False
    mass_update: bool = True
    view_type: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(_VIEWS, True))
    operation_type: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(_OPERATIONS, True))
    default_value: Any = None
    pick_list_values: tuple[PickListValue, ...] = ()
    lookup: LookupDefinition | None = None
    multi_module_lookup: Modules | None = None
    subform: Subform | None = None
    section: str | None = None
    sequence_number: int = 0
    requires_feature: str | None = None
    more: Body = {}


class SectionDefinition(Struct, frozen=True, rename={"is_subform_section": "isSubformSection"}):
    api_name: str
    display_label: str
    sequence_number: int
    column_count: int
    is_subform_section: bool


class RelatedListDefinition(Struct, frozen=True):
    api_name: str
    module: str | None
    label: str
    sequence_number: int


class ModuleDefinition(Struct, frozen=True, kw_only=True):
    """Members have the names of the API."""

    api_name: str
    module_name: str
    singular_label: str
    plural_label: str
    generated_type: str
    api_supported: bool
    status: str
    visibility: int
    sequence_number: int
    creatable: bool
    editable: bool
    deletable: bool
    viewable: bool
    convertable: bool
    quick_create: bool
    show_as_tab: bool
    presence_sub_menu: bool
    sub_menu_available: bool
    feeds_required: bool
    recycle_bin_on_delete: bool
    business_card_field_limit: int
    access_type: str
    description: str | None
    parent_module: str | None = None
    display_field: str | None = None
    fields: tuple[FieldDefinition, ...] = ()
    sections: tuple[SectionDefinition, ...] = ()
    related_lists: tuple[RelatedListDefinition, ...] = ()


class LayoutDefinition(Struct, frozen=True):
    api_name: str
    name: str
    display_label: str
    generated_type: str
    status: str
