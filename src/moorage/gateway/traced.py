"""Calls that belong to a trace. All others use `Relay` itself, so that they pay nothing for this."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

from moorage.gateway.kept_bodies import KeepingRelay, relay_of
from moorage.gateway.relay import Relay
from moorage.gateway.rewrite import CallerHeaders
from moorage.gateway.target import Target
from moorage.gateway.trace_context import TraceContext
from moorage.http.direct import DirectProtocol
from moorage.http.head import Head
from moorage.requests import Caller, Source

if TYPE_CHECKING:
    from moorage.gateway.gateway import Gateway


class EndedCall(NamedTuple):
    """A call that has ended. Its moments are those of a note; `target` is None if none was found."""

    method: bytes
    native: bytes
    scheme: str
    host: str | None
    request_id: bytes
    caller: Caller
    target: Target | None
    began: float
    sent_at: float
    answered_at: float
    ended: float
    status: int
    source: Source
    error: str | None


class CallSpans(Protocol):
    """The spans of one call. `traceparent` is what the app gets."""

    @property
    def trace_id(self) -> bytes: ...
    @property
    def traceparent(self) -> bytes: ...
    def end(self, call: EndedCall) -> None: ...


class Spans(Protocol):
    def begin(self, trace: TraceContext | None) -> CallSpans | None:
        """None for a call that is not sampled."""


def relays_of(gateway: "Gateway") -> tuple[type[Relay], type[Relay]]:
    """The classes for calls of this gateway whose callers name no trace, and for those that name one."""
    plain = relay_of(gateway)
    traced = TracedKeepingRelay if plain is KeepingRelay else TracedRelay
    return (plain if gateway.spans is None else traced), traced


class TracedCall(Relay):
    """Notes the trace with the call, and makes spans of it if it is sampled."""

    __slots__ = ()
    _spans: CallSpans | None

    def __init__(
        self, protocol: DirectProtocol, head: Head, caller: CallerHeaders, native: bytes, gateway: "Gateway"
    ) -> None:
        spans = None if gateway.spans is None else gateway.spans.begin(caller.trace)
        app = caller.route_key.app
        passes_trace = gateway.rules_of(app).passes_trace
        if spans is not None and passes_trace:
            caller = caller.of_span(spans.traceparent)
        elif passes_trace != caller.passes_trace:  # The app's file has changed since these headers were read.
            caller = CallerHeaders(app, head, passes_trace=passes_trace)
        super().__init__(protocol, head, caller, native, gateway)
        self._spans = spans  # type: ignore[misc]  # Both subclasses have the slot.

    def _note(
        self,
        source: Source,
        status: int,
        ended: float,
        error: str | None = None,
        caller: Caller | None = None,
    ) -> bool:
        began, trace_id, request_id = self._began, self._trace_id(), self._request_id
        if trace_id is not None:
            # This is how a note has both (`blocks.notes_of`).
            self._request_id = b"%b %b" % (request_id, trace_id)
        is_noted = super()._note(source, status, ended, error, caller)
        self._request_id = request_id
        if caller is None and self._resolved is not None:
            caller = self._resolved.caller
        if began and caller is not None and self._spans is not None:
            moments = began, self._sent_at, self._answered_at, ended
            self._spans.end(self._ended(caller, moments, (status, source, error)))
        return is_noted

    def _trace_id(self) -> bytes | None:
        if self._spans is not None:
            return self._spans.trace_id
        return None if self._caller.trace is None else self._caller.trace.trace_id

    def _ended(
        self,
        caller: Caller,
        moments: tuple[float, float, float, float],
        how: tuple[int, Source, str | None],
    ) -> EndedCall:
        host = self._head.header(b"host")
        scheme = self._protocol.scheme or "http"
        what = self._head.method, self._native, scheme, None if host is None else host.decode("latin-1")
        target = self._resolved if self.request_sent else None
        return EndedCall(*what, self._request_id, caller, target, *moments, *how)


class TracedRelay(TracedCall):
    __slots__ = ("_spans",)


class TracedKeepingRelay(TracedCall, KeepingRelay):
    __slots__ = ("_spans",)
