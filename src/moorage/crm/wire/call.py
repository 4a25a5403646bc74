"""One authorised call of the API, and the answers handlers build for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.wire.page_tokens import PageTokens
from moorage.crm.wire.principal import Principal, require_scope
from moorage.http.message import Request, Response

JSON = [(b"content-type", b"application/json;charset=UTF-8"), (b"x-content-type-options", b"nosniff")]

T = TypeVar("T")

encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Rules:
    """What the API asks and grants where its versions differ in more than words; as they stand, those of v8."""

    lists_need_fields: bool = True
    page_tokens: bool = True  # Without them every page is had by its number, however many there are.
    sorts_by_any_field: bool = False  # A list; a search does anyway.
    rows_are_whole: bool = False  # An update removes the rows of a subform that it does not mention.


RULES = Rules()


@dataclass(slots=True)
class Call:
    """`caller` is who the token stands for; `path` holds the values of the route's {placeholders}; `params` the decoded
    query, last value wins.

    `put_right` changes the records of a body, once they are read, into what v8 takes.
    """

    request: Request
    organisation: Organisation
    caller: Principal
    path: Mapping[str, str]
    params: Mapping[str, str]
    now: float  # seconds since the epoch
    tokens: PageTokens
    rules: Rules = RULES
    put_right: Callable[[list[Any]], None] | None = None

    def require(self, scope: str, module: str | None = None) -> None:
        """Raises the fault where the token lacks a scope, in which `{module}` stands for the group of the module."""
        require_scope(self.caller, scope, self.organisation.catalog, module)


def answer(document: Any, status: int = 200) -> Response:
    return Response(status, encode(document), JSON)


def data_answer(data: bytes, info: Mapping[str, object]) -> Response:
    """Records as the store wrote them, and the info beside them."""
    return Response(200, b'{"data":' + data + b',"info":' + encode(info) + b"}", JSON)


def then(
    result: T | Awaitable[T], show: Callable[[T], Response | Awaitable[Response]]
) -> Response | Awaitable[Response]:
    """Answer at once what is there at once, and later what has to be awaited."""
    if not isinstance(result, Awaitable):
        return show(result)

    async def later(waiting: Awaitable[T]) -> Response:
        response = show(await waiting)
        return response if isinstance(response, Response) else await response

    return later(result)


def no_content() -> Response:
    """Zoho's "nothing found": 204, empty, and still typed as JSON."""
    return Response(204, b"", JSON)


def fault_answer(fault: Fault) -> Response:
    response = answer(fault.document(), fault.status)
    if fault.hint is None:
        return response
    return with_headers(response, (b"moorage-hint", fault.hint.encode("ascii", "replace")))


def with_headers(response: Response, *more: tuple[bytes, bytes]) -> Response:
    """The same answer with more headers. Many share one list of them, so that is left as it is."""
    return Response(response.status, response.body, [*response.headers, *more])
