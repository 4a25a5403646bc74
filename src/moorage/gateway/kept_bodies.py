"""Calls whose bodies get into the request log, for servers that keep bodies. All others use `Relay` itself."""

from typing import TYPE_CHECKING

from moorage.errors import MoorageError
from moorage.gateway.relay import Relay
from moorage.gateway.rewrite import AnswerHead, CallerHeaders
from moorage.gateway.watched import WatchedRelay
from moorage.http.direct import DirectProtocol
from moorage.http.head import Head
from moorage.http.message import Headers, Response
from moorage.requests import Notes
from moorage.requests.bodies import Bodies, WaitingBodies, body_of, token_of

if TYPE_CHECKING:
    from moorage.gateway.gateway import Gateway


def relay_of(gateway: "Gateway") -> type[Relay]:
    """The class for calls of this gateway."""
    return Relay if gateway.notes is None or gateway.notes.bodies is None else KeepingRelay


class KeepingRelay(WatchedRelay):
    """Keeps the beginning of both bodies until the call is noted. An answer of the gateway itself is not kept."""

    __slots__ = ("_answer_headers", "_answer_start", "_bodies", "_request_start")

    def __init__(
        self, protocol: DirectProtocol, head: Head, caller: CallerHeaders, native: bytes, gateway: "Gateway"
    ) -> None:
        assert gateway.notes is not None
        assert gateway.notes.bodies is not None
        self._bodies: WaitingBodies = gateway.notes.bodies
        self._request_start = self._answer_start = b""
        self._answer_headers: Headers | None = None  # None as long as the app has not answered.
        super().__init__(protocol, head, caller, native, gateway)

    def on_body(self, part: bytes) -> None:
        room = self._bodies.most - len(self._request_start)
        if room > 0:
            self._request_start += part[:room]
        super().on_body(part)

    def on_head(self, status: int, head: AnswerHead) -> None:
        self._answer_headers = head.forwarded
        super().on_head(status, head)

    def on_part(self, part: bytes) -> None:
        room = self._bodies.most - len(self._answer_start)
        if room > 0:
            self._answer_start += part[:room]
        super().on_part(part)

    def _note_answer(self, response: Response) -> None:
        self._answer_headers = response.headers
        if isinstance(response.body, bytes):
            self._answer_start = response.body[: self._bodies.most]
        super()._note_answer(response)

    def refusal_of(self, error: MoorageError, request_id: str) -> Response:
        self._answer_headers = None  # The app may have refused a token before.
        return super().refusal_of(error, request_id)

    def _on_noted(self, notes: Notes) -> None:
        request = body_of(self.head.headers, self.bytes_in, self._request_start)
        answer = None
        if self._answer_headers is not None:
            answer = body_of(self._answer_headers, self.bytes_out, self._answer_start)
        notes.keep(Bodies(request, answer, self._secrets()))
        self._request_start = self._answer_start = b""

    def _secrets(self) -> tuple[bytes, ...]:
        """The key of the caller and the token of the connection."""
        target = self.resolved
        own = token_of(self._caller.route_key.authorization)
        return own if target is None else (*own, *token_of(target.authorization))
