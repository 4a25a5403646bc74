"""The rules of HTTP/1.1 for a program that passes requests on: their order, their ends, and nothing in between."""

import json
import threading

import pytest

from moorage.connections.model import Upstream
from moorage.gateway.limits import Limits
from tests.gateway.wire import AUTHORIZED, KEY, OK, Client, World
from tests.http.test_parsing import UNSOUND

GET = f"GET /zoho-crm/%s HTTP/1.1\r\n{AUTHORIZED}\r\n"


def echo(answered):
    """Answers with the path's last segment."""

    def entry(connection):
        name = answered.upstream.requests[-1].split(b" ")[1].rpartition(b"/")[2]
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name)

    return entry


def test_requests_in_one_segment_are_answered_in_their_order(relayed):
    client = relayed()
    client.upstream.script = [echo(client)]
    client.send("".join(GET % f"number{place}" for place in range(20)))
    assert [client.answer().body for _ in range(20)] == [b"number%d" % place for place in range(20)]


def test_the_end_of_one_request_and_the_start_of_the_next_may_share_a_segment(relayed):
    client = relayed()
    head = f"POST /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Content-Length: 10\r\n\r\n"
    client.send(head + "hello")
    client.send("world" + head + "again")
    client.send("later" + GET % "b")
    assert [client.answer().body for _ in range(3)] == [b"ok"] * 3
    assert [request.partition(b"\r\n\r\n")[2] for request in client.upstream.requests] == [
        b"helloworld", b"againlater", b"",
    ]  # fmt: skip


def test_the_trailers_of_a_request_stay_here(relayed):
    client = relayed()
    client.send(
        f"POST /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    )
    client.send("5\r\nhello\r\n0\r\nX-Sum: 1\r\nAuthorization: Bearer other\r\n\r\n")
    assert client.answer().status == 200
    [request] = client.upstream.requests
    assert request.endswith(b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n") and b"X-Sum" not in request
    assert client.get("/zoho-crm/b").status == 200


def test_the_trailers_of_an_answer_stay_here(relayed):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    client = relayed(head + b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\n\r\n", OK)
    answer = client.get("/zoho-crm/a")
    assert (answer.body, "x-sum" in answer.names, "trailer" in answer.names) == (b"hello", False, False)
    # What came after the end of the answer would be read as the next one's beginning.
    assert client.get("/zoho-crm/b").body == b"ok"
    assert client.upstream.accepted == 1


@pytest.mark.parametrize("name", UNSOUND)
def test_of_an_unsound_request_and_what_follows_it_nothing_whole_reaches_the_upstream(start, upstream, name):
    behind, world = upstream(), World()
    world.remote(behind.port)
    start(world)
    unsound = UNSOUND[name].replace("/direct/a", "/zoho-crm/a")
    authorized = unsound.replace(" HTTP/1.1\r\n", f" HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n", 1)
    # Before a call the gateway knows nothing and has to ask; afterwards it passes on at once.
    for known in (False, True):
        with Client(world.port) as client:
            client.send(authorized + GET % "smuggled")
            answer = client.answer()
            assert (answer.status, answer.names["connection"]) == (400, "close")
            assert json.loads(answer.body)["error"]["code"] in {"request_invalid", "path_invalid"}
            assert client.rest() == b""
        if not known:
            with Client(world.port) as client:
                assert client.get("/zoho-crm/sound").status == 200
    assert [request.split(b" ")[1] for request in behind.requests] == [b"/sound"]


def test_an_upstream_that_answers_nobody_keeps_no_other_waiting(start, upstream):
    release = threading.Event()

    def hang(_connection):
        release.wait(10)
        return OK

    world = World(limits=Limits(answer=30, connections=2))
    for name, behind in (("slow", upstream(hang)), ("quick", upstream())):
        world.upstreams[name] = Upstream("remote", f"http://127.0.0.1:{behind.port}")
    start(world)
    stuck = [Client(world.port) for _ in range(8)]
    for client in stuck:
        client.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Maton-Connection: slow\r\n\r\n")
    with Client(world.port) as client:
        for _ in range(50):
            assert client.get("/zoho-crm/b", "Maton-Connection: quick\r\n").body == b"ok"
    release.set()
    for client in stuck:
        assert client.answer().body == b"ok"
        client.socket.close()
