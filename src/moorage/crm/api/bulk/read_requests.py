"""What a bulk read asks for, held against the organisation [Z bulk-read]."""

from typing import Any

import msgspec

from moorage.crm.faults import Fault, ambiguous
from moorage.crm.jobs.bulk_read import ReadRequest, filters_of, reading_of
from moorage.crm.jobs.columns import modules_behind
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.access import visible
from moorage.crm.wire.call import Call
from moorage.crm.wire.page_tokens import bound_to

MOST_PAGES = 50
MODULES_READ = "ZohoCRM.modules.{module}.READ"


def read_request(call: Call, body: dict[str, Any]) -> ReadRequest:
    """The request of a body. Raises the Fault of what can not be read, and of a missing scope."""
    query = body.get("query")
    if not isinstance(query, dict):
        raise Fault(400, "QUERY_NOT_SUPPORTED", "The query has to be an object.", {"api_name": "query"})
    module = _module(call, query.get("module"))
    call.require(MODULES_READ, module.api_name)
    request = ReadRequest(
        module.api_name,
        fields=_fields(query.get("fields")),
        criteria=query.get("criteria") or None,
        cvid=_view(query.get("cvid")),
        file_type=_file_type(body, query),
    )
    if request.file_type == "ics":
        _require_calendar(module, request)
    request = _on_page(call, query, request)
    reading_of(call.organisation, request, filters_of(call.organisation, call.caller.user, request, call.now))
    require_readable(call, request)
    return request


def require_readable(call: Call, request: ReadRequest) -> None:
    """Raise the Fault of a caller who may not read the module, or one that a field lies in behind a lookup."""
    modules = call.organisation.catalog.modules
    names = [request.module]
    if request.module in modules:
        names += modules_behind(modules[request.module], request.fields or [])
    for name in names:
        call.require(MODULES_READ, name)
        if name in modules:
            visible(call, modules[name])


def token_scope(organisation: int, user: int, request: ReadRequest) -> bytes:
    """What the token of a page is bound to: the user, and the request without its page."""
    same = msgspec.structs.replace(request, page=1, after=None)
    return bound_to(organisation, user, request.module, {"query": msgspec.json.encode(same).decode()})


def _module(call: Call, value: Any) -> Module:
    name = value.get("api_name") if isinstance(value, dict) else value
    modules = call.organisation.catalog.modules
    module = modules.get(name) if isinstance(name, str) else None
    if module is None and isinstance(value, dict):
        by_id = whole_id(value.get("id"))
        module = next((each for each in modules.values() if each.id == by_id), None)
    if module is None:
        raise Fault(400, "MODULE_NOT_AVAILABLE", f"Requested module '{name}' is not available.")
    if not module.flags.get("api_supported") or module.parent_field is not None:
        details = {"module": module.api_name}
        raise Fault(400, "MODULE_NOT_SUPPORTED", f"Requested module '{name}' is not supported.", details)
    return module


def _fields(value: Any) -> list[str] | None:
    if value is None or value == []:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        details = {"api_name": "fields", "expected_data_type": "jsonarray"}
        raise Fault(400, "FIELD_NOT_SUPPORTED", "fields is an array of names.", details)
    return value


def _view(value: Any) -> int | None:
    if value is None:
        return None
    view = whole_id(value)
    if view is None:
        raise Fault(400, "CVID_NOT_SUPPORTED", "cvid is the id of a custom view.", {"cvid": value})
    return view


def _file_type(body: dict[str, Any], query: dict[str, Any]) -> str:
    file_type = body.get("file_type") or query.get("file_type") or "csv"
    if file_type not in ("csv", "ics"):
        details = {"api_name": "file_type", "supported_values": ["csv", "ics"]}
        raise Fault(400, "NOT_SUPPORTED_FEATURE", "The type of the file is csv or ics.", details)
    return str(file_type)


def _require_calendar(module: Module, request: ReadRequest) -> None:
    if module.api_name != "Events":
        message = "Only events can be read as ics."
        raise Fault(400, "MODULE_NOT_SUPPORTED", message, {"module": module.api_name})
    if request.fields is not None:
        raise Fault(400, "FIELD_NOT_SUPPORTED", "A read as ics has no fields.", {"api_name": "fields"})


def _on_page(call: Call, query: dict[str, Any], request: ReadRequest) -> ReadRequest:
    page, token = query.get("page"), query.get("page_token")
    if token is not None:
        if page is not None:
            raise ambiguous("page", "page_token")
        if not isinstance(token, str):
            raise Fault(400, "PAGE_NOT_SUPPORTED", "page_token is a text.", {"api_name": "page_token"})
        position = call.tokens.read(
            token, token_scope(call.organisation.id, call.caller.user, request), call.now
        )
        return msgspec.structs.replace(request, page=position.number, after=position.position.id)
    if page is None:
        return request
    if isinstance(page, bool) or not isinstance(page, int) or page < 1:
        details = {"api_name": "page", "expected_data_type": "integer"}
        raise Fault(400, "PAGE_NOT_SUPPORTED", "page is a number from 1.", details)
    if page > MOST_PAGES:
        message = f"page is {MOST_PAGES} at most: use page_token for more."
        raise Fault(400, "PAGE_RANGE_EXCEEDED", message, {"max_limit": MOST_PAGES})
    return msgspec.structs.replace(request, page=page)
