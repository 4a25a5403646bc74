"""Dependencies of picklists in a layout: read, made, changed and deleted [Z map-dependency]."""

from moorage.crm.api.documents import document_in_path, module_parameter
from moorage.crm.api.items import specs_of
from moorage.crm.api.settings.changing import MAX_BODY, SettingsChange, change_each, require_customizer
from moorage.crm.faults import Fault, invalid_id
from moorage.crm.metadata.custom.dependencies import fields_of, mapped, refuse_known, shown
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import page_and_size, page_of, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME = "map_dependency"


def _layout(call: Call) -> Document:
    """The layout of the path, which has to be one of the module in the query."""
    layout = document_in_path(call, "layout", 2, module_parameter(call).id)
    if layout is None:
        raise invalid_id(2)
    return layout


def _of_layout(metadata: Metadata, layout: Document) -> list[Document]:
    known = metadata.all("map_dependency", layout.module)
    return [dependency for dependency in known if dependency.body["layout"] == str(layout.id)]


def _fields(metadata: Metadata, layout: Document) -> dict[str, Document]:
    return {str(field.id): field for field in metadata.all("field", layout.module)}


def list_dependencies(call: Call) -> Response:
    layout, metadata = _layout(call), call.organisation.metadata
    if "filters" in call.params:
        raise Fault(400, "NOT_SUPPORTED", "this is not supported here", {"param": "filters"})
    page, size = page_and_size(call.params)
    listed, info = page_of(_of_layout(metadata, layout), page, size)
    if not listed:
        return no_content()
    fields = _fields(metadata, layout)
    return answer({NAME: [shown(each, fields) for each in listed], "info": info})


def get_dependency(call: Call) -> Response:
    layout, metadata = _layout(call), call.organisation.metadata
    dependency = _found(metadata, layout, path_id(call.path, 4, "dependency_id"))
    if dependency is None:
        return no_content()
    return answer({NAME: [shown(dependency, _fields(metadata, layout))]})


def _found(metadata: Metadata, layout: Document, identity: int) -> Document | None:
    return next((each for each in _of_layout(metadata, layout) if each.id == identity), None)


async def create_dependency(call: Call) -> Response:
    require_customizer(call)
    layout = _layout(call)
    specs = await specs_of(call, NAME, 1)

    def create(change: SettingsChange, spec: JsonObject) -> Outcome:
        if "sub_module" in spec:
            raise spec.fault("NOT_SUPPORTED", "this is not supported here", "sub_module")
        parent, child = fields_of(spec, change.metadata.all("field", layout.module))
        refuse_known(spec, parent, child, _of_layout(change.metadata, layout))
        values = mapped(spec, parent, child, {})
        if not values:
            raise spec.missing("pick_list_values")
        identity = change.new_id()
        body = {
            "layout": str(layout.id),
            "parent": str(parent.id),
            "child": str(child.id),
            "values": values,
        }
        change.put(Document(int(identity), "map_dependency", layout.module, "", body))
        return succeeded({"id": identity}, "map dependency created")

    return await change_each(call, NAME, specs, create, done=201)


async def update_dependency(call: Call) -> Response:
    require_customizer(call)
    layout, identity = _layout(call), path_id(call.path, 4, "dependency_id")
    specs = await specs_of(call, NAME, 1)

    def update(change: SettingsChange, spec: JsonObject) -> Outcome:
        dependency = _required(change.metadata, layout, identity)
        fields = _fields(change.metadata, layout)
        parent, child = (fields[dependency.body[name]] for name in ("parent", "child"))
        _refuse_others(spec, parent, child)
        values = mapped(spec, parent, child, dependency.body["values"])
        change.put(dependency.with_body({**dependency.body, "values": values}))
        return succeeded({"id": str(identity)}, "map dependency updated")

    return await change_each(call, NAME, specs, update)


def _refuse_others(spec: JsonObject, parent: Document, child: Document) -> None:
    """Raise the Fault of a change to other fields. They may be named as they are."""
    for name, field in (("parent", parent), ("child", child)):
        named = spec.inner(name)
        if named is not None and str(named.raw("id") or field.id) != str(field.id):
            raise spec.fault("NOT_ALLOWED", f"{name} cannot be changed", name)


def _required(metadata: Metadata, layout: Document, identity: int) -> Document:
    dependency = _found(metadata, layout, identity)
    if dependency is None:
        raise invalid_id(4)
    return dependency


async def delete_dependency(call: Call) -> Response:
    require_customizer(call)
    layout, identity = _layout(call), path_id(call.path, 4, "dependency_id")

    def delete(change: SettingsChange, identity: int) -> Outcome:
        change.transaction.remove([_required(change.metadata, layout, identity).id])
        return succeeded({"id": str(identity)}, "map dependency deleted")

    return await change_each(call, NAME, [identity], delete)


def _scope(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.settings.map_dependency.{operation}",)


_ALL = "/crm/v8/settings/layouts/{id}/map_dependency"
_ONE = f"{_ALL}/{{dependency_id}}"

ROUTES = (
    Route("GET", _ALL, list_dependencies, _scope("READ")),
    Route("POST", _ALL, create_dependency, _scope("CREATE"), max_body=MAX_BODY),
    Route("GET", _ONE, get_dependency, _scope("READ")),
    Route("PUT", _ONE, update_dependency, _scope("UPDATE"), max_body=MAX_BODY),
    Route("DELETE", _ONE, delete_dependency, _scope("DELETE")),
)
