"""Calls that the server itself sends, as a key would: each once."""

import asyncio
import re

import pytest

from moorage.approvals.model import Approval, HeldCall
from moorage.approvals.sending import Unsent
from moorage.gateway.errors import UpstreamUnreachable
from moorage.gateway.limits import Limits
from moorage.gateway.own_calls import OwnCalls
from moorage.keys.errors import KeyInvalid, ScopeMissing
from moorage.keys.model import Principal
from moorage.keys.scopes import parse
from moorage.requests.bodies import WaitingBodies
from tests.approvals.conftest import asked
from tests.calls import taken
from tests.gateway.wire import OK, Scripted, World

CALL = HeldCall("PUT", b"/crm/v8/Leads?x=%20", [(b"Content-Type", b"application/json")], b'{"data":[]}')
APPROVAL = Approval("a1", asked(connection_id="remote"), "PUT", "/", 0, b"", "approved", 0, 0)


class Keys:
    def __init__(self, *scopes):
        self.principal = Principal("agent", "team", parse(scopes or ("proxy",)))

    async def principal_of(self, account_id, key_id):
        if (account_id, key_id) != ("team", "agent"):
            raise KeyInvalid
        return self.principal


@pytest.fixture(scope="module")
def patient():
    """A gateway that no app is too slow for, and the upstream behind it."""
    behind, world = Scripted(OK), World(limits=Limits())
    world.remote(behind.port)
    world.start()
    yield behind, world
    world.stop()
    behind.stop()


@pytest.fixture
def send(patient):
    """Sends a call through the gateway, to an upstream with this script."""
    behind, world = patient

    def send(*script, call=CALL, approval=APPROVAL, keys=None, most=1000):
        behind.script, behind.requests = list(script or (OK,)), []
        calls = OwnCalls(world.gateway, keys or Keys(), None, most)

        async def sent():
            return await (await calls.prepare(approval, call))()

        return asyncio.run_coroutine_threadsafe(sent(), world.loop).result(10)

    send.behind, send.world = behind, world
    return send


def test_exactly_the_held_bytes_arrive(send):
    answer = send(b"HTTP/1.1 201 Created\r\nX-A: b\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok")
    [request] = send.behind.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /crm/v8/Leads?x=%20 HTTP/1.1\r\n")
    assert re.search(rb"\r\nAuthorization: Zoho-oauthtoken token-\d+\r\n", head)
    assert b"\r\nContent-Length: 11" in head
    assert body == CALL.body
    assert (answer.status, answer.headers, answer.body) == (201, [(b"X-A", b"b")], b"ok")


def test_a_call_without_an_answer_is_not_sent_again(send):
    with pytest.raises(UpstreamUnreachable):
        send(None, OK)
    assert len(send.behind.requests) == 1


def test_a_401_is_the_answer_and_no_other_call_gets_that_token(send):
    before = send.world.tokens.count
    answer = send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", OK)
    assert (answer.status, len(send.behind.requests)) == (401, 1)
    assert send(OK).status == 200
    assert f"token-{before + 1}".encode() in send.behind.requests[0]


def test_each_call_has_a_connection_of_its_own(send):
    """A kept one may have ended, and then nobody knows whether the call has arrived."""
    send()
    before = send.behind.accepted
    send()
    assert send.behind.accepted == before + 1


def test_a_kept_connection_makes_room_for_it(relayed):
    client = relayed(OK, OK, world=World(limits=Limits(connections=1)))
    assert client.get("/zoho-crm/a").status == 200

    async def sent():
        calls = OwnCalls(client.world.gateway, Keys(), None, 1000)
        return await (await calls.prepare(APPROVAL, CALL))()

    assert asyncio.run_coroutine_threadsafe(sent(), client.world.loop).result(10).status == 200
    assert client.upstream.accepted == 2


def test_where_nobody_listens_nothing_is_sent(send, monkeypatch):
    upstreams = dict(send.world.upstreams)
    try:
        send.world.remote(1)
        with pytest.raises(Unsent, match="refused"):
            send()
    finally:
        send.world.upstreams.update(upstreams)


def test_a_key_that_is_not_allowed_any_more_sends_nothing(send):
    for options in (
        {"approval": Approval("a1", asked(key_id="gone"), "PUT", "/", 0, b"", "approved", 0, 0)},
        {"keys": Keys("proxy:read")},
        {"keys": Keys("proxy:hubspot")},
    ):
        with pytest.raises((KeyInvalid, ScopeMissing)):
            send(**options)
        assert send.behind.requests == []


def test_an_answer_that_is_too_long_is_not_kept(send):
    answer = send(OK.replace(b"Length: 2", b"Length: 1001") + b"x" * 999)
    assert (answer.status, answer.body, answer.is_whole) == (200, b"", False)


def test_an_approved_call_is_on_record_under_the_id_of_its_approval(send):
    notes = send.world.notes
    notes.take()
    send(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
    [note] = taken(notes)
    assert (note.request_id, note.method, note.status, note.verdict, note.sent) == (
        b"a1",
        b"PUT",
        201,
        "ask",
        "true",
    )
    assert (note.caller.key_id, note.bytes_in, note.bytes_out) == ("agent", len(CALL.body), 2)
    with pytest.raises(UpstreamUnreachable):
        send(None)
    [note] = taken(notes)
    assert (note.status, note.error, note.sent) == (0, "upstream_unreachable", "unknown")


def test_reading_for_a_diff_asks_once_and_only_gets(send):
    behind, world = send.behind, send.world
    behind.script, behind.requests = [OK], []
    calls = OwnCalls(world.gateway, Keys("proxy:read"), None, 1000)
    reading = calls.read(APPROVAL, b"/crm/v8/Leads/1")
    answer = asyncio.run_coroutine_threadsafe(reading, world.loop).result(10)
    [request] = behind.requests
    assert request.startswith(b"GET /crm/v8/Leads/1 HTTP/1.1\r\n")
    assert (answer.status, answer.body) == (200, b"ok")


def test_its_bodies_are_kept_if_bodies_are_kept(send):
    send.world.notes.take()
    send.world.notes.bodies = WaitingBodies(4)
    try:
        send()
        with pytest.raises(UpstreamUnreachable):
            send(None)
    finally:
        send.world.notes.bodies = None
    [sheet] = send.world.notes.take()
    answered, failed = sheet.bodies.values()
    assert (answered.request.start, answered.request.size) == (CALL.body[:4], len(CALL.body))
    assert answered.answer.start == OK.partition(b"\r\n\r\n")[2][:4]
    assert failed.request == answered.request and failed.answer is None
