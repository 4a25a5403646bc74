"""The calls of the request log, and what asks for them."""

from collections.abc import Iterator
from time import sleep
from typing import TYPE_CHECKING, Any, TypedDict, cast
from urllib.parse import quote

from moorage.client.call import given
from moorage.client.events import events
from moorage.client.pages import pages

if TYPE_CHECKING:
    from moorage.client.client import Moorage

_PAUSE = 1.0  # Seconds until a stream of events that has ended is asked for again.

# A call that went through the gateway. Times are RFC 3339 in UTC, durations milliseconds. `key` has `id` and `name`,
# `connection` has `id` and `alias`. docs/requests.md says what each member means.
Request = TypedDict(
    "Request",
    {
        "request_id": str,
        "number": int,
        "at": str,
        "key": dict[str, str | None],
        "connection": dict[str, str | None] | None,
        "app": str,
        "environment": str | None,
        "method": str,
        "path": str,
        "query": str | None,
        "operation": str | None,
        "module": str | None,
        "class": str | None,
        "verdict": str | None,
        "rule": str | None,
        "status": int | None,
        "source": str,
        "error": str | None,
        "sent": str,
        "bytes_in": int,
        "bytes_out": int,
        "duration_ms": float,
        "app_ms": float | None,
    },
)


class RequestBody(TypedDict):
    """A body without its secrets. `why` says why `text` is not all of it, or is None."""

    type: str | None
    bytes: int
    text: str | None
    why: str | None


class RequestBodies(TypedDict):
    """Each is None if there was no body."""

    request: RequestBody | None
    answer: RequestBody | None


class RequestPage(TypedDict):
    """A page of the request log. `next_cursor` is None on the last one; `notices` is what the log says about itself."""

    requests: list[Request]
    next_cursor: str | None
    notices: list[dict[str, Any]]


class Requests:
    """The calls that went through the gateway. Every method raises ApiError, Unreachable."""

    def __init__(self, client: "Moorage") -> None:
        self._client = client

    def page(self, query: str = "", *, limit: int | None = None, cursor: str | None = None) -> RequestPage:
        """The newest calls that fit a query, such as `status:>=400 module:Leads since:1h`."""
        params = given(q=query or None, limit=limit, cursor=cursor)
        return cast("RequestPage", self._client.request("GET", "/requests", params=params).json())

    def list(self, query: str = "", *, limit: int | None = None) -> Iterator[Request]:
        """All calls that fit a query, the newest first. It asks for each page of `limit` when it is needed."""
        for page in pages(lambda cursor: self.page(query, limit=limit, cursor=cursor)):
            yield from page["requests"]

    def tail(self, query: str = "", *, after: int | None = None) -> Iterator[Request]:
        """The calls that fit a query, as they end: from now on, or those with higher numbers than `after`.

        It connects again after a broken connection and misses nothing. It ends when the key does.
        """
        while True:
            for event, document in events(self._client.stream("/requests/tail", query, after)):
                if event == "end":
                    return
                call = cast("Request", document)
                after = call["number"]
                yield call
            sleep(_PAUSE)

    def get(self, request_id: str) -> Request:
        """The newest call with this request id, which is the X-Request-Id of its answer."""
        response = self._client.request("GET", f"/requests/{quote(request_id, safe='')}")
        return cast("Request", response.json()["request"])

    def bodies(self, request_id: str) -> RequestBodies | None:
        """The bodies of that call; None if none are kept. The key needs the scope `requests:bodies`, too."""
        path, params = f"/requests/{quote(request_id, safe='')}", {"bodies": "true"}
        response = self._client.request("GET", path, params=params)
        return cast("RequestBodies | None", response.json()["request"]["bodies"])
