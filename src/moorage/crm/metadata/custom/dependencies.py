"""Dependencies of picklists in a layout: which options of a child a parent's option leaves [Z map-dependency].

A document keeps ids alone, by the parent's option those of the child, so that it shows options as they are called now.
"""

from collections.abc import Iterable, Mapping

from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.types import PICK_LISTS
from moorage.crm.metadata.documents import Body, Document
from moorage.crm.metadata.ids import whole_id

MOST_OPTIONS = 1_000
_SHOWN = ("id", "actual_value", "display_value")


def fields_of(spec: JsonObject, fields: Iterable[Document]) -> tuple[Document, Document]:
    """Parent and child of a new dependency. Raises the Fault for fields that can't depend on each other."""
    known = {field.id: field for field in fields} | {field.name: field for field in fields}
    found: list[Document] = []
    for name in ("parent", "child"):
        named = spec.inner(name)
        if named is None:
            raise spec.missing(name)
        key = "id" if "id" in named else "api_name"
        named.require(key)
        field = known.get(whole_id(named.raw("id")) or 0 if key == "id" else str(named.raw(key)))
        types = PICK_LISTS if name == "child" else {"picklist"}
        if field is None or field.body["data_type"] not in types or field in found:
            raise named.invalid(key)
        found.append(field)
    parent, child = found
    return parent, child


def refuse_known(spec: JsonObject, parent: Document, child: Document, known: Iterable[Document]) -> None:
    """Raise the Fault if the child depends on a field already, or the parent on the child."""
    parents = {dependency.body["child"]: dependency.body["parent"] for dependency in known}
    if str(child.id) in parents:
        raise spec.fault("DUPLICATE_DATA", "duplicate data", "child")
    above: str | None = str(parent.id)
    while above is not None:
        above = parents.get(above)
        if above == str(child.id):
            raise spec.fault("NOT_ALLOWED", "the parent depends on the child", "child")


def mapped(
    spec: JsonObject, parent: Document, child: Document, before: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """The child's options by the parent's. Those that are not named stay; `_delete` takes one away."""
    values = {option: [*children] for option, children in before.items()}
    own, others = _ids(parent), _ids(child)
    for item in spec.items("pick_list_values", MOST_OPTIONS):
        chosen = values.setdefault(_named(item, own), [])
        for entry in item.items("maps", MOST_OPTIONS):
            option = _named(entry, others)
            if entry.boolean("_delete"):
                chosen[:] = [each for each in chosen if each != option]
            elif option not in chosen:
                chosen.append(option)
    return {option: children for option, children in values.items() if children}


def _ids(field: Document) -> set[str]:
    return {option["id"] for option in field.body["pick_list_values"]}


def _named(item: JsonObject, known: set[str]) -> str:
    item.require("id")
    identity = str(whole_id(item.raw("id")))
    if identity not in known:
        raise item.invalid("id")
    return identity


def is_mapped(field: Document, dependencies: Iterable[Document]) -> bool:
    """Whether one of the dependencies is about the field."""
    return any(str(field.id) in (each.body["parent"], each.body["child"]) for each in dependencies)


def maps_of(values: Mapping[str, list[str]], option: Body, child: Document) -> list[Body]:
    """The options of the child that the parent's option leaves, in the child's order."""
    kept = set(values.get(option["id"], ()))
    names = (*_SHOWN, "sequence_number")
    return [
        {name: each[name] for name in names} for each in child.body["pick_list_values"] if each["id"] in kept
    ]


def shown(dependency: Document, fields: Mapping[str, Document]) -> Body:
    """A dependency as the API shows it. `fields` are those of its module by their ids."""
    parent, child = (fields[dependency.body[name]] for name in ("parent", "child"))
    values = dependency.body["values"]
    pick_list_values = [
        {**{name: option[name] for name in _SHOWN}, "maps": maps_of(values, option, child)}
        for option in parent.body["pick_list_values"]
        if option["id"] in values
    ]
    return {
        "id": str(dependency.id),
        "parent": {"api_name": parent.name, "id": str(parent.id)},
        "child": {"api_name": child.name, "id": str(child.id)},
        "pick_list_values": pick_list_values,
        "internal": False,
        "active": True,
        "source": 1,
        "category": 1,
        "sub_module": None,
    }
