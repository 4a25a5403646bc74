"""The trace that a caller names: noted with the call, and passed on only where that is allowed."""

import pytest

from moorage.gateway.gateway import Rules
from moorage.gateway.kept_bodies import KeepingRelay
from moorage.gateway.relay import Relay
from moorage.gateway.trace_context import trace_context
from moorage.gateway.traced import TracedKeepingRelay, TracedRelay, relays_of
from moorage.http.message import Response
from moorage.requests import Notes
from moorage.requests.bodies import WaitingBodies
from tests.calls import taken
from tests.gateway.wire import World
from tests.waiting import wait_until

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
HEADERS = f"Traceparent: {PARENT}\r\nTraceState: a=1\r\ntracestate: b=2\r\n"


def noted(world):
    wait_until(lambda: len(world.notes))
    return [(note.request_id, note.trace) for note in taken(world.notes)]


def names_sent(client):
    return {line.partition(b":")[0].lower() for line in client.upstream.requests[-1].split(b"\r\n")[1:]}


def test_a_call_is_noted_with_its_trace_and_the_next_one_is_not(relayed):
    client = relayed()
    client.get("/zoho-crm/a", f"X-Request-Id: mine\r\n{HEADERS}")
    client.get("/zoho-crm/a", "X-Request-Id: other\r\n")
    wait_until(lambda: len(client.world.notes) == 2)
    assert noted(client.world) == [(b"mine", TRACE), (b"other", None)]


@pytest.mark.parametrize("passes", [False, True])
def test_an_app_outside_is_told_the_trace_only_if_its_file_says_so(relayed, passes):
    client = relayed(world=World(rules=Rules(passes_trace=passes)))
    answer = client.get("/zoho-crm/a", HEADERS)
    assert answer.status == 200
    sent = client.upstream.requests[-1]
    if passes:
        assert f"Traceparent: {PARENT}\r\nTraceState: a=1\r\ntracestate: b=2\r\n".encode() in sent
    else:
        assert not {b"traceparent", b"tracestate"} & names_sent(client)


def test_an_app_whose_file_changes_is_not_told_any_more(relayed):
    client = relayed(world=World(rules=Rules(passes_trace=True)))
    client.get("/zoho-crm/a", HEADERS)
    assert b"traceparent" in names_sent(client)
    client.world.call(lambda: client.world.gateway.use(["zoho-crm"], lambda _app: Rules(), 60.0))
    client.get("/zoho-crm/a", HEADERS)
    assert not {b"traceparent", b"tracestate"} & names_sent(client)


def test_the_embedded_crm_is_told(embedded):
    seen = []
    client = embedded(World(door=lambda request: seen.append(request) or Response(200)))
    client.get("/zoho-crm/a", HEADERS)
    [request] = seen
    assert [pair for pair in request.headers if pair[0].startswith(b"trace")] == [
        (b"traceparent", PARENT.encode()),
        (b"tracestate", b"a=1"),
        (b"tracestate", b"b=2"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{PARENT}\r\nTraceparent: {PARENT}",
        "",
        "\x80",
        "0" * 5000,
    ],
    ids=range(10),
)
def test_what_is_no_trace_is_nobodys(relayed, wrong):
    client = relayed(world=World(rules=Rules(passes_trace=True)))
    client.get("/zoho-crm/a", f"X-Request-Id: mine\r\nTraceparent: {wrong}\r\ntracestate: a=1\r\n")
    assert not {b"traceparent", b"tracestate"} & names_sent(client)
    assert noted(client.world) == [(b"mine", None)]


def test_a_later_version_may_say_more():
    context = trace_context([(b"traceparent", f"01-{TRACE}-{SPAN}-03-more".encode())])
    assert (context.trace_id, context.parent_id, context.is_sampled) == (TRACE.encode(), SPAN.encode(), True)
    assert not trace_context([(b"Traceparent", f"00-{TRACE}-{SPAN}-02".encode())]).is_sampled


def test_calls_without_a_trace_are_of_the_class_that_knows_of_none():
    plain, keeping = World(), World(notes=Notes(WaitingBodies(20)))
    for world, kinds in ((plain, (Relay, TracedRelay)), (keeping, (KeepingRelay, TracedKeepingRelay))):
        assert relays_of(world) == kinds


def test_bodies_are_kept_of_calls_with_a_trace_too(relayed):
    client = relayed(world=World(notes=Notes(WaitingBodies(20))))
    client.post("/zoho-crm/a", b"{}", HEADERS)
    wait_until(lambda: client.world.notes.bodies.held)
    [sheet] = client.world.notes.take()
    assert [bodies.request.start for bodies in sheet.bodies.values()] == [b"{}"]
