"""What a call keeps of its bodies, for a server that keeps bodies."""

import pytest

from moorage.gateway.kept_bodies import KeepingRelay, relay_of
from moorage.gateway.relay import Relay
from moorage.requests import Notes
from moorage.requests.bodies import WaitingBodies
from tests.gateway.wire import KEY, World
from tests.waiting import wait_until

LONG = b"HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 30\r\n\r\n" + b"0123456789" * 3


def keeping(**options):
    return World(notes=Notes(WaitingBodies(20)), **options)


def kept(world):
    wait_until(lambda: world.notes.bodies.held)
    [sheet] = world.notes.take()
    [(index, bodies)] = sheet.bodies.items()
    assert index == len(sheet) - 1
    return bodies


def test_the_beginning_of_both_bodies_is_kept(relayed):
    client = relayed(LONG, world=keeping())
    answer = client.post("/zoho-crm/a", b"abcdefghij" * 3, "Content-Type: text/y\r\nContent-Encoding: x\r\n")
    bodies = kept(client.world)
    assert (bodies.request.type, bodies.request.coding, bodies.answer.type) == (b"text/y", b"x", b"text/x")
    assert (bodies.request.start, bodies.request.size) == (b"abcdefghijabcdefghij", 30)
    assert (bodies.answer.start, bodies.answer.size, len(answer.body)) == (b"01234567890123456789", 30, 30)
    assert bodies.secrets == (KEY.encode(),)  # The token of the connection is too short to be one.
    assert "abc" not in repr(bodies)


@pytest.mark.parametrize("path", ["/zoho-crm/a", "/zoho-crm/a/later", "/zoho-crm/401"])
def test_so_it_is_of_the_embedded_crm(embedded, path):
    client = embedded(keeping())
    answer = client.post(path, b"{}")
    bodies = kept(client.world)
    assert (bodies.request.start, bodies.answer.start) == (b"{}", answer.body[:20])
    assert bodies.answer.size == len(answer.body)


@pytest.mark.parametrize("script", [(None,), (b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno", None)])
def test_a_call_that_is_refused_has_only_its_own_body(relayed, script):
    client = relayed(*script, world=keeping())
    assert client.post("/zoho-crm/a", b"{}").status == 502
    bodies = kept(client.world)
    assert bodies.request.start == b"{}" and bodies.answer is None


def test_nothing_is_kept_of_strangers_and_of_calls_without_bodies(relayed):
    client = relayed(b"HTTP/1.1 204 No Content\r\n\r\n", world=keeping())
    client.get("/zoho-crm/a")
    client.send(
        "POST /zoho-crm/a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer wrong-wrong\r\nContent-Length: 2\r\n\r\n{}"
    )
    client.answer()
    [sheet] = client.world.notes.take()
    assert sheet.bodies == {} and len(sheet) == 1


@pytest.mark.parametrize(
    ("notes", "kind"), [(None, Relay), (Notes(), Relay), (Notes(WaitingBodies(1)), KeepingRelay)]
)
def test_a_server_that_keeps_no_bodies_has_calls_that_know_of_none(notes, kind):
    class Gateway:
        pass

    gateway = Gateway()
    gateway.notes = notes
    assert relay_of(gateway) is kind
