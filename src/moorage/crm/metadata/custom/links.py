"""Lookups into many records, or to many users: what a caller says about them, and what their documents show.

The forms `connected_details` and `linking_details` are Zoho's newer ones; `connected_module` and `linking_module` are
what fields showed before, and what older clients send back. Source: [Z multi-select-lookup].
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import LONGEST_LABEL
from moorage.crm.metadata.custom.row_modules import check_module_name, module_name_of
from moorage.crm.metadata.documents import Body

USERS = "Users"  # What links to users are connected with; there is no module of that name.


class LinkSpec(msgspec.Struct, frozen=True):
    """`connected` is the API name of the other module, None for users. None elsewhere: the caller leaves it to us.

    `own_label` is of the lookup by which a link points to its own record, `list_label` of the related list in the other
    module, `module_name` and `module_label` are of the module of the links.
    """

    connected: str | None
    own_label: str | None
    list_label: str | None
    module_name: str | None
    module_label: str | None


def read_links(
    spec: JsonObject, data_type: str, module_named: Callable[[JsonObject], str], modules: Collection[str]
) -> LinkSpec:
    """Raises the Fault for what is not possible. `modules` are the names of all modules that there are."""
    links = spec.inner(data_type)
    if links is None:
        if data_type == "multiselectlookup":
            raise spec.fault("DEPENDENT_FIELD_MISSING", "dependent field missing", data_type)
        return LinkSpec(None, None, None, None, None)
    if links.boolean("record_access"):
        raise links.fault("NOT_SUPPORTED", "links give no access to records here", "record_access")
    details = links.inner("connected_details")
    own = details.inner("field") if details is not None else None
    related_list = links.inner("related_list")
    list_label = (related_list or links).text("display_label", LONGEST_LABEL)
    name, label = _linking_module(links, modules)
    return LinkSpec(
        connected=_connected(links, details, module_named) if data_type == "multiselectlookup" else None,
        own_label=own.text("field_label", LONGEST_LABEL) if own is not None else None,
        list_label=list_label,
        module_name=name,
        module_label=label,
    )


def _connected(
    links: JsonObject, details: JsonObject | None, module_named: Callable[[JsonObject], str]
) -> str:
    if details is not None and "layouts" in details:
        raise details.fault("NOT_SUPPORTED", "links lead to records of every layout here", "layouts")
    module = details.inner("module") if details is not None else None
    module = module or links.inner("connected_module") or links.inner("module")
    if module is None:
        raise links.missing("connected_details")
    return module_named(module)


def _linking_module(links: JsonObject, modules: Collection[str]) -> tuple[str | None, str | None]:
    """API name and label of the module of the links, where the caller gives them."""
    details = links.inner("linking_details")
    module = (details.inner("module") if details is not None else None) or links.inner("linking_module")
    if module is None:
        return None, None
    name, label = (module.text(member, LONGEST_LABEL) for member in ("api_name", "plural_label"))
    if name is not None:
        check_module_name(name, module.path, modules)
    return name or (module_name_of(label, modules) if label else None), label


def links_body(
    id_: str, module: Body, connected: Body, lookups: Mapping[str, Body], related_list: Body | None
) -> Body:
    """The member `multiselectlookup` or `multiuserlookup` of a field's document, in the older form and the newer.

    `module` and `connected` are the documents of the modules, with `api_name` alone for users. `lookups` has the fields
    of a link: its `own` record, and the `connected` one.
    """
    own, other = _field(lookups["own"]), _field(lookups["connected"])
    shown_list = related_list or dict.fromkeys(("display_label", "api_name", "id"))
    return {
        "display_label": shown_list["display_label"],
        "linking_module": _reference(module),
        "lookup_apiname": own["api_name"],
        "connected_module": _reference(connected),
        "api_name": shown_list["api_name"],
        "connectedfield_apiname": None,
        "connectedlookup_apiname": other["api_name"],
        "id": id_,
        "record_access": False,
        "linking_details": {
            "module": {"visibility": module["visibility"], **_labelled(module)},
            "lookup_field": own,
            "connected_lookup_field": other,
        },
        "connected_details": {"field": own, "module": _labelled(connected)},
        "related_list": {name: shown_list[name] for name in ("display_label", "api_name", "id")},
    }


def _reference(module: Body) -> Body:
    return {name: module[name] for name in ("api_name", "id") if name in module}


def _labelled(module: Body) -> dict[str, Any]:
    return {"plural_label": module.get("plural_label", USERS), **_reference(module)}


def _field(field: Body) -> Body:
    return {name: field[name] for name in ("api_name", "field_label", "id")}
