"""ASGI middleware: a POST of an API key with an Idempotency-Key is made once."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.datastructures import Headers as RequestHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moorage.errors import MoorageError
from moorage.http.bodies import MAX_HELD_OF_STRANGERS, Allowance, Body, Budget
from moorage.http.message import Headers, Response
from moorage.idempotency.service import Idempotency, request_digest

MAX_BODY = 16 * 1024 * 1024
# In the scope of a request: its caller, who was recognised here, so that the request does not count twice.
CALLER = "moorage.caller"
_held = Budget(MAX_HELD_OF_STRANGERS)


class Caller(Protocol):
    @property
    def key_id(self) -> str: ...


# The caller of an Authorization header, whose request is counted. Raises KeyInvalid, RateLimited.
Recognise = Callable[[str], Awaitable[Caller]]


class Idempotent:
    def __init__(self, app: ASGIApp, idempotency: Idempotency, recognise: Recognise) -> None:
        self._app = app
        self._idempotency = idempotency
        self._recognise = recognise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, authorization = _headers(scope)
        if name is None or authorization is None:
            await self._app(scope, receive, send)
            return
        caller = scope[CALLER] = await self._recognise(authorization)
        body = await _whole(receive)
        digest = request_digest(
            scope["method"], scope.get("raw_path") or scope["path"].encode(), scope["query_string"], body
        )
        answer = await self._idempotency.begin(caller.key_id, name, digest)
        if answer is None:
            answer = await self._made(scope, body, caller.key_id, name)
        await _send(answer, send)

    async def _made(self, scope: Scope, body: bytes, key_id: str, name: str) -> Response:
        collecting = _Collecting(body)
        try:
            await self._app(scope, collecting.receive, collecting.send)
        except MoorageError:
            # Nothing was done, and the next try may succeed. After any other error nobody knows whether it was.
            await self._idempotency.undo(key_id, name)
            raise
        await self._idempotency.end(key_id, name, collecting.answer)
        return collecting.answer


class _Collecting:
    """Plays the client of one request."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.answer = Response(500)

    async def receive(self) -> Message:
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answer = Response(message["status"], b"", list(message["headers"]))
        else:
            self.answer.body = self.answer.text + message.get("body", b"")


def _headers(scope: Scope) -> tuple[str | None, str | None]:
    """The Idempotency-Key and the Authorization of a POST."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return None, None
    headers = RequestHeaders(scope=scope)  # Of two it gives the first, as for the routes.
    key = headers.get("idempotency-key")
    return None if key is None else key.strip(), headers.get("authorization")


async def _whole(receive: Receive) -> bytes:
    body = Body(Allowance(MAX_BODY, _held))
    while True:
        message = await receive()
        body.add(message.get("body", b""))
        if not message.get("more_body", False):
            return body.whole()


async def _send(answer: Response, send: Send) -> None:
    headers: Headers = answer.headers
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.text})
