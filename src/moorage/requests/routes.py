"""The control API of the request log."""

import re
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from moorage.access import Principal
from moorage.clock import Clock
from moorage.http.control import Authenticate, json_response, route
from moorage.http.errors import ParameterInvalid, quoted
from moorage.http.timestamps import wire_time_of
from moorage.requests.errors import RequestsOff
from moorage.requests.fields import FIELDS, filter_of
from moorage.requests.key_use import KeyUses, use_document
from moorage.requests.last_calls import MOST_SHOWN
from moorage.requests.model import Names, call_document, notice_document
from moorage.requests.query import parse
from moorage.requests.sealed import KeptBodies
from moorage.requests.service import Filter, Requests, within
from moorage.requests.summary import summary_document
from moorage.requests.sums import LONGEST_LOOK, Sums
from moorage.requests.tail import Listener, Tails

SCOPE = "requests:read"
BODIES = "requests:bodies"
DEFAULT_LIMIT = 50
MOST = 500
EVENTS = "text/event-stream"
_HELP = {
    "milliseconds": f"Use a number from 1 to {int(LONGEST_LOOK * 1000)}.",
    "limit": f"Use a number from 1 to {MOST}.",
    "Last-Event-ID": "Use the id of the last event, or leave the header out.",
    "ids": f"Use the ids of at most {MOST_SHOWN} connections, with commas between them.",
    "cursor": "Use the next_cursor of the page before, or leave cursor out.",
}

# Gives the names that a caller may know of its account's keys and connections.
NamesFor = Callable[[Principal], Awaitable[Names]]
# The caller of a request and its scope, as they are now. Raises KeyInvalid and ScopeMissing.
Confirm = Callable[[Request, str], Awaitable[Principal]]


class Log(msgspec.Struct, frozen=True):
    """What the routes show: the calls, their sums, how often keys call, their live tail, and their bodies."""

    requests: Requests
    sums: Sums
    key_uses: KeyUses
    tails: Tails
    bodies: KeptBodies


def routes(
    log: Log | None, authenticate: Authenticate, confirm: Confirm, names: NamesFor, clock: Clock
) -> list[Route]:
    """The routes of the request log, which is None if this server keeps none."""
    endpoints = _Endpoints(log, authenticate, confirm, names, clock)
    return [
        route("/requests", GET=endpoints.search),
        route("/requests/summary", GET=endpoints.sum_up),
        route("/requests/keys", GET=endpoints.sum_up_keys),
        route("/requests/tail", GET=endpoints.tail),
        route("/requests/connections", GET=endpoints.last_calls),
        route("/requests/{request_id}", GET=endpoints.get),
    ]


class _Endpoints(msgspec.Struct, frozen=True):
    log: Log | None
    authenticate: Authenticate
    confirm: Confirm
    names: NamesFor
    clock: Clock

    async def search(self, request: Request) -> Response:
        caller = await self.authenticate(request, SCOPE, "q", "limit", "cursor", "bodies")
        given, log = request.query_params, self._log()
        limit, before = _limit(given.get("limit")), _number(given.get("cursor"), "cursor")
        shows_bodies = _shows_bodies(caller, given.get("bodies"))
        names = await self.names(caller)
        wanted = self._filter(caller, given.get("q", ""), names)
        page = await log.requests.page(caller.account_id, wanted, limit=limit, before=before)
        shown = [call_document(call, names) for call in page.calls]
        if shows_bodies:
            kept = await log.bodies.of_calls(caller.account_id, [call.number for call in page.calls])
            # There may be bodies for the first calls alone.
            shown = [{**document, "bodies": bodies} for document, bodies in zip(shown, kept, strict=False)]
            page = page.cut(len(kept))
        document = {
            "requests": shown,
            "next_cursor": None if page.next is None else str(page.next),
            "notices": [notice_document(notice) for notice in await log.requests.notices()],
        }
        return json_response(document)

    async def get(self, request: Request) -> Response:
        caller = await self.authenticate(request, SCOPE, "bodies")
        shows_bodies = _shows_bodies(caller, request.query_params.get("bodies"))
        log, account_id = self._log(), caller.account_id
        call = await log.requests.get(account_id, request.path_params["request_id"], within(caller.reach))
        document = call_document(call, await self.names(caller))
        if shows_bodies:
            document["bodies"] = await log.bodies.of(account_id, call.number)
        return json_response({"request": document})

    async def sum_up(self, request: Request) -> Response:
        caller = await self.authenticate(request, SCOPE, "q", "groups", "milliseconds")
        given, sums = request.query_params, self._log().sums
        query, with_groups = given.get("q", ""), _yes(given.get("groups"), "groups")
        longest = _milliseconds(given.get("milliseconds"))
        names = await self.names(caller)
        wanted, now = self._filter(caller, query, names), self._now()
        summary = await sums.of(caller.account_id, wanted, now, groups=with_groups, longest=longest)
        terms = [{"field": term.field, "text": str(term)} for term in parse(query, FIELDS)]
        return json_response({"summary": {"terms": terms, **summary_document(summary, names)}})

    async def last_calls(self, request: Request) -> Response:
        caller = await self.authenticate(request, SCOPE, "ids")
        ids = _ids(request.query_params.get("ids"))
        found = await self._log().requests.last_calls(caller.account_id, caller.reach, ids)
        called = [{"connection_id": id_, "last_call_at": wire_time_of(at)} for id_, at in found.items()]
        return json_response({"connections": called})

    async def sum_up_keys(self, request: Request) -> Response:
        caller = await self.authenticate(request, SCOPE, "milliseconds")
        longest = _milliseconds(request.query_params.get("milliseconds"))
        names, now = await self.names(caller), self._now()
        use = await self._log().key_uses.of(caller.account_id, now, caller.reach, longest=longest)
        return json_response({"use": use_document(use, now, names)})

    async def tail(self, request: Request) -> Response:
        caller = await self.authenticate(request, SCOPE, "q")
        log, header = self._log(), request.headers.get("last-event-id")
        number, names = _number(header, "Last-Event-ID"), await self.names(caller)
        wanted = self._filter(caller, request.query_params.get("q", ""), names)
        log.tails.require_room(caller.key_id)
        headers = {
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            "x-accel-buffering": "no",
        }
        if request.method == "HEAD":
            return Response(headers=headers, media_type=EVENTS)
        listener = Listener(
            caller.account_id, caller.key_id, wanted, names, lambda: self.confirm(request, SCOPE)
        )
        return StreamingResponse(log.tails.events(listener, number), headers=headers, media_type=EVENTS)

    def _filter(self, caller: Principal, query: str, names: Names) -> Filter:
        return within(caller.reach, filter_of(query, names, self._now()))

    def _now(self) -> int:
        return int(self.clock.timestamp() * 1_000_000)

    def _log(self) -> Log:
        if self.log is None:
            raise RequestsOff
        return self.log


def _number(text: str | None, name: str) -> int | None:
    """The whole number in a parameter; None if there is none. Raises ParameterInvalid."""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ParameterInvalid(f"{name} can't be {quoted(text)}.", help=_HELP[name])
    return int(text)


def _yes(text: str | None, name: str) -> bool:
    """Whether a parameter is `true`. Raises ParameterInvalid."""
    if text not in {None, "true", "false"}:
        raise ParameterInvalid(f"{name} can't be {quoted(text or '')}.", help="Use true or false.")
    return text == "true"


def _ids(text: str | None) -> list[str] | None:
    """The ids of connections in a parameter; None if there is none. Raises ParameterInvalid."""
    if text is None:
        return None
    ids = text.split(",")
    wrong = next((id_ for id_ in ids if not re.fullmatch(r"[0-9a-f-]{1,64}", id_)), None)
    if wrong is not None or len(ids) > MOST_SHOWN:
        what = f"{len(ids)} ids" if wrong is None else quoted(wrong)
        raise ParameterInvalid(f"ids can't be {what}.", help=_HELP["ids"])
    return ids


def _shows_bodies(caller: Principal, text: str | None) -> bool:
    """Whether bodies are asked for. Raises ParameterInvalid, and ScopeMissing for a caller who may not see them."""
    shows_bodies = _yes(text, "bodies")
    if shows_bodies:
        caller.require(BODIES)
    return shows_bodies


def _milliseconds(text: str | None) -> float:
    """How long calls are counted, in seconds. Raises ParameterInvalid."""
    most = int(LONGEST_LOOK * 1000)
    number = _number(text, "milliseconds")
    if number is None:
        return LONGEST_LOOK
    if not 1 <= number <= most:
        raise ParameterInvalid(f"milliseconds can't be {number}.", help=_HELP["milliseconds"])
    return number / 1000


def _limit(text: str | None) -> int:
    limit = _number(text, "limit")
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= MOST:
        raise ParameterInvalid(f"limit can't be {limit}.", help=_HELP["limit"])
    return limit
