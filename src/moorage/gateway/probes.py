"""`/healthz` and `/readyz`: says whether the server runs, whether it can work, and how many connections it has.

Machines send these requests often, and strangers may. So they are answered in the parser's callbacks, as calls are. An
answer through ASGI takes many times as long, and would delay calls.
"""

import math
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request as AsgiRequest
from starlette.responses import Response as AsgiResponse
from starlette.routing import Route

from moorage.errors import MoorageError
from moorage.http.control import json_response, route
from moorage.http.crowd import Crowd
from moorage.http.errors import ServerStopping, render
from moorage.http.message import Request, Response
from moorage.http.middleware import request_id
from moorage.storage.readiness import Readiness

if TYPE_CHECKING:
    from moorage.http.answering import Answer

_ALIVE = {"status": "ok"}


class Probes:
    """`answers` has the functions that answer GET, by path. `routes` answers all other methods."""

    def __init__(self, readiness: Readiness, crowd: Crowd) -> None:
        self._readiness = readiness
        self._crowd = crowd
        self.answers: Mapping[bytes, Answer] = {b"/healthz": self._healthz, b"/readyz": self._readyz}

    def routes(self) -> list[Route]:
        async def health(_request: AsgiRequest) -> AsgiResponse:
            return json_response(_ALIVE)

        async def ready(_request: AsgiRequest) -> AsgiResponse:
            if not self._readiness.is_fresh:
                await self._readiness.look()
            return json_response(self._status())

        return [route("/healthz", GET=health), route("/readyz", GET=ready)]

    def _status(self) -> dict[str, Any]:
        """The status of a ready server. Raises ServerStopping, or the error of the last check."""
        if self._crowd.is_ending:
            raise ServerStopping
        self._readiness.require_ready()
        limit = self._crowd.limit
        connections = {"open": len(self._crowd), "limit": None if limit == math.inf else limit}
        return {"status": "ready", "connections": connections}

    def _healthz(self, request: Request) -> Response:
        return _answer(request, _ALIVE)

    def _readyz(self, request: Request) -> Response | Awaitable[Response]:
        return self._ready_answer(request) if self._readiness.is_fresh else self._ready_after_look(request)

    async def _ready_after_look(self, request: Request) -> Response:
        await self._readiness.look()
        return self._ready_answer(request)

    def _ready_answer(self, request: Request) -> Response:
        try:
            return _answer(request, self._status())
        except MoorageError as error:
            return render(error, request_id(request.headers))


def _answer(request: Request, document: dict[str, Any]) -> Response:
    headers = [
        (b"content-type", b"application/json"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id(request.headers).encode()),
    ]
    return Response(200, msgspec.json.encode(document), headers)
