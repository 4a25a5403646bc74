"""The control API of API keys."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.clock import Clock
from moorage.http.control import json_object, json_response, route
from moorage.http.errors import BodyInvalid, quoted
from moorage.http.timestamps import read_time
from moorage.keys.model import MODES, Mode, Principal, key_document, old_secret_document
from moorage.keys.scopes import Scopes, parse
from moorage.keys.service import Keys

LONGEST_NAME = 100
DEFAULT_OVERLAP = 3600  # Seconds.
LONGEST_OVERLAP = 30 * 24 * 3600
_EXAMPLE = '{"name": "ci", "scopes": ["proxy:zoho-crm:read"]}'
_ROTATE_EXAMPLE = '{"overlap_seconds": 3600}'


class Authenticate(Protocol):
    """As `http.control.Authenticate`, but returns the principal of this room."""

    async def __call__(self, request: Request, scope: str, *parameters: str) -> Principal: ...


def routes(
    keys: Keys,
    authenticate: Authenticate,
    apps: Callable[[], Collection[str]],
    clock: Clock,
    on_change: Callable[[], None],
) -> list[Route]:
    """The routes of API keys. `apps` returns the names of all apps. `on_change` is called after a key lost rights."""
    endpoints = _KeyEndpoints(keys, authenticate, apps, clock, on_change)
    return [
        route("/keys", GET=endpoints.search, POST=endpoints.create),
        route("/keys/{key_id}", GET=endpoints.get, DELETE=endpoints.revoke),
        route("/keys/{key_id}/rotate", POST=endpoints.rotate),
    ]


class _KeyEndpoints(msgspec.Struct, frozen=True):
    keys: Keys
    authenticate: Authenticate
    apps: Callable[[], Collection[str]]
    clock: Clock
    on_change: Callable[[], None]

    async def search(self, request: Request) -> Response:
        caller = await self.authenticate(request, "keys:read")
        keys = await self.keys.list(caller.account_id)
        return json_response({"keys": [key_document(key) for key in keys]})

    async def get(self, request: Request) -> Response:
        caller = await self.authenticate(request, "keys:read")
        key, old = await self.keys.get(caller.account_id, request.path_params["key_id"])
        old_secrets = [old_secret_document(secret) for secret in old]
        return json_response({"key": {**key_document(key), "old_secrets": old_secrets}})

    async def create(self, request: Request) -> Response:
        caller = await self.authenticate(request, "keys:write")
        body = await json_object(request, _EXAMPLE, known=("name", "scopes", "mode", "expires_at", "policy"))
        key, secret = await self.keys.create(
            caller.account_id,
            _name(body.get("name")),
            scopes=_scopes(body.get("scopes"), self.apps()),
            mode=_mode(body.get("mode")) or caller.mode,
            expires_at=_expiry(body.get("expires_at"), self.clock.now()) or caller.expires_at,
            policy=body.get("policy"),
            by=caller,
        )
        return json_response({"key": key_document(key), "secret": secret})

    async def rotate(self, request: Request) -> Response:
        caller = await self.authenticate(request, "keys:write")
        body = await json_object(request, _ROTATE_EXAMPLE, known=("overlap_seconds",), optional=True)
        overlap, key_id = _overlap(body.get("overlap_seconds")), request.path_params["key_id"]
        key, secret = await self.keys.rotate(caller.account_id, key_id, overlap, by=caller)
        self.on_change()
        return json_response({"key": key_document(key), "secret": secret})

    async def revoke(self, request: Request) -> Response:
        caller = await self.authenticate(request, "keys:write")
        key = await self.keys.revoke(caller.account_id, request.path_params["key_id"], by=caller)
        self.on_change()
        return json_response({"key": key_document(key)})


def _name(value: Any) -> str:
    name = value.strip() if isinstance(value, str) else ""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BodyInvalid(
            f"The key needs a name of up to {LONGEST_NAME} printable characters.", help=f"Send {_EXAMPLE}."
        )
    return name


def _scopes(value: Any, apps: Collection[str]) -> Scopes | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        raise BodyInvalid(
            "scopes has to be a list of at least one scope.",
            help=f"Send {_EXAMPLE}. Without scopes, the new key gets those of the calling key.",
        )
    return parse(value, apps)


def _mode(value: Any) -> Mode | None:
    if value is None:
        return None
    for mode in MODES:
        if value == mode:
            return mode
    raise BodyInvalid("mode has to be live or test.", help='Send {"mode": "test"}, or leave mode out.')


def _expiry(value: Any, now: datetime) -> datetime | None:
    """The time in `expires_at`, or None. Raises BodyInvalid unless it is in the future and has an offset from UTC."""
    if value is None:
        return None
    expiry = read_time(value) if isinstance(value, str) else None
    if expiry is None or expiry <= now:
        example = f"{(now + timedelta(days=90)):%Y-%m-%dT%H:%M:%SZ}"
        raise BodyInvalid(
            f"expires_at can't be {quoted(str(value))}.",
            help=f"Use a time in the future such as {example}, or leave expires_at out.",
        )
    return expiry


def _overlap(value: Any) -> timedelta:
    if value is None:
        return timedelta(seconds=DEFAULT_OVERLAP)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LONGEST_OVERLAP:
        raise BodyInvalid(
            f"overlap_seconds has to be a whole number from 0 to {LONGEST_OVERLAP}.",
            help="With 0, the old secret ends at once.",
        )
    return timedelta(seconds=value)
