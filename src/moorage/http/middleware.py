"""Middleware for all ASGI answers: it adds a request id, sets the actor, and answers errors."""

from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moorage.acting import Actor, acting
from moorage.errors import MoorageError
from moorage.http.errors import internal, render
from moorage.http.message import Response
from moorage.ids import kept_request_id, new_request_id
from moorage.logs import REQUEST_ID, Log

log = Log(__name__)

# Returns an error as a page for people, or None if it has to be answered as JSON.
Page = Callable[[Scope, MoorageError], Response | None]
# The address of whoever sent a request; None if it is not known.
Address = Callable[[Scope], str | None]


def request_id(headers: list[tuple[bytes, bytes]]) -> str:
    """The caller's X-Request-Id if it is valid, otherwise a new one. The names of headers are in lower case."""
    for name, value in headers:
        if name == b"x-request-id" and (kept := kept_request_id(value)):
            return kept.decode()
    return new_request_id()


class Errors:
    """ASGI middleware that sets X-Request-Id and answers exceptions. It logs unexpected ones with their traceback."""

    def __init__(self, app: ASGIApp, page: Page, address: Address = lambda _: None) -> None:
        self._app = app
        self._page = page
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = request_id(scope["headers"])
        # Whoever it is until the request has shown who it is: a person at a page, as the connect page needs no key.
        with acting(Actor("person", address=self._address(scope), request_id=identity)):
            await self._call(scope, receive, send, identity)

    async def _call(self, scope: Scope, receive: Receive, send: Send, identity: str) -> None:
        REQUEST_ID.set(identity)
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (b"x-request-id", identity.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except MoorageError as error:
            await self._answer(error, scope, identity, send)
        except ClientDisconnect:
            return  # The client has gone, so no answer is needed.
        except Exception:
            log.exception("request.failed", method=scope["method"], request_id=identity)
            if started:
                raise
            await self._answer(internal(), scope, identity, send)

    async def _answer(self, error: MoorageError, scope: Scope, identity: str, send: Send) -> None:
        answer = render(error, identity)
        page = self._page(scope, error)
        if page is not None:
            page_names = {name for name, _ in page.headers}
            others = [pair for pair in answer.headers if pair[0] not in page_names]
            answer = Response(answer.status, page.text, [*others, *page.headers])
        length = (b"content-length", str(len(answer.text)).encode())
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, length]}
        )
        body = b"" if scope["method"] == "HEAD" else answer.text
        await send({"type": "http.response.body", "body": body})
