"""Each call whose key is known gets one note, however it ends."""

import json

import pytest

from moorage.approvals.model import HeldAnswer
from moorage.http.message import Response
from moorage.keys.model import Principal
from moorage.keys.scopes import parse
from moorage.policies.model import Policy, Rule
from tests.calls import taken
from tests.gateway.guards import Guards
from tests.gateway.sockets import ASK, PATIENT, chatting
from tests.gateway.wire import AUTHORIZED, KEY, OK, Client, World
from tests.waiting import wait_until


def notes_of(world, count=1):
    """What was noted, once there are so many notes."""
    wait_until(lambda: len(world.notes) >= count)
    notes = taken(world.notes)
    assert len(notes) == count
    return notes


def note_of(world):
    [note] = notes_of(world)
    return note


def ended(note):
    return note.status, note.source, note.error, note.sent


def test_a_call_says_who_asked_what_and_how_it_ended(relayed):
    client = relayed()
    client.post("/zoho-crm/crm/v8/Leads?a=b", b"12345", "X-Request-Id: mine\r\n")
    note = note_of(client.world)
    caller = note.caller
    assert (caller.account_id, caller.key_id, caller.app) == ("account", "key_1", "zoho-crm")
    assert (caller.connection_id, caller.environment) == ("remote", "live")
    assert (note.method, note.native, note.request_id) == (b"POST", b"/crm/v8/Leads?a=*", b"mine")
    assert ended(note) == (200, "upstream", None, "true")
    assert (note.bytes_in, note.bytes_out) == (5, len(OK.partition(b"\r\n\r\n")[2]))
    assert note.began <= note.sent_at <= note.answered_at <= note.ended


def test_a_call_of_a_connection_that_goes_on_is_noted_apart(relayed):
    client = relayed()
    for _ in range(3):
        client.get("/zoho-crm/a")
    assert [note.native for note in notes_of(client.world, 3)] == [b"/a"] * 3


def test_the_time_before_a_call_is_sent_is_not_the_apps(relayed):
    client = relayed()
    client.get("/zoho-crm/a")
    client.get("/zoho-crm/b")
    first, second = notes_of(client.world, 2)
    assert first.began < first.sent_at < first.answered_at  # It waited for the token of its connection.
    assert second.began == second.sent_at < second.answered_at == second.ended


def test_calls_are_noted_in_the_order_in_which_they_ended(relayed):
    client = relayed()
    for index in range(6):
        client.post("/zoho-crm/a", b"1" * (index % 2))
    notes = notes_of(client.world, 6)
    assert [note.bytes_in for note in notes] == [0, 1] * 3
    assert [note.ended for note in notes] == sorted(note.ended for note in notes)


def test_no_body_is_in_memory_because_a_note_waits(relayed):
    client = relayed()
    client.get("/zoho-crm/a")
    client.get("/zoho-crm/a")
    client.post("/zoho-crm/a", b"12345")
    wait_until(lambda: len(client.world.notes) == 3)
    assert client.world.notes.plain == []
    client.get("/zoho-crm/a")
    wait_until(lambda: len(client.world.notes) == 4)
    assert [call.bytes_in for call in client.world.notes.plain] == [0]


@pytest.mark.parametrize("path", ["/zoho-crm/a", "/zoho-crm/a/later", "/zoho-crm/401"])
def test_so_does_the_embedded_crm(embedded, path):
    client = embedded()
    answer = client.post(path, b"123")
    note = note_of(client.world)
    assert ended(note) == (200, "upstream", None, "true")
    assert (note.bytes_in, note.bytes_out, note.caller.environment) == (3, len(answer.body), "embedded")


@pytest.mark.parametrize(
    ("headers", "scopes", "status", "code", "connection"),
    [
        ("Maton-Connection: none\r\n", ["proxy"], 400, "connection_missing", None),
        ("", ["keys:read"], 403, "scope_missing", None),
        ("", ["proxy:read"], 403, "scope_missing", "remote"),
    ],
)
def test_what_the_gateway_refuses_a_key_is_noted(relayed, headers, scopes, status, code, connection):
    client = relayed()
    client.world.keys.known[f"Bearer {KEY}"] = Principal("key_1", "account", parse(scopes))
    client.post("/zoho-crm/a", b"", headers)
    note = note_of(client.world)
    assert ended(note) == (status, "gateway", code, "false")
    assert (note.caller.key_id, note.caller.connection_id) == ("key_1", connection)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_length_of_what_the_gateway_itself_answers_is_noted(relayed, method):
    client = relayed()
    answer = client.get("/zoho-crm/a", "Maton-Connection: none\r\n", method=method)
    assert note_of(client.world).bytes_out == len(answer.body)


@pytest.mark.parametrize(
    ("waits", "error"), [(True, "approval_required"), (False, None)], ids=["waits", "was sent before"]
)
def test_only_a_call_that_waits_is_noted_as_one(relayed, waits, error):
    class Holder:
        max_body = 1024

        async def hold(self, _call):
            return HeldAnswer(Response(202, b"{}"), waits)

    client = relayed(world=World(guards=Guards(Policy(mode="strict")), holder=Holder()))
    client.post("/zoho-crm/crm/v8/Leads", b"{}")
    note = note_of(client.world)
    assert ended(note) == (202, "gateway", error, "false")
    assert note.bytes_out == 2


@pytest.mark.parametrize(
    ("method", "status", "verdict", "rule", "kind"),
    [("GET", 200, "allow", None, "read"), ("DELETE", 403, "deny", "no deals", "destructive")],
)
def test_what_the_policy_says_is_noted(relayed, method, status, verdict, rule, kind):
    policy = Policy(rules=(Rule("no deals", "deny", methods=("DELETE",)),), mode="cautious")
    client = relayed(world=World(guards=Guards(policy)))
    assert client.get("/zoho-crm/crm/v8/Deals/7243485000000597064", method=method).status == status
    note = note_of(client.world)
    assert (note.verdict, note.rule, note.operation.kind, note.operation.modules) == (
        verdict,
        rule,
        kind,
        ("Deals",),
    )


def test_a_key_that_calls_too_fast_is_noted_and_not_counted_as_a_stranger(relayed):
    client = relayed(world=World(rate=1))
    while client.get("/zoho-crm/a").status != 429:
        pass
    assert (taken(client.world.notes)[-1].error, client.world.notes.strangers) == ("rate_limited", 0)


def test_strangers_are_counted_and_fill_nothing(relayed):
    client = relayed()
    for path in ("/zoho-crm/a", "/zoho-crm/b", "/zoho-crm/a/../b"):
        client.send(f"GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer wrong-wrong-wrong\r\n\r\n")
        client.answer()
    assert (client.world.notes.strangers, len(client.world.notes)) == (3, 0)


def test_an_app_that_ends_in_the_middle_is_noted_as_broken_off(relayed):
    client = relayed(lambda it: it.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"), None)
    client.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
    note = note_of(client.world)
    assert ended(note) == (200, "upstream", "broken_off", "true")
    assert note.bytes_out == 3


def test_an_app_that_says_nothing_leaves_it_open_whether_the_call_took_effect(relayed):
    client = relayed(None)
    answer = client.post("/zoho-crm/a", b"1")
    assert json.loads(answer.body)["error"]["code"] == note_of(client.world).error
    client.post("/zoho-crm/a", b"1")
    assert note_of(client.world).sent == "unknown"


def test_a_caller_that_goes_is_noted_once(relayed):
    client = relayed(lambda it: it.recv(1) and None)
    with Client(client.world.port) as caller:
        caller.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
        wait_until(lambda: client.upstream.requests)
    assert ended(note_of(client.world)) == (0, "gateway", "caller_gone", "unknown")


def test_a_websocket_is_noted_when_it_ends_with_what_passed_through_it():
    with chatting(World(limits=PATIENT)) as world:
        with Client(world.port) as client:
            client.send(ASK)
            wait_until(lambda: world.gateway.tunnels._open)
            assert len(world.notes) == 0
        note = note_of(world)
    assert ended(note) == (101, "upstream", None, "true")
    assert (note.bytes_in, note.caller.connection_id) == (0, "remote")
