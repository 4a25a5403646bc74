"""The control API of the request log."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import Authenticate, json_response, route
from moorage.http.errors import ParameterInvalid, quoted
from moorage.requests.errors import RequestsOff
from moorage.requests.model import call_document, notice_document
from moorage.requests.service import Requests, within

SCOPE = "requests:read"
DEFAULT_LIMIT = 50
MOST = 500
_HELP = {
    "limit": f"Use a number from 1 to {MOST}.",
    "cursor": "Use the next_cursor of the page before, or leave cursor out.",
}

# Gives the names of an account's API keys, by their ids.
KeyNames = Callable[[str], Awaitable[Mapping[str, str]]]


def routes(requests: Requests | None, authenticate: Authenticate, key_names: KeyNames) -> list[Route]:
    """The routes of the request log; `requests` is None if this server keeps none."""
    endpoints = _Endpoints(requests, authenticate, key_names)
    return [
        route("/requests", GET=endpoints.search),
        route("/requests/{request_id}", GET=endpoints.get),
    ]


@dataclass(frozen=True, slots=True)
class _Endpoints:
    requests: Requests | None
    authenticate: Authenticate
    key_names: KeyNames

    async def search(self, request: Request) -> Response:
        caller = await self.authenticate(request, SCOPE, "limit", "cursor")
        given, log = request.query_params, self._log()
        limit, before = _limit(given.get("limit")), _number(given.get("cursor"), "cursor")
        page = await log.page(caller.account_id, within(caller.reach), limit=limit, before=before)
        names = await self.key_names(caller.account_id)
        document = {
            "requests": [call_document(call, names) for call in page.calls],
            "next_cursor": None if page.next is None else str(page.next),
            "notices": [notice_document(notice) for notice in await log.notices()],
        }
        return json_response(document)

    async def get(self, request: Request) -> Response:
        caller = await self.authenticate(request, SCOPE)
        call = await self._log().get(
            caller.account_id, request.path_params["request_id"], within(caller.reach)
        )
        return json_response({"request": call_document(call, await self.key_names(caller.account_id))})

    def _log(self) -> Requests:
        if self.requests is None:
            raise RequestsOff
        return self.requests


def _number(text: str | None, name: str) -> int | None:
    """The whole number in a parameter; None if there is none. Raises ParameterInvalid."""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ParameterInvalid(f"{name} can't be {quoted(text)}.", help=_HELP[name])
    return int(text)


def _limit(text: str | None) -> int:
    limit = _number(text, "limit")
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= MOST:
        raise ParameterInvalid(f"limit can't be {limit}.", help=_HELP["limit"])
    return limit
