"""The upstream's side: kept connections, streams, times, and upstreams that misbehave."""

import contextlib
import gc
import gzip
import hashlib
import json
import socket
import ssl
import threading
import time

import pytest

from moorage.gateway.limits import Limits
from moorage.gateway.tls import verifying
from moorage.gateway.upstream import UpstreamConnection
from tests.gateway.wire import AUTHORIZED, OK, Client, World
from tests.waiting import wait_until

ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"


def code(answer):
    return json.loads(answer.body)["error"]["code"]


def message(answer):
    return json.loads(answer.body)["error"]["message"]


def test_a_connection_is_used_again(relayed):
    client = relayed()
    assert [client.get("/zoho-crm/a").body for _ in range(5)] == [b"ok"] * 5
    assert client.upstream.accepted == 1


def test_a_large_body_streams_to_the_upstream(relayed):
    body = bytes(range(256)) * 4 * 8192
    client = relayed()
    assert client.post("/zoho-crm/a", body).status == 200
    sent = client.upstream.requests[0].split(b"\r\n\r\n", 1)[1]
    assert hashlib.sha256(sent).digest() == hashlib.sha256(body).digest()


def test_a_large_answer_streams_to_a_slow_reader(relayed):
    body = bytes(range(256)) * 8 * 8192
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    client = relayed(head + body, OK)
    client.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
    time.sleep(0.2)
    answer = client.answer()
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()
    assert client.get("/zoho-crm/a").body == b"ok"
    assert client.upstream.accepted == 1


def test_the_upstream_waits_for_a_caller_that_does_not_read(relayed):
    passed = []

    def pour(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (200 << 20))
        connection.settimeout(0.3)
        for _ in range(200):
            connection.sendall(b"x" * (1 << 20))
            passed.append(1)

    client = relayed(pour)
    client.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
    assert client.upstream.ended.wait(5)
    assert len(passed) < 40


def test_a_caller_is_not_given_up_while_it_waits_for_the_upstream_to_read(start):
    body = b"x" * (32 << 20)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        world = World(limits=Limits(answer=10, idle=10), keep_alive=0.2)
        world.remote(listener.getsockname()[1])
        start(world)
        with Client(world.port) as client:
            sender = threading.Thread(target=client.post, args=("/zoho-crm/a", body))
            sender.start()
            connection, _ = listener.accept()
            with connection:
                time.sleep(1)  # Far longer than an unused connection is kept.
                taken = b""
                while b"\r\n\r\n" not in taken:
                    taken += connection.recv(1 << 20)
                left = len(body) - len(taken.partition(b"\r\n\r\n")[2])
                while left and (part := connection.recv(1 << 20)):
                    left -= len(part)
                assert left == 0
                connection.sendall(OK)
                sender.join(5)
                assert not sender.is_alive()


def test_a_chunked_request_stays_chunked(relayed):
    client = relayed()
    client.send(f"POST /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n")
    client.send("3\r\nabc\r\n")
    time.sleep(0.05)
    client.send("2;x=y\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n")
    assert client.answer().status == 200
    head, _, body = client.upstream.requests[0].partition(b"\r\n\r\n")
    assert head.endswith(b"Transfer-Encoding: chunked") and body == b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


def test_a_chunked_answer_stays_chunked(relayed):
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX: 1\r\n\r\n"
    client = relayed(raw)
    for _ in range(2):
        answer = client.get("/zoho-crm/a")
        assert answer.body == b"abcde" and answer.names["transfer-encoding"] == "chunked"
    assert client.upstream.accepted == 1


def test_compressed_bytes_pass_untouched(relayed):
    body = gzip.compress(b"x" * 5000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
    for raw in (
        head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
        head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    ):
        answer = relayed(raw, world=World()).get("/zoho-crm/a", "Accept-Encoding: gzip\r\n")
        assert answer.body == body and answer.names["content-encoding"] == "gzip"


def test_an_answer_may_have_large_headers(relayed):
    client = relayed(b"HTTP/1.1 200 OK\r\nX: %b\r\nContent-Length: 2\r\n\r\nok" % (b"a" * 200_000))
    assert len(client.get("/zoho-crm/a").names["x"]) == 200_000
    assert client.get("/zoho-crm/a").body == b"ok"


def test_a_half_closed_upstream_still_answers(relayed):
    def half(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        connection.sendall(b"k")
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    client = relayed(half)
    assert [client.get("/zoho-crm/a").body for _ in range(3)] == [b"ok"] * 3


def test_an_answer_that_ends_with_its_connection_gets_a_clean_end(relayed):
    client = relayed(b"HTTP/1.1 200 OK\r\n\r\nall of it", keep=False)
    assert client.get("/zoho-crm/a").body == b"all of it"
    assert client.get("/zoho-crm/a").body == b"all of it"


def test_a_caller_of_http_1_0_gets_no_chunks(relayed):
    client = relayed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    client.send(f"GET /zoho-crm/a HTTP/1.0\r\n{AUTHORIZED}Connection: keep-alive\r\n\r\n")
    answer = client.answer()
    assert answer.body == b"abc" and answer.names["connection"] == "close"


def test_head_has_no_body_and_the_connection_stays(relayed):
    client = relayed(
        b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
    )
    assert client.get("/zoho-crm/a", method="HEAD").names["content-length"] == "12345"
    assert client.get("/zoho-crm/a", method="HEAD").names["content-length"] == "7"
    assert client.upstream.accepted == 1


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_without_a_body_is_followed_by_the_next(relayed, status):
    client = relayed(b"HTTP/1.1 %b\r\nETag: x\r\n\r\n" % status, OK)
    answer = client.get("/zoho-crm/a")
    assert "transfer-encoding" not in answer.names and "content-length" not in answer.names
    assert client.get("/zoho-crm/a").body == b"ok"
    assert client.upstream.accepted == 1


def test_interim_answers_are_swallowed(relayed):
    client = relayed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK)
    answer = client.get("/zoho-crm/a")
    assert answer.status == 200 and "link" not in answer.names
    assert client.get("/zoho-crm/a").status == 200
    assert client.upstream.accepted == 1


def test_expect_is_answered_here(relayed):
    client = relayed()
    client.send(f"PUT /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert client.answer().status == 100
    client.send("abc")
    assert client.answer().status == 200
    assert b"Expect" not in client.upstream.requests[0]


def test_a_kept_connection_that_died_is_replaced_for_what_can_be_repeated(relayed):
    client = relayed(OK, None, OK)
    assert client.get("/zoho-crm/a").status == 200
    assert client.post("/zoho-crm/a", b"abc", method="PUT").status == 200
    assert client.upstream.accepted == 2
    assert client.upstream.requests[1] == client.upstream.requests[2]


def test_a_post_is_not_repeated(relayed):
    client = relayed(OK, None, OK)
    client.get("/zoho-crm/a")
    answer = client.post("/zoho-crm/a", b"abc")
    assert answer.status == 502 and answer.names["moorage-request-sent"] == "true"
    assert len(client.upstream.requests) == 2


def test_a_new_connection_that_dies_is_not_retried(relayed):
    client = relayed(None)
    answer = client.get("/zoho-crm/a")
    assert (answer.status, code(answer)) == (502, "upstream_unreachable")
    assert answer.names["moorage-request-sent"] == "true" and client.upstream.accepted == 1


def test_an_upstream_that_closed_between_two_requests_costs_nothing(relayed):
    client = relayed(keep=False)
    for _ in range(3):
        assert client.post("/zoho-crm/a", b"abc").status == 200
        time.sleep(0.05)


def test_an_upstream_that_dies_in_the_middle_breaks_the_callers_connection(relayed):
    for head in (b"Content-Length: 100", b"Transfer-Encoding: chunked"):
        client = relayed(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n5\r\nabcde\r\n" % head, keep=False, world=World())
        with pytest.raises((ConnectionResetError, EOFError)):
            client.get("/zoho-crm/a")


def test_nobody_there(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    world = World()
    world.remote(port)
    start(world)
    with Client(world.port) as client:
        answer = client.get("/zoho-crm/a")
        assert (answer.status, code(answer)) == (502, "upstream_unreachable")
        assert answer.names["moorage-request-sent"] == "false"
        assert message(answer) == "127.0.0.1 can't be reached, because it refused the connection."
        assert client.get("/a").status == 200


def test_a_name_that_does_not_resolve(start):
    world = World()
    world.remote(80, host="nothing.invalid")
    start(world)
    with Client(world.port) as client:
        answer = client.get("/zoho-crm/a")
        assert answer.status in {502, 504}
        if answer.status == 502:  # A name service that answers at all.
            assert message(answer) == "nothing.invalid can't be reached, because its name is not known."


def test_an_upstream_that_does_not_answer_in_time(relayed):
    client = relayed(lambda connection: time.sleep(2))
    answer = client.get("/zoho-crm/a")
    assert (answer.status, code(answer)) == (504, "upstream_timeout")
    assert answer.names["moorage-request-sent"] == "true"
    assert client.get("/a").status == 200


def test_an_answer_that_stalls_breaks_the_callers_connection(relayed):
    client = relayed(ENDLESS)
    with pytest.raises((ConnectionResetError, EOFError)):
        client.get("/zoho-crm/a")


def test_places_are_limited_and_the_next_caller_waits(relayed):
    world = World(limits=Limits(connect=1, answer=2, idle=2, kept=5, connections=1))

    def slowly(connection):
        time.sleep(0.2)
        return OK

    first = relayed(slowly, world=world)
    first.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
    with Client(world.port) as second:
        assert second.get("/zoho-crm/b").status == 200
    assert first.answer().status == 200
    assert first.upstream.accepted == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000,
    ],
)
def test_nonsense_from_an_upstream(relayed, raw):
    client = relayed(raw)
    answer = client.get("/zoho-crm/a")
    assert (answer.status, code(answer)) == (502, "upstream_invalid")


def test_surplus_bytes_end_the_connection(relayed):
    client = relayed(OK + OK, OK)
    assert client.get("/zoho-crm/a").body == b"ok"
    assert client.get("/zoho-crm/a").body == b"ok"
    assert client.upstream.accepted == 2


def test_a_caller_that_goes_away_ends_the_upstreams_work(relayed):
    gone = threading.Event()

    def wait(connection):
        if connection.recv(1) == b"":
            gone.set()

    client = relayed(wait, world=World(limits=Limits(answer=10, idle=10)))
    client.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
    time.sleep(0.1)
    client.socket.close()
    assert gone.wait(2)


def test_an_answer_before_the_body_is_whole_ends_the_connection(start, upstream):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        world = World()
        world.remote(listener.getsockname()[1])
        start(world)
        with Client(world.port) as client:
            client.send(f"POST /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Content-Length: 1000\r\n\r\nabc")
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 413 Large\r\nContent-Length: 3\r\n\r\nbig")
                answer = client.answer()
                assert (answer.status, answer.body, answer.names["connection"]) == (413, b"big", "close")
                assert client.rest() == b""


def test_a_refused_token_is_renewed_and_the_call_repeated_once(relayed):
    refusal = b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"
    client = relayed(refusal, OK)
    assert client.post("/zoho-crm/a", b"abc").status == 200
    first, second = client.upstream.requests
    assert second == first.replace(b"token-1", b"token-2")
    assert client.world.tokens.refused == ["token-1"]
    assert client.get("/zoho-crm/a").status == 200
    assert b"token-2" in client.upstream.requests[2]


def test_a_refusal_that_stays_is_passed_on_and_costs_one_refresh(relayed):
    client = relayed(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno")
    for _ in range(3):
        answer = client.get("/zoho-crm/a")
        assert (answer.status, answer.body) == (401, b"no")
        assert answer.names["moorage-error-source"] == "upstream"
    assert client.world.tokens.count == 2


def test_a_body_too_large_to_keep_is_not_sent_again_but_the_token_is_renewed(relayed):
    client = relayed(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno", OK)
    assert client.post("/zoho-crm/a", b"x" * 100_000).status == 401
    assert client.post("/zoho-crm/a", b"x" * 100_000).status == 200
    assert b"token-2" in client.upstream.requests[1]


def test_a_certificate_that_is_not_trusted_is_refused(start, upstream, certificate):
    server, client_context, _ = certificate
    behind = upstream(tls=server)
    for context, host, status in (
        (client_context, "localhost", 200),
        (client_context, "127.0.0.1", 502),
        (verifying(), "localhost", 502),
    ):
        world = World(tls=context)
        world.remote(behind.port, scheme="https", host=host)
        start(world)
        with Client(world.port) as client:
            assert client.get("/zoho-crm/a").status == status


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_new_connection_to_a_host_resumes_the_session_of_the_last(start, upstream, certificate, version):
    resumed = []

    def tell(connection):
        resumed.append(connection.session_reused)
        return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"

    server, _, file = certificate
    context = verifying(str(file))
    context.minimum_version = context.maximum_version = version
    world = World(tls=context)
    world.remote(upstream(tell, tls=server).port, scheme="https", host="localhost")
    start(world)
    with Client(world.port) as client:
        assert [client.get("/zoho-crm/a").status for _ in range(3)] == [200] * 3
    assert resumed == [False, True, True]


def test_bodies_of_any_size_pass_over_tls_at_the_readers_pace(start, upstream, certificate):
    server, client_context, _ = certificate
    large = bytes(range(256)) * 40_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(large)
    behind = upstream(OK, head + large, tls=server)
    world = World(tls=client_context, limits=Limits(answer=10, idle=10))
    world.remote(behind.port, scheme="https", host="localhost")
    start(world)
    with Client(world.port) as client:
        assert client.post("/zoho-crm/a", large, method="PUT").status == 200
        client.send(f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
        time.sleep(0.5)  # Meanwhile the caller reads nothing, and the upstream finds nobody to take the rest.
        assert client.answer().body == large
        assert client.get("/zoho-crm/a").status == 200
    assert behind.requests[0].endswith(large) and behind.accepted == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_memory_of_a_closed_connection_is_free_at_once(start, upstream, certificate, scheme):
    server, client_context, _ = certificate
    last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    world = World(tls=client_context)
    behind = upstream(last, tls=server if scheme == "https" else None)
    world.remote(behind.port, scheme=scheme, host="localhost")
    start(world)
    gc.collect()
    with Client(world.port) as client, without_collections():
        before = connections_in_memory()
        assert [client.get("/zoho-crm/a").status for _ in range(5)] == [200] * 5
        wait_until(lambda: connections_in_memory() == before, seconds=10)


def connections_in_memory():
    return sum(type(instance) in {ssl.SSLObject, UpstreamConnection} for instance in gc.get_objects())


@contextlib.contextmanager
def without_collections():
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
