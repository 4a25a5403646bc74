"""What a caller says of the conversion of a lead [Z convert-lead]."""

from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.copies import is_active
from moorage.crm.records.tag_names import MAX_TAGS
from moorage.crm.storage.contract.organisations import Organisation

PARTS = ("Contacts", "Accounts", "Deals")  # The modules of what a lead becomes.
_LONGEST_NAME = 100


class ConversionRequest(msgspec.Struct, frozen=True):
    """By module: `ids` of records that are there, `values` for the record, and the names of `tags` for it.

    `owner` is the user who gets the new records; None is the owner of the lead. `moved_to` is the module whose record
    gets notes and attachments.
    """

    path: str
    overwrite: bool
    adds_to_existing: bool
    owner: int | None
    ids: dict[str, int]
    values: dict[str, dict[str, Any]]
    tags: dict[str, list[str]]
    moved_to: str | None


def read_request(organisation: Organisation, body: Any, path: str = "$.data[0]") -> ConversionRequest:
    """`path` is where the request stands in the body. Raises the Fault for what can't be."""
    if not isinstance(body, dict):
        details = {"expected_data_type": "jsonobject", "json_path": path}
        raise Fault(400, "INVALID_DATA", "invalid data", details)
    element = JsonObject(body, path)
    ids, values = {}, {}
    for name in PARTS:
        if name not in element:
            continue
        if name == "Deals":
            values[name] = _values(element, name)
        elif isinstance(element.raw(name), dict):
            values[name] = _values(element, name)
            if (inner := element.inner(name)) is not None and inner.has_member("id"):
                ids[name] = _id(inner, "id")
        else:  # The form of the first versions.
            ids[name] = _id(element, name)
    for name in ("notify_lead_owner", "notify_new_entity_owner"):
        element.boolean(name)  # Nobody is notified: no e-mail leaves this machine.
    return ConversionRequest(
        path=element.path,
        overwrite=element.boolean("overwrite"),
        adds_to_existing=element.boolean("add_to_existing_record"),
        owner=_owner(organisation, element),
        ids=ids,
        values=values,
        tags=_tags(element),
        moved_to=_moved_to(organisation.metadata, element, values),
    )


def _values(element: JsonObject, name: str) -> dict[str, Any]:
    inner = element.inner(name)
    assert inner is not None
    return {key: value for key, value in element.raw(name).items() if key != "id"}


def _id(holder: JsonObject, name: str) -> int:
    record = whole_id(holder.raw(name))
    if record is None:
        raise holder.invalid(name)
    return record


def _owner(organisation: Organisation, element: JsonObject) -> int | None:
    if "assign_to" not in element:
        return None
    holder, name = element, "assign_to"
    if isinstance(element.raw("assign_to"), dict):
        holder, name = element.inner("assign_to") or element, "id"
        holder.require(name)
    user = _id(holder, name)
    if not is_active(organisation, user):
        raise holder.invalid(name)
    return user


def _tags(element: JsonObject) -> dict[str, list[str]]:
    carried = element.inner("carry_over_tags")
    return {} if carried is None else {name: _names(carried, name) for name in PARTS if name in carried}


def _names(carried: JsonObject, module: str) -> list[str]:
    items = carried.raw(module)
    if not isinstance(items, list):
        raise carried.invalid(module, expected_data_type="jsonarray")
    if len(items) > MAX_TAGS:
        raise carried.invalid(module, maximum_length=MAX_TAGS)
    names = [item.get("name") if isinstance(item, dict) else item for item in items]
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) < len(names):
        raise carried.invalid(module, expected_data_type="text")
    return texts


def _moved_to(metadata: Metadata, element: JsonObject, values: dict[str, Any]) -> str | None:
    """The module that is named, of those whose record there will be."""
    chosen = element.inner("move_attachments_to")
    if chosen is None:
        return None
    member = "api_name" if "api_name" in chosen or "id" not in chosen else "id"
    name = chosen.text(member, _LONGEST_NAME) if member == "api_name" else str(chosen.raw(member))
    if name is None:
        raise chosen.missing(member)
    modules = [module for module in metadata.all("module") if module.name in PARTS]
    named = next((module.name for module in modules if name in {module.name, str(module.id)}), None)
    if named is None or (named == "Deals" and "Deals" not in values):
        raise chosen.invalid(
            member, supported_values=[part for part in PARTS if part != "Deals" or part in values]
        )
    return named
