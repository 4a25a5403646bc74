"""An authorised call of the API, and the answers that handlers make."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import RecordStore
from moorage.crm.wire.page_tokens import PageTokens
from moorage.crm.wire.principal import Principal, require_scope
from moorage.http.message import Request, Response

JSON = [(b"content-type", b"application/json;charset=UTF-8"), (b"x-content-type-options", b"nosniff")]

MAX_ATTACHMENT = 100 * 1024 * 1024  # Bytes.

T = TypeVar("T")
# Lets one of all processes work on a bulk job, by the ids of its organisation and of itself. If it is known already,
# nothing changes.
Schedule: TypeAlias = Callable[[int, int], Awaitable[None]]

encode = msgspec.json.Encoder().encode


async def nobody_is_told(_organisation: int, _job: int) -> None:
    """For a CRM without other processes: whoever has it runs its bulk jobs."""


class Rules(msgspec.Struct, frozen=True):
    """What is different for handlers in older versions of the API. The defaults are those of v8."""

    lists_need_fields: bool = True
    # Without page tokens, every page of a list has a number, also behind 2,000 records.
    page_tokens: bool = True
    # This is about lists. A search can be sorted by any field in all versions.
    sorts_by_any_field: bool = False
    # The most bytes of an attachment.
    longest_attachment: int = MAX_ATTACHMENT
    # If it is True, an update removes the rows of a subform that it does not mention.
    rows_are_whole: bool = False
    # How long a channel of notifications may live: a week, or else a day.
    channels_live_a_week: bool = True
    # A query gives 200 records at most, of the first 10,000, and takes 50 values in one `in`.
    older_query_limits: bool = False
    # Of records and users, a query shows only the ids.
    query_ids_only: bool = False


RULES = Rules()


class Call(msgspec.Struct):
    """`path` has the values of the route's {placeholders}. `params` is the decoded query; the last value counts.

    `put_right` changes the records of a body from an older version into records of v8. It is called when they are read.
    `related_module` is the API name of the module whose records the answer shows, if it is not the module of the path.
    """

    request: Request
    organisation: Organisation
    caller: Principal
    path: Mapping[str, str]
    params: Mapping[str, str]
    now: float  # seconds since the epoch
    tokens: PageTokens
    schedule: Schedule = nobody_is_told
    rules: Rules = RULES
    put_right: Callable[[list[Any]], None] | None = None
    related_module: str | None = None
    origin: str = ""  # The base URL of the CRM's own origin.
    has_asked: bool = False  # Whether the store was asked.
    door: "Door | None" = None  # For calls that consist of others.
    external_ids: "ExternalIds | None" = None  # If the body names records by ids of another program.
    # What shows the caller the values of their own, in an organisation that has such.
    seen: Callable[[RecordStore], RecordStore] | None = None

    @property
    def store(self) -> RecordStore:
        """The store of the organisation, to be asked at once."""
        self.has_asked = True
        store = self.organisation.store
        return store if self.seen is None else self.seen(store)

    @property
    def shown_module(self) -> str:
        """The API name of the module whose records the answer shows. Empty if it shows none."""
        return self.related_module or self.path.get("module", "")

    def require(self, scope: str, module: str | None = None) -> None:
        """Raises the fault of a missing scope. In `scope`, `{module}` stands for the group of the module."""
        require_scope(self.caller, scope, self.organisation.catalog, module)


class ExternalIds(Protocol):
    """What knows the ids that records have in another program."""

    async def put_in_body(self, body: dict[str, Any]) -> None:
        """Let a body that was read name its records by their ids here."""


class Door(Protocol):
    """What answers calls of the API."""

    async def answer_part(
        self,
        request: Request,
        caller: Principal,
        organisation: Organisation | None,
        schedule: Schedule | None = None,
        door: "Door | None" = None,
    ) -> Response:
        """Answer a call, of any version, that is a part of another one by the caller.

        With an organisation, it is that one as the other call has it open, and StoreClosed is raised: the other call
        has to begin again. `schedule` lets somebody work on a bulk job, and `door` answers the parts of the call; None
        is the usual one.
        """


def answer(document: Any, status: int = 200) -> Response:
    return Response(status, encode(document), JSON)


def data_answer(data: bytes, info: Mapping[str, object]) -> Response:
    """The records as the store wrote them, and the `info` of the page."""
    return Response(200, b'{"data":' + data + b',"info":' + encode(info) + b"}", JSON)


def then(
    result: T | Awaitable[T], show: Callable[[T], Response | Awaitable[Response]]
) -> Response | Awaitable[Response]:
    """Make a response of a result: at once, or later if the result has to be awaited."""
    if not isinstance(result, Awaitable):
        return show(result)

    async def later(waiting: Awaitable[T]) -> Response:
        response = show(await waiting)
        return response if isinstance(response, Response) else await response

    return later(result)


async def settled(result: T | Awaitable[T]) -> T:
    """A result, which may have to be awaited."""
    return await result if isinstance(result, Awaitable) else result


def no_content() -> Response:
    """Zoho's answer if nothing was found: 204 without a body, but with the Content-Type of JSON."""
    return Response(204, b"", JSON)


def fault_answer(fault: Fault) -> Response:
    response = answer(fault.document(), fault.status)
    if fault.hint is None:
        return response
    return with_headers(response, (b"moorage-hint", fault.hint.encode("ascii", "replace")))


def with_document(response: Response, document: Any) -> Response:
    """The same answer with another body."""
    return Response(response.status, encode(document), response.headers)


def with_headers(response: Response, *more: tuple[bytes, bytes]) -> Response:
    """The same answer with more headers. Its own list stays as it is, because many answers share it."""
    return Response(response.status, response.body, [*response.headers, *more])
