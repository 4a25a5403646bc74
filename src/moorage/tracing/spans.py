"""The spans of calls, by OpenTelemetry's stable conventions for HTTP [semantic conventions, HTTP spans].

A sampled call gets its ids when it begins. The spans themselves are made when it has ended, and leave in a thread.
"""

import asyncio
import contextlib
import os
import random
import threading
import time
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import AttributeValue

from moorage import __version__
from moorage.gateway.trace_context import TraceContext
from moorage.gateway.traced import EndedCall
from moorage.requests import Note
from moorage.requests.shown import shown

MOST = 100  # Traces that begin in a second, in each process. Callers may ask for more, and must not make us busy.
CLOSE_SECONDS = 3.0  # For the spans that wait when the server stops.
_METHODS = frozenset(
    ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"]
)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)

_Attributes = dict[str, AttributeValue]


class TraceSpans:
    """`ratio` of the calls whose callers name no trace are sampled. `exporter` is for tests."""

    def __init__(self, url: str, ratio: float, exporter: SpanExporter | None = None) -> None:
        self._ratio = ratio
        self._processor = BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=url, timeout=5))
        self._second, self._room = 0, MOST
        name = os.environ.get("OTEL_SERVICE_NAME", "moorage")
        self._resource = Resource.create({"service.name": name, "service.version": __version__})
        self._scope = InstrumentationScope("moorage", __version__)

    def begin(self, trace: TraceContext | None) -> "CallSpans | None":
        is_sampled = random.random() < self._ratio if trace is None else trace.is_sampled  # noqa: S311 (no secret)
        return CallSpans(self, trace) if is_sampled and self._has_room() else None

    def _has_room(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._room = second, MOST
        self._room -= 1
        return self._room >= 0

    def add(
        self,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        name: str,
        times: tuple[int, int],
        attributes: _Attributes,
    ) -> None:
        """Hand a span over to the thread. Its times are in nanoseconds since the epoch."""
        status = Status(StatusCode.ERROR if "error.type" in attributes else StatusCode.UNSET)
        start, end = times
        self._processor.on_end(
            ReadableSpan(
                name=name,
                context=context,
                parent=parent,
                resource=self._resource,
                attributes=attributes,
                kind=kind,
                status=status,
                start_time=start,
                end_time=end,
                instrumentation_scope=self._scope,
            )
        )

    async def close(self) -> None:
        """Send the spans that wait, unless that takes too long."""
        closed, loop = asyncio.Event(), asyncio.get_running_loop()

        def close() -> None:
            self._processor.shutdown()  # type: ignore[no-untyped-call]
            with contextlib.suppress(RuntimeError):  # The loop is closed.
                loop.call_soon_threadsafe(closed.set)

        # A thread that nobody waits for at the end of the process.
        threading.Thread(target=close, daemon=True).start()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await closed.wait()


class CallSpans:
    """The span of a call as a server, and the one inside of it as a client of the app."""

    def __init__(self, spans: TraceSpans, trace: TraceContext | None) -> None:
        trace_id = random.getrandbits(128) | 1 if trace is None else int(trace.trace_id, 16)
        self._spans = spans
        self._server, self._client = (_context(trace_id, random.getrandbits(64) | 1) for _ in range(2))
        parent = None if trace is None else int(trace.parent_id, 16)
        self._parent = None if parent is None else _context(trace_id, parent, is_remote=True)

    @property
    def trace_id(self) -> bytes:
        return b"%032x" % self._server.trace_id

    @property
    def traceparent(self) -> bytes:
        return b"00-%032x-%016x-01" % (self._client.trace_id, self._client.span_id)

    def end(self, call: EndedCall) -> None:
        epoch = time.time_ns() - time.monotonic_ns()
        note = call.note
        server = _times(epoch, note.began, note.ended)
        method = _method_of(note)
        name = f"{method if method != '_OTHER' else 'HTTP'} /{note.caller.app}"
        self._spans.add(self._server, self._parent, SpanKind.SERVER, name, server, _of_server(call))
        if call.target is not None and call.target.origin is not None:
            client = _times(epoch, note.sent_at, note.ended)
            name = method if method != "_OTHER" else "HTTP"
            self._spans.add(self._client, self._server, SpanKind.CLIENT, name, client, _of_client(call))


def _context(trace_id: int, span_id: int, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote, _SAMPLED, TraceState())


def _times(epoch: int, began: float, ended: float) -> tuple[int, int]:
    return epoch + int(began * 1e9), epoch + int(ended * 1e9)


def _method_of(note: Note) -> str:
    method = note.method.decode("latin-1")
    return method if method in _METHODS else "_OTHER"


def _common(note: Note) -> _Attributes:
    attributes: _Attributes = {"http.request.method": _method_of(note), "network.protocol.version": "1.1"}
    if attributes["http.request.method"] == "_OTHER":
        attributes["http.request.method_original"] = note.method.decode("latin-1")
    if note.status:
        attributes["http.response.status_code"] = note.status
    return attributes


def _of_server(call: EndedCall) -> _Attributes:
    note, caller = call.note, call.note.caller
    path, _, query = shown(note.native).decode("ascii").partition("?")
    attributes = _common(note) | {
        "http.route": f"/{caller.app}",
        "url.scheme": call.scheme,
        "url.path": f"/{caller.app}{path}",
        "moorage.request_id": note.request_id.decode("ascii"),
        "moorage.key": caller.key_id,
    }
    if query:
        attributes["url.query"] = query
    attributes |= _asked_at(call.host)
    if caller.connection_id is not None:
        attributes["moorage.connection"] = caller.connection_id
    if note.status >= 500 or not note.status:
        attributes["error.type"] = note.error or str(note.status)
    return attributes


def _of_client(call: EndedCall) -> _Attributes:
    assert call.target is not None
    origin, note = call.target.origin, call.note
    assert origin is not None
    attributes = _common(note)
    base = b"%b%b" % (origin.address, origin.base_path)
    attributes |= {
        "server.address": origin.host,
        "server.port": origin.port,
        "url.full": (base + shown(note.native)).decode("ascii"),
    }
    if note.source == "gateway":  # The app has given no answer.
        attributes.pop("http.response.status_code", None)
    if note.error is not None or note.status >= 400:
        attributes["error.type"] = note.error or str(note.status)
    return attributes


def _asked_at(host: str | None) -> _Attributes:
    """What the Host header of a request names, if that is an address."""
    try:
        parts = urlsplit(f"//{host or ''}")
        address, port = parts.hostname, parts.port
    except ValueError:
        return {}
    attributes: _Attributes = {} if not address else {"server.address": address}
    return attributes if port is None else attributes | {"server.port": port}
