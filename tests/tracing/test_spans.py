"""Spans of sampled calls, as a collector gets them."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from moorage.gateway.gateway import Rules
from moorage.rooms import Rooms, Urls
from moorage.settings import load
from moorage.tracing import spans as module
from moorage.tracing.errors import TracingMissing
from moorage.tracing.spans import TraceSpans
from tests.calls import taken
from tests.gateway.conftest import relayed, start, upstream  # noqa: F401
from tests.gateway.test_traces import HEADERS, SPAN, TRACE
from tests.gateway.wire import World
from tests.waiting import wait_until

UNSAMPLED = HEADERS.replace(f"{SPAN}-01", f"{SPAN}-00")


class Traced(World):
    def __init__(self, ratio=0.0, **options):
        self.exporter = InMemorySpanExporter()
        super().__init__(spans=TraceSpans("http://127.0.0.1:9", ratio, self.exporter), **options)


@pytest.fixture
def collector():
    """A collector that says what it got."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.got = got
    yield server
    server.shutdown()
    server.server_close()


def test_a_sampled_call_is_a_span_of_ours_and_one_of_the_app_within(relayed):  # noqa: F811
    world = Traced(rules=Rules(passes_trace=True))
    client = relayed(world=world)
    client.get("/zoho-crm/crm/v8/Leads?email=ana@example.com&page=2", f"X-Request-Id: mine\r\n{HEADERS}")
    served, asked = found(world)
    assert (served.kind, asked.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert {span.context.trace_id for span in (served, asked)} == {int(TRACE, 16)}
    assert (served.parent.span_id, served.parent.is_remote) == (int(SPAN, 16), True)
    assert asked.parent.span_id == served.context.span_id
    own = f"Traceparent: 00-{TRACE}-{asked.context.span_id:016x}-01\r\n".lower().encode()
    sent = client.upstream.requests[-1]
    assert own in sent.lower() and SPAN.encode() not in sent and b"b=2" in sent
    assert served.name == "GET /zoho-crm" and asked.name == "GET"
    assert served.start_time <= asked.start_time <= asked.end_time == served.end_time
    shared = {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
    }
    assert served.attributes == shared | {
        "http.route": "/zoho-crm",
        "url.scheme": "http",
        "url.path": "/zoho-crm/crm/v8/Leads",
        "url.query": "email=*&page=2",
        "server.address": "gateway.test",
        "moorage.request_id": "mine",
        "moorage.key": "key_1",
        "moorage.connection": "remote",
    }
    port = client.upstream.port
    assert asked.attributes == shared | {
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.full": f"http://127.0.0.1:{port}/crm/v8/Leads?email=*&page=2",
    }
    assert [note.trace for note in taken(world.notes)] == [TRACE]
    assert served.resource.attributes["service.name"] == "moorage"


def found(world, calls=1):
    wait_until(lambda: len(world.notes) == calls)
    world.spans._processor.force_flush()
    return sorted(world.exporter.get_finished_spans(), key=lambda span: span.kind.value)


def test_who_samples_decides(relayed):  # noqa: F811
    client = relayed(world=Traced())
    client.get("/zoho-crm/a", UNSAMPLED)
    client.get("/zoho-crm/a")
    assert found(client.world, 2) == []
    client = relayed(world=Traced(ratio=1.0))
    client.get("/zoho-crm/a", UNSAMPLED)
    assert found(client.world) == []
    client.get("/zoho-crm/a")
    served, asked = found(client.world, 2)
    assert served.parent is None and asked.parent.span_id == served.context.span_id
    _, note = taken(client.world.notes)
    assert int(note.trace, 16) == served.context.trace_id


def test_a_failure_is_one_in_its_span(relayed):  # noqa: F811
    client = relayed(None, world=Traced())
    assert client.get("/zoho-crm/a", HEADERS).status == 502
    served, asked = found(client.world)
    assert served.attributes["error.type"] == asked.attributes["error.type"] == "upstream_unreachable"
    assert served.status.status_code is asked.status.status_code is StatusCode.ERROR
    assert "http.response.status_code" not in asked.attributes
    client = relayed(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", world=Traced())
    client.get("/zoho-crm/a", HEADERS)
    served, asked = found(client.world)
    assert "error.type" not in served.attributes and asked.attributes["error.type"] == "404"


def test_strangers_and_those_who_ask_for_too_many_get_no_spans(relayed, monkeypatch):  # noqa: F811
    monkeypatch.setattr(module, "MOST", 2)
    monkeypatch.setattr(module.time, "monotonic", lambda: 1.5)
    world = Traced()
    client = relayed(world=world)
    client.send(f"GET /zoho-crm/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nobody\r\n{HEADERS}\r\n")
    assert client.answer().status == 401
    for _ in range(4):
        client.get("/zoho-crm/a", HEADERS)
    assert len(found(world, 4)) == 2
    assert [note.trace for note in taken(world.notes)] == [TRACE] * 4


def test_spans_reach_a_collector_and_a_stop_sends_those_that_wait(relayed, collector):  # noqa: F811
    world = World(spans=TraceSpans(f"http://127.0.0.1:{collector.server_port}/v1/traces", 0.0))
    client = relayed(world=world)
    client.get("/zoho-crm/a", HEADERS)
    wait_until(lambda: len(world.notes))
    asyncio.run(world.spans.close())
    [(path, body)] = collector.got
    [sent] = ExportTraceServiceRequest.FromString(body).resource_spans
    assert path == "/v1/traces" and len(sent.scope_spans[0].spans) == 2


def test_traces_without_the_library_are_a_clear_fault(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "moorage.tracing.spans", None)
    rooms = Rooms(
        load({"MOORAGE_TRACES": "http://127.0.0.1:4318/v1/traces"}, home=tmp_path), Urls("", ""), None
    )
    with pytest.raises(TracingMissing, match="not installed") as raised:
        _ = rooms.spans
    assert "moorage[otel]" in raised.value.help
