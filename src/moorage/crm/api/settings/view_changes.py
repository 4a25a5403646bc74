"""Custom views made, changed, sorted and deleted [Z custom-view-meta]; all but sorting is in [Z examples] only."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from moorage.crm.api.documents import module_parameter
from moorage.crm.api.items import each_outcome, joint_status, specs_of
from moorage.crm.faults import Fault, module_unsupported
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.views import access_of, columns_of, is_seen, name_of, sorting_of
from moorage.crm.metadata.documents import Body, Document
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import zoned
from moorage.crm.query.lasting_criteria import with_ids
from moorage.crm.query.view_criteria import view_conditions
from moorage.crm.records.access import is_administrator
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.records.reading import context_of
from moorage.crm.storage.contract.metadata import MetadataTransaction
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.parameters import id_list, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST_IN_A_CALL = 200
MOST_SORTED = 100
MOST_VIEWS = 500  # Custom views of one module.
MAX_BODY = 1024 * 1024
_NO_VIEW = "The provided CustomView is either invalid or already Deleted"
_OF_THE_SYSTEM = ("name", "criteria", "access_type", "shared_to", "locked")

T = TypeVar("T")


async def create_views(call: Call) -> Response:
    module, specs = _module(call), await specs_of(call, "custom_views", MOST_IN_A_CALL)
    outcomes = await _change(call, module, lambda change: each_outcome(specs, change.create))
    return _answer(outcomes, done=201)


async def update_views(call: Call) -> Response:
    module, specs = _module(call), await specs_of(call, "custom_views", MOST_IN_A_CALL)
    outcomes = await _change(call, module, lambda change: each_outcome(specs, change.update))
    return _answer(outcomes)


async def update_view(call: Call) -> Response:
    module, view = _module(call), path_id(call.path, 2)
    specs = await specs_of(call, "custom_views", 1)
    outcomes = await _change(
        call, module, lambda change: each_outcome(specs, lambda spec: change.update_one(view, spec))
    )
    return _answer(outcomes)


async def sort_views(call: Call) -> Response:
    module, specs = _module(call), await specs_of(call, "custom_views", MOST_SORTED)
    outcomes = await _change(call, module, lambda change: each_outcome(specs, change.sort))
    return _answer(outcomes)


async def sort_view(call: Call) -> Response:
    module, view = _module(call), path_id(call.path, 2)
    specs = await specs_of(call, "custom_views", 1)
    outcomes = await _change(
        call, module, lambda change: each_outcome(specs, lambda spec: change.sort_one(view, spec))
    )
    return _answer(outcomes)


async def delete_views(call: Call) -> Response:
    module, views = _module(call), id_list(call.params, "ids")
    outcomes = await _change(call, module, lambda change: each_outcome(views, change.delete))
    return _answer(outcomes)


async def delete_view(call: Call) -> Response:
    module, view = _module(call), path_id(call.path, 2)
    outcomes = await _change(call, module, lambda change: each_outcome([view], change.delete))
    return _answer(outcomes)


def _module(call: Call) -> Document:
    """The module that the query names. Raises the Fault for one that has no views."""
    module = module_parameter(call)
    if not call.organisation.metadata.all("custom_view", module.id):
        raise module_unsupported({"param_name": "module"})
    return module


async def _change(call: Call, module: Document, run: "Callable[[_ViewChanges], T]") -> T:
    return await call.store.change_metadata(
        lambda transaction: run(_ViewChanges(call, transaction, module)),
    )


def _answer(outcomes: Sequence[Outcome], *, done: int = 200) -> Response:
    statuses = [outcome.status for outcome in outcomes]
    status = joint_status(statuses, done=done, refused=statuses[0])
    return answer({"custom_views": [outcome.document for outcome in outcomes]}, status)


class _ViewChanges:
    """Changes to the views of one module by a user, within a change of the metadata."""

    def __init__(self, call: Call, transaction: MetadataTransaction, module: Document) -> None:
        self._call = call
        self._transaction = transaction
        self._module = module
        self._fields = transaction.metadata.all("field", module.id)

    @property
    def _views(self) -> list[Document]:
        return self._transaction.metadata.all("custom_view", self._module.id)

    def create(self, spec: JsonObject) -> Outcome:
        views, metadata = self._views, self._transaction.metadata
        name = name_of(spec, views)
        if name is None:
            raise spec.missing("name")
        if len(views) >= MOST_VIEWS:
            raise spec.fault("LIMIT_EXCEEDED", "limit exceeded", "name", limit=MOST_VIEWS)
        columns = columns_of(spec, self._fields) or next(v.body["fields"] for v in views)
        identity, now = self._transaction.new_ids(1)[0], self._now()
        body: Body = {
            "id": str(identity),
            "name": name,
            "display_value": name,
            "system_name": None,
            "system_defined": False,
            "default": False,
            "criteria": self._criteria(spec),
            "fields": columns,
            "sort_by": None,
            "sort_order": None,
            **sorting_of(spec, self._fields),
            **access_of(spec, metadata, {"access_type": "only_to_me", "shared_to": None}),
            "locked": spec.boolean("locked"),
            **{f"{which}_by": self._person() for which in ("created", "modified")},
            **{f"{which}_time": now for which in ("created", "modified")},
        }
        self._transaction.put(Document(identity, "custom_view", self._module.id, name, body))
        return succeeded({"id": str(identity)}, "custom view created")

    def update(self, spec: JsonObject) -> Outcome:
        return self._update(self._of(spec), spec)

    def update_one(self, view: int, spec: JsonObject) -> Outcome:
        """The update of the view that the path names, whatever id the body has."""
        return self._update(self._changeable(view), spec)

    def sort(self, spec: JsonObject) -> Outcome:
        return self._sort(self._of(spec), spec)

    def sort_one(self, view: int, spec: JsonObject) -> Outcome:
        return self._sort(self._changeable(view), spec)

    def delete(self, view: int) -> Outcome:
        document = self._changeable(view)
        if "created_by" not in document.body:
            message = "A view of the system cannot be deleted."
            raise Fault(400, "NOT_ALLOWED", message, {"id": str(view)})
        self._transaction.remove([view])
        return succeeded({"id": str(view)}, "deleted successfully")

    def _update(self, view: Document, spec: JsonObject) -> Outcome:
        body, changed = view.body, dict[str, object]()
        if "created_by" not in body:
            for member in _OF_THE_SYSTEM:
                if spec.has_member(member):
                    raise spec.fault("NOT_ALLOWED", "this of a view of the system cannot be changed", member)
        else:
            name = name_of(spec, [other for other in self._views if other.id != view.id])
            if name is not None:
                changed |= {"name": name, "display_value": name}
            if spec.has_member("criteria"):
                changed["criteria"] = self._criteria(spec)
            changed |= access_of(spec, self._transaction.metadata, body)
            changed["locked"] = spec.boolean("locked", default=body["locked"])
        changed |= sorting_of(spec, self._fields)
        columns = columns_of(spec, self._fields)
        if columns is not None:
            changed["fields"] = columns
        return self._put(view, changed)

    def _sort(self, view: Document, spec: JsonObject) -> Outcome:
        spec.require("sort_by", "sort_order")
        return self._put(view, sorting_of(spec, self._fields))

    def _put(self, view: Document, changed: Body) -> Outcome:
        changed = changed | {"modified_by": self._person(), "modified_time": self._now()}
        self._transaction.put(
            Document(view.id, "custom_view", view.module, changed.get("name", view.name), view.body | changed)
        )
        return succeeded({"id": str(view.id)}, "custom view updated")

    def _of(self, spec: JsonObject) -> Document:
        spec.require("id")
        return self._changeable(whole_id(spec.raw("id")) or 0)

    def _changeable(self, identity: int) -> Document:
        """Raises the Fault for a view that the caller does not see, or that belongs to somebody else."""
        metadata = self._transaction.metadata
        view = metadata.find("custom_view", identity)
        user = self._call.caller.user
        if view is None or view.module != self._module.id or not is_seen(metadata, view, user):
            raise Fault(400, "INVALID_DATA", _NO_VIEW, {"id": str(identity)})
        creator = view.body.get("created_by", {}).get("id")
        if creator == str(user) or is_administrator(self._call):
            return view
        if view.body.get("locked"):
            raise Fault(
                403, "NO_PERMISSION", "Permission denied. Locked custom views cannot be customized.", {}
            )
        raise Fault(403, "NO_PERMISSION", "permission denied", {"id": str(identity)})

    def _criteria(self, spec: JsonObject) -> Body | None:
        """Raises the Fault for criteria that can't be asked."""
        if spec.raw("cross_filters"):
            raise spec.fault("NOT_SUPPORTED", "views have no cross filters here", "cross_filters")
        if spec.inner("criteria") is None or not (body := spec.raw("criteria")):
            return None
        module = self._call.organisation.catalog.modules[self._module.name]
        try:
            view_conditions(body, module, context_of(self._call))
        except Fault as fault:
            reason = fault.details.get("reason", fault.message)
            about = {"field": fault.details["api_name"]} if "api_name" in fault.details else {}
            raise spec.invalid("criteria", reason=reason, **about) from None
        return with_ids(body, module)

    def _person(self) -> Body:
        user = self._transaction.metadata.find("user", self._call.caller.user)
        assert user is not None
        return {"name": user.name, "id": str(user.id)}

    def _now(self) -> str | None:
        return zoned(self._call.organisation.zone, self._transaction.now)


_PATH, _SCOPE = "/crm/v8/settings/custom_views", "ZohoCRM.settings.custom_views"
_CREATE, _UPDATE, _DELETE = ((f"{_SCOPE}.{verb}",) for verb in ("CREATE", "UPDATE", "DELETE"))

ROUTES = (
    Route("POST", _PATH, create_views, _CREATE, max_body=MAX_BODY),
    Route("PUT", _PATH, update_views, _UPDATE, max_body=MAX_BODY),
    Route("PUT", f"{_PATH}/{{id}}", update_view, _UPDATE, max_body=MAX_BODY),
    Route("DELETE", _PATH, delete_views, _DELETE),
    Route("DELETE", f"{_PATH}/{{id}}", delete_view, _DELETE),
    Route("PUT", f"{_PATH}/actions/change_sort", sort_views, _UPDATE, max_body=MAX_BODY),
    Route("PUT", f"{_PATH}/{{id}}/actions/change_sort", sort_view, _UPDATE, max_body=MAX_BODY),
)
