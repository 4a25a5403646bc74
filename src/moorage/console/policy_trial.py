"""The box in which a call is tried against a policy: what somebody typed there, and what is decided about it."""

import json
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import asdict, replace

from moorage.console.calls import Refused
from moorage.console.visit import Visit

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_EXAMPLE = "/crm/v8/Leads?ids=1"
_ORIGIN = re.compile(r"\w+://[^/]*")
_BODY_NO_JSON = "body_no_json"
# The field that an error is about, by its code. All others are about the path.
_FIELDS = {_BODY_NO_JSON: "body", "body_too_large": "body", "connection_missing": "app"}


class Call(msgspec.Struct, frozen=True):
    """A call as it is described in the box. `path` is the app's own; `body` is the text of its JSON."""

    app: str = "zoho-crm"
    method: str = "DELETE"
    path: str = _EXAMPLE
    body: str = ""


def typed(visit: Visit, apps: Collection[str]) -> Call | None:
    """The call in the box's form, or in a link such as `?try=DELETE /crm/v8/Leads/1`; None if there is none."""
    if visit.pairs:
        if "method" not in visit.form:
            return None  # Another form of the page was sent.
        call = Call(
            **{name: visit.form[name] for name in ("app", "method", "path", "body") if name in visit.form}
        )
    else:
        method, _, path = visit.query.get("try", "").strip().partition(" ")
        if not method:
            return None
        call = Call(visit.query.get("app", Call().app), method, path)
    return _as_the_app_knows_it(call, apps, urlsplit(visit.base_url).path)


def _as_the_app_knows_it(call: Call, apps: Collection[str], base: str) -> Call:
    """The same call, whose path people may have copied from a program: with the gateway's address, and with the app."""
    path = f"/{_ORIGIN.sub('', call.path.strip(), count=1).lstrip('/')}".removeprefix(base)
    app, _, rest = path[1:].partition("/")
    named = replace(call, method=call.method.strip().upper(), path=path)
    return replace(named, app=app, path=f"/{rest}") if app in apps else named


async def tried(visit: Visit, connection: str, call: Call | None) -> dict[str, Any]:
    """What is decided about a call, or what is wrong with it, and with which field."""
    values = {"asked": asdict(call or Call()), "methods": METHODS, "tried": None, "untried": None}
    if call is None:
        return values
    described = {
        **asdict(call),
        "key": visit.of_path("key_id"),
        "body": call.body if call.body.strip() else None,
    }
    if connection:
        described["connection"] = connection
    try:
        _check(call.body)
        answer = await visit.control("POST", "/policies/try", body=described)
    except Refused as refused:
        field = _FIELDS.get(refused.code, "path")
        return {**values, "untried": {**refused.told, "field": field, "status": refused.status}}
    return {**values, "tried": answer.document}


def _check(body: str) -> None:
    """Raises Refused for a body that is not JSON: the box is for people, who may have mistyped it."""
    try:
        if body.strip():
            json.loads(body)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refused(
            400, _BODY_NO_JSON, f"The body is not JSON, from {where} on.", f"{error.msg}."
        ) from None
    except (ValueError, RecursionError):
        raise Refused(400, _BODY_NO_JSON, "The body is too deep, or has a number that is too long.") from None
