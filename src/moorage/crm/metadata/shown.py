"""The keys that a record shows: its fields, and keys that begin with `$`, which tell of processes around the record.

No record here is in an approval, a review or another process, so most of these keys have one value for all records.
Source: [Z get-records].
"""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from msgspec import Struct

from moorage.bounded import Bounded
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.rows import LINK_TYPES

RICH_TEXT_IN_LISTS = 500  # Characters.
MODULE_KEY = "$se_module"  # The module of the record that a lookup into several modules points to.

CURRENCY_SYMBOL = "$currency_symbol"

_EVERYWHERE: dict[str, Any] = {
    CURRENCY_SYMBOL: "$",  # If an organisation has several currencies, it is that of the record's own.
    "$field_states": None,
    "$sharing_permission": "full_access",
    "$editable": True,
    "$approval": {"delegate": False, "approve": False, "reject": False, "resubmit": False},
    "$approval_state": "approved",
    "$approved": True,
    "$review_process": {"approve": False, "reject": False, "resubmit": False},
    "$review": None,
    "$process_flow": False,
    "$orchestration": False,
    "$pathfinder": False,
    "$in_merge": False,
    "$locked_for_me": False,
    "$stop_processing": False,
    "$state": "save",
    "$canvas_id": None,
    "$zia_owner_assignment": "owner_recommendation_unavailable",
    "$zia_visions": None,
    "$wizard_connection_path": None,
    "$layout_id": None,
}
_BY_MODULE: dict[str, dict[str, Any]] = {
    "Notes": {"$attachments": None, "$voice_note": False, "$is_shared_to_client": False},
    "Events": {"$event_cancelled": False},
}
LAYOUT_KEY = "Layout"
CONVERSION_KEY = "$converted_detail"  # An empty object, until a lead is converted.
# The members of this object, and the fields that have their values. A converted lead is not changed any more.
CONVERSION_FIELDS = {
    "account": "Converted_Account",
    "contact": "Converted_Contact",
    "deal": "Converted_Deal",
    "convert_date": "Converted_Date_Time",
    "converted_by": "Modified_By",
}
CONVERTED = "Converted__s"
# Older keys for what a field says.
_OLDER_NAMES = {"$converted": CONVERTED}
# Shown only if `fields` names them.
_ON_REQUEST = frozenset({"$approved", "$converted", "$canvas_id", "$event_cancelled"})
# The keys that the metadata of every module list [Z module-meta].
PROPERTIES = tuple(sorted({*_EVERYWHERE, "$converted_detail"} - _ON_REQUEST - {"$state"}))
_ROW_KEYS = ("$in_merge", "$field_states", "$zia_visions")


class Shape(Struct, frozen=True):
    """Which keys a record shows. `whole` adds those that only a single record shows, such as subforms."""

    names: tuple[str, ...]
    whole: bool = False


# Callers ask for the same keys again and again. A module never changes: other metadata make other modules.
_SHAPES = WeakKeyDictionary[Module, Bounded[tuple[Sequence[str] | None, bool], Shape]]()


def shape(module: Module, fields: Sequence[str] | None, *, whole: bool = False) -> Shape:
    """The keys that a record shows if `fields` are asked for; None asks for all. Unknown names are left out."""
    shapes = _SHAPES.get(module)
    if shapes is None:
        shapes = _SHAPES[module] = Bounded(200)
    asked = (None if fields is None else tuple(fields), whole)
    result = shapes.get(asked)
    if result is None:
        names = _all_names(module, whole=whole) if fields is None else _names_of(module, fields, whole=whole)
        result = shapes[asked] = Shape(tuple([name for name in names if name != "id"]), whole)
    return result


def _all_names(module: Module, *, whole: bool) -> list[str]:
    names = [f.api_name for f in module.fields.values() if whole or not _only_in_whole(f)]
    names += [name for name in constants(module) if name not in _ON_REQUEST]
    names += [CONVERSION_KEY] if CONVERTED in module.fields else []
    return names if module_field(module) is None else [*names, MODULE_KEY]


def _names_of(module: Module, fields: Sequence[str], *, whole: bool) -> list[str]:
    return [name for name in dict.fromkeys(fields) if _is_shown(module, name, whole=whole)]


def _is_shown(module: Module, name: str, *, whole: bool) -> bool:
    field = module.fields.get(name)
    if field is not None:
        return whole or not _only_in_whole(field)
    if name == MODULE_KEY:
        return module_field(module) is not None
    if name == CONVERSION_KEY or name in _OLDER_NAMES:
        return CONVERTED in module.fields
    return name in constants(module)


def field_shown(module: Module, key: str) -> Field | None:
    """The field whose value a key shows; None for a key that shows something else."""
    return module.fields.get(_OLDER_NAMES.get(key, key))


def constants(module: Module) -> Mapping[str, Any]:
    """The keys that have the same value in every record of a module: its layout, and many that begin with `$`."""
    layout = {} if module.layout is None else {LAYOUT_KEY: module.layout}
    return layout | _EVERYWHERE | _BY_MODULE.get(module.api_name, {})


def only_whole(module: Module) -> Mapping[str, Any]:
    """Such keys that are shown at the end of a whole record, and in no list."""
    rows = {f.api_name: False for f in module.row_fields}
    return {"$has_more": rows} if rows else {}


def module_field(module: Module) -> Field | None:
    """The lookup into several modules to which `$se_module` belongs."""
    several = (f for f in module.fields.values() if f.lookup_modules and f.api_name != "Who_Id")
    return next(several, None)


def row_names(rows: Module) -> tuple[str, ...]:
    """The keys of a subform's rows, which are records of the module `rows`."""
    return (*(name for name in rows.fields if name != "id"), *_ROW_KEYS)


def _only_in_whole(field: Field) -> bool:
    return field.storage == "rows" or field.data_type in LINK_TYPES
