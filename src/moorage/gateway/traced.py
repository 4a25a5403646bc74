"""Calls that belong to a trace. All others use `Relay` itself, so that they pay nothing for this."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

from moorage.gateway.kept_bodies import KeepingRelay, relay_of
from moorage.gateway.relay import Relay
from moorage.gateway.rewrite import CallerHeaders
from moorage.gateway.target import Target
from moorage.gateway.trace_context import TraceContext
from moorage.gateway.watched import WatchedRelay
from moorage.http.direct import DirectProtocol
from moorage.http.head import Head
from moorage.requests import Note, Notes

if TYPE_CHECKING:
    from moorage.gateway.gateway import Gateway


class EndedCall(NamedTuple):
    """A call that has ended, as it was noted, and what its spans need besides. `target` is None if none was found."""

    note: Note
    scheme: str
    host: str | None
    target: Target | None


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


class TracedCall(WatchedRelay):
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

    def _on_noted(self, notes: Notes) -> None:
        super()._on_noted(notes)
        trace = self._caller.trace
        if self._spans is not None:
            self._spans.end(self._ended(notes.last))
            notes.name_trace(self._spans.trace_id)
        elif trace is not None:
            notes.name_trace(trace.trace_id)

    def _ended(self, note: Note) -> EndedCall:
        host = self.head.header(b"host")
        target = self.resolved if self.request_sent else None
        scheme = self._protocol.scheme or "http"
        return EndedCall(note, scheme, None if host is None else host.decode("latin-1"), target)


class TracedRelay(TracedCall):
    __slots__ = ("_spans",)


class TracedKeepingRelay(TracedCall, KeepingRelay):
    __slots__ = ("_spans",)
