"""The control API of the audit: it can only be read."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.audit.asking import NAMES, filter_of
from moorage.audit.service import Audit
from moorage.clock import Clock
from moorage.http.control import Authenticate, json_response, route
from moorage.http.errors import ParameterInvalid, quoted

SCOPE = "audit:read"
DEFAULT_LIMIT = 100
MOST = 1000
LONGEST_LOOK = 0.3  # Seconds that entries are compared before the answer says how far it has come.
_ORDERS = "newest", "oldest"
_CURSOR_HELP = "Use the next_cursor of the page before, or leave cursor out."


def routes(audit: Audit, authenticate: Authenticate, clock: Clock) -> list[Route]:
    async def search(request: Request) -> Response:
        caller = await authenticate(request, SCOPE, *NAMES, "order", "limit", "cursor")
        given = request.query_params
        asked = filter_of({name: given.get(name) for name in NAMES}, clock.now(), _invalid)
        limit = _number(given.get("limit"), "limit", f"Use a number from 1 to {MOST}.", MOST)
        page = await audit.page(
            caller.account_id,
            asked,
            limit=DEFAULT_LIMIT if limit is None else limit,
            cursor=_number(given.get("cursor"), "cursor", _CURSOR_HELP, 2**62),
            oldest_first=_order(given.get("order")) == "oldest",
        )
        head = page.head and {"number": page.head[0], "hash": page.head[1]}
        cursor = None if page.next is None else str(page.next)
        return json_response({"entries": page.entries, "next_cursor": cursor, "head": head})

    async def look(request: Request) -> Response:
        caller = await authenticate(request, SCOPE, "cursor")
        cursor = _number(request.query_params.get("cursor"), "cursor", _CURSOR_HELP, 2**62) or 1
        chain, following = await audit.look(caller.account_id, cursor, LONGEST_LOOK)
        document = {"first": chain.first, "upto": chain.number, "hash": chain.hash, "faults": chain.faults}
        next_cursor = None if following is None else str(following)
        return json_response({"chain": document, "next_cursor": next_cursor})

    return [route("/audit", GET=search), route("/audit/chain", GET=look)]


def _invalid(name: str, text: str, fix: str) -> ParameterInvalid:
    return ParameterInvalid(f"{name} can't be {quoted(text)}.", help=fix)


def _order(text: str | None) -> str:
    if text and text not in _ORDERS:
        raise _invalid("order", text, "Use newest or oldest: which entries come first.")
    return text or "newest"


def _number(text: str | None, name: str, fix: str, most: int) -> int | None:
    """The whole number in a parameter; None if there is none. Raises ParameterInvalid."""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text) or not 1 <= int(text) <= most:
        raise _invalid(name, text, fix)
    return int(text)
