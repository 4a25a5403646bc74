"""What a record shows: its fields, and the keys that begin with `$`, by which Zoho's API tells what happens around it.

No record of ours is in an approval, a review or another process, so most of these keys have one value for all records.
Source: [Z get-records].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moorage.crm.metadata.catalog import Field, Module

MODULE_KEY = "$se_module"  # The module that the value of a lookup into several modules points to.

_EVERYWHERE: dict[str, Any] = {
    "$currency_symbol": "$",
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
    "Leads": {"$converted_detail": {}, "$converted": False},
    "Notes": {"$attachments": None, "$voice_note": False, "$is_shared_to_client": False},
}
# Shown only when asked for.
_ON_REQUEST = frozenset({"$approved", "$converted", "$canvas_id"})
# What the metadata of every module say that its records show [Z module-meta].
PROPERTIES = tuple(sorted({*_EVERYWHERE, "$converted_detail"} - _ON_REQUEST - {"$state"}))
_ROW_KEYS = ("$in_merge", "$field_states", "$zia_visions")


@dataclass(frozen=True, slots=True)
class Shape:
    """Which keys a record shows; `whole` adds what only a single record shows (subform rows and the like)."""

    names: tuple[str, ...]
    whole: bool = False


def shape(module: Module, fields: Sequence[str] | None, *, whole: bool = False) -> Shape:
    """The keys a record shows of those named (unknown ones are left out); None names all of them."""
    if fields is None:
        named = [f.api_name for f in module.fields.values() if whole or not _only_in_one(f)]
        named += [name for name in constants(module) if name not in _ON_REQUEST]
        if module_field(module) is not None:
            named.append(MODULE_KEY)
    else:
        named = [name for name in dict.fromkeys(fields) if _is_shown(module, name, whole=whole)]
    return Shape(tuple([name for name in named if name != "id"]), whole)


def _is_shown(module: Module, name: str, *, whole: bool) -> bool:
    field = module.fields.get(name)
    if field is not None:
        return whole or not _only_in_one(field)
    if name == MODULE_KEY:
        return module_field(module) is not None
    return name in _EVERYWHERE or name in _BY_MODULE.get(module.api_name, ())


def constants(module: Module) -> Mapping[str, Any]:
    """The $-keys that have the same value in each record of a module."""
    return _EVERYWHERE | _BY_MODULE.get(module.api_name, {})


def only_whole(module: Module) -> Mapping[str, Any]:
    """The same of the keys that come last in a whole record, and in no list."""
    subforms = {f.api_name: False for f in module.fields.values() if f.storage == "subform"}
    return {"$has_more": subforms} if subforms else {}


def module_field(module: Module) -> Field | None:
    """The lookup into several modules whose module `$se_module` tells."""
    several = (f for f in module.fields.values() if f.lookup_modules and f.api_name != "Who_Id")
    return next(several, None)


def row_names(rows: Module) -> tuple[str, ...]:
    """The keys of each row of a subform, whose rows are the records of that module."""
    return (*(name for name in rows.fields if name != "id"), *_ROW_KEYS)


def _only_in_one(field: Field) -> bool:
    return field.storage == "subform" or field.data_type in {"multiselectlookup", "multiuserlookup"}
