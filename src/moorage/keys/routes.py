"""The control API of API keys."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.clock import Clock
from moorage.http.control import json_object, json_response, route
from moorage.http.errors import BodyInvalid, quoted
from moorage.keys.model import MODES, Mode, Principal, key_document
from moorage.keys.scopes import Scopes, parse
from moorage.keys.service import Keys

LONGEST_NAME = 100
USUAL_OVERLAP = 3600
LONGEST_OVERLAP = 30 * 24 * 3600
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EXAMPLE = '{"name": "ci", "scopes": ["proxy:zoho-crm:read"]}'
_ROTATE_EXAMPLE = '{"overlap_seconds": 3600}'


class Authenticate(Protocol):
    """As http.requests.Authenticate, and tells all that is known of the caller."""

    async def __call__(self, request: Request, scope: str, *parameters: str) -> Principal: ...


def routes(
    keys: Keys,
    authenticate: Authenticate,
    apps: Callable[[], Collection[str]],
    clock: Clock,
    on_change: Callable[[], None],
) -> list[Route]:
    """`apps` names the apps there are; `on_change` is called once a key may do less than before."""

    async def search(request: Request) -> Response:
        caller = await authenticate(request, "keys:read")
        return json_response({"keys": [key_document(key) for key in await keys.list(caller.account_id)]})

    async def create(request: Request) -> Response:
        caller = await authenticate(request, "keys:write")
        body = await json_object(request, _EXAMPLE, known=("name", "scopes", "mode", "expires_at"))
        key, secret = await keys.create(
            caller.account_id,
            _name(body.get("name")),
            scopes=_scopes(body.get("scopes"), apps()) or caller.scopes,
            mode=_mode(body.get("mode")) or caller.mode,
            expires_at=_expiry(body.get("expires_at"), clock.now()) or caller.expires_at,
            by=caller,
        )
        return json_response({"key": key_document(key), "secret": secret})

    async def rotate(request: Request) -> Response:
        caller = await authenticate(request, "keys:write")
        body = await json_object(request, _ROTATE_EXAMPLE, known=("overlap_seconds",), optional=True)
        overlap = _overlap(body.get("overlap_seconds"))
        key, secret = await keys.rotate(caller.account_id, request.path_params["key_id"], overlap, by=caller)
        on_change()
        return json_response({"key": key_document(key), "secret": secret})

    async def revoke(request: Request) -> Response:
        caller = await authenticate(request, "keys:write")
        key = await keys.revoke(caller.account_id, request.path_params["key_id"], by=caller)
        on_change()
        return json_response({"key": key_document(key)})

    return [
        route("/keys", GET=search, POST=create),
        route("/keys/{key_id}", DELETE=revoke),
        route("/keys/{key_id}/rotate", POST=rotate),
    ]


def _name(given: Any) -> str:
    name = given.strip() if isinstance(given, str) else ""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BodyInvalid(
            f"The key needs a name of up to {LONGEST_NAME} printable characters.", help=f"Send {_EXAMPLE}."
        )
    return name


def _scopes(given: Any, apps: Collection[str]) -> Scopes | None:
    if given is None:
        return None
    if not isinstance(given, list) or not given or not all(isinstance(text, str) for text in given):
        raise BodyInvalid(
            "scopes has to be a list of at least one scope.",
            help=f"Send {_EXAMPLE}, or leave it out for all that the calling key has.",
        )
    return parse(given, apps)


def _mode(given: Any) -> Mode | None:
    if given is None:
        return None
    for mode in MODES:
        if given == mode:
            return mode
    raise BodyInvalid("mode has to be live or test.", help='Send {"mode": "test"}, or leave it out.')


def _expiry(given: Any, now: datetime) -> datetime | None:
    """Raises BodyInvalid for anything but a time to come, with its offset from UTC."""
    if given is None:
        return None
    try:
        is_time = isinstance(given, str) and _TIME.fullmatch(given)
        expiry = datetime.fromisoformat(given).astimezone(UTC) if is_time else None
    except (ValueError, OverflowError):
        expiry = None
    if expiry is None or expiry <= now:
        raise BodyInvalid(
            f"expires_at can't be {quoted(str(given))}.",
            help=f"Use a time to come such as {(now + timedelta(days=90)):%Y-%m-%dT%H:%M:%SZ}, or leave it out.",
        )
    return expiry


def _overlap(given: Any) -> timedelta:
    if given is None:
        return timedelta(seconds=USUAL_OVERLAP)
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= LONGEST_OVERLAP:
        raise BodyInvalid(
            f"overlap_seconds has to be a whole number from 0 to {LONGEST_OVERLAP}.",
            help="0 ends the old secret at once.",
        )
    return timedelta(seconds=given)
