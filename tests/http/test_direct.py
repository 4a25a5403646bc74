"""Requests that are claimed and requests for ASGI on one connection: order, bodies, ends, failures."""

import json
import time

import pytest

from tests.http.origin import GET, HOST, chunked, closes, post

# Order.


def test_many_requests_in_one_segment_are_answered_in_order(caller):
    paths = [f"/{who}/{number}" for number in range(60) for who in ("direct", "asgi")]
    caller.send("".join(GET % path for path in paths))
    assert [caller.told()["target"] for _ in paths] == paths


def test_bodies_of_requests_in_one_segment_go_where_they_belong(caller):
    wanted = [("direct", "a" * 50), ("asgi", "b" * 60), ("direct", ""), ("asgi", "c"), ("direct", "d" * 9000)]
    caller.send("".join(post(f"/{who}/x", body) for who, body in wanted))
    told = [caller.told() for _ in wanted]
    assert [(request["by"], request["body"]) for request in told] == wanted


@pytest.mark.parametrize("first", ["/direct/later", "/asgi/later"])
def test_a_slow_first_answer_comes_first(serve, first):
    origin = serve()
    with origin.connect() as caller:
        caller.send(GET % first + post("/direct/b", "two") + post("/asgi/c", "three") + GET % "/direct/d")
        caller.send(chunked("/direct/e", "4", "five", "0", "", ""))
        time.sleep(0.05)
        caller.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            caller.socket.recv(1)
        caller.socket.settimeout(5)
        origin.release()
        told = [caller.told() for _ in range(5)]
        assert [request["target"] for request in told] == [
            first,
            "/direct/b",
            "/asgi/c",
            "/direct/d",
            "/direct/e",
        ]
        assert [request["body"] for request in told] == ["", "two", "three", "", "five"]


def test_a_waiting_requests_body_may_arrive_while_an_earlier_one_is_answered(serve):
    origin = serve()
    with origin.connect() as caller:
        caller.send(GET % "/direct/later" + post("/direct/b", "x" * 500_000)[:1000])
        time.sleep(0.05)
        origin.release()
        assert caller.told()["target"] == "/direct/later"
        caller.send(post("/direct/b", "x" * 500_000)[1000:])
        assert len(caller.told()["body"]) == 500_000


@pytest.mark.parametrize("waiting", ["/direct/b", "/asgi/b"])
@pytest.mark.parametrize("path", ["/direct/c", "/asgi/c"])
def test_a_request_whose_head_stops_anywhere_loses_nothing_to_one_that_is_taken_up_meanwhile(
    serve, waiting, path
):
    origin = serve()
    origin.release()
    last = f"GET {path} HTTP/1.1\r\nX-First: 1\r\n{HOST}X-Last: 2\r\n\r\n"
    for cut in range(1, len(last)):
        with origin.connect() as caller:
            caller.send(GET % "/asgi/a" + GET % waiting + last[:cut])
            assert [caller.told()["target"] for _ in range(2)] == ["/asgi/a", waiting]
            told = caller.ask(last[cut:])
            names = [name.lower() for name, _ in told["headers"]]
            assert (told["target"], names) == (path, ["x-first", "host", "x-last"])


# Bodies.


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_request_may_be_cut_anywhere(shared, path):
    whole = post(path, "body") + chunked(path, "3;a=b", "abc", "2", "de", "0", "X-Trailer: 1", "", "")
    for cut in range(1, len(whole)):
        with shared.connect() as caller:
            caller.send(whole[:cut])
            time.sleep(0.0005)
            caller.send(whole[cut:])
            assert [caller.told()["body"], caller.told()["body"]] == ["body", "abcde"]


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_request_may_arrive_byte_by_byte(caller, path):
    for byte in post(path, "body") + chunked(path, "3", "abc", "0", "", ""):
        caller.send(byte)
    assert [caller.told()["body"], caller.told()["body"]] == ["body", "abc"]


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_trailers_are_no_headers(caller, path):
    told = caller.ask(chunked(path, "1", "a", "0", "X-Secret: 1", "Authorization: Bearer b", "", ""))
    assert [name.lower() for name, _ in told["headers"]] == ["host", "transfer-encoding"]


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize("method", ["PUT", "GET"])
@pytest.mark.parametrize("expected", ["100-continue", "100-Continue  "])
def test_whoever_waits_to_be_asked_for_a_body_is(caller, path, method, expected):
    for _ in range(2):
        caller.send(f"{method} {path} HTTP/1.1\r\n{HOST}Expect: {expected}\r\nContent-Length: 3\r\n\r\n")
        assert caller.answer().status == 100
        assert caller.ask("abc")["body"] == "abc"


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_client_of_http_1_0_is_never_asked(caller, path):
    caller.send(f"PUT {path} HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    time.sleep(0.05)
    assert caller.ask("abc")["body"] == "abc"


@pytest.mark.parametrize("path", ["/direct/early", "/asgi/early"])
@pytest.mark.parametrize("size", [3, 9_999_999])
def test_whoever_asks_and_is_refused_is_told_at_once_and_what_follows_is_not_read_as_the_body(
    shared, path, size
):
    with shared.connect() as caller:
        expecting = f"Expect: 100-continue\r\nContent-Length: {size}\r\n\r\n"
        caller.send(f"POST {path} HTTP/1.1\r\n{HOST}{expecting}")
        while (answer := caller.answer()).status == 100:
            pass
        assert answer.status == 200 and closes(answer)
        caller.send(GET % "/direct/unasked")
        assert caller.everything() == b""


@pytest.mark.parametrize("path", ["/direct/early", "/asgi/early"])
def test_an_early_answer_waits_for_a_short_body_and_keeps_the_connection(caller, path):
    caller.send(f"POST {path} HTTP/1.1\r\n{HOST}Content-Length: 6\r\n\r\nabc")
    caller.send("def" + GET % "/direct/b")
    assert not closes(caller.answer())
    assert caller.told()["target"] == "/direct/b"


@pytest.mark.parametrize("path", ["/direct/early", "/asgi/early"])
@pytest.mark.parametrize("framing", ["Content-Length: 9999999", "Transfer-Encoding: chunked"])
def test_an_early_answer_to_a_long_body_is_the_connections_last(caller, path, framing):
    caller.send(f"POST {path} HTTP/1.1\r\n{HOST}{framing}\r\n\r\n")
    assert closes(caller.answer()) and caller.everything() == b""


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize("sent", [post("%s", "x" * 100_000), chunked("%s", "1", "x", "0", "", "")])
def test_a_long_body_that_was_read_keeps_the_connection(caller, path, sent):
    caller.send(sent % path)
    assert not closes(caller.answer())
    assert caller.ask(GET % path)["target"] == path


@pytest.mark.parametrize("path", ["/direct/early", "/asgi/early"])
@pytest.mark.parametrize("connection", ["", "Connection: close\r\n"])
def test_an_early_answer_survives_a_sender_that_goes_on(shared, path, connection):
    with shared.connect() as caller:
        head = f"POST {path} HTTP/1.1\r\n{HOST}{connection}Content-Length: {4 << 20}\r\n\r\n"
        caller.send(head + "x" * 100_000)
        time.sleep(0.05)
        caller.send("x" * ((4 << 20) - 100_000))
        time.sleep(0.05)
        assert caller.answer().status == 200


# When a connection ends.


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize(
    "request_",
    [
        "GET %s HTTP/1.0\r\n\r\n",
        "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET %s HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n",
    ],
)
def test_a_last_request_ends_the_connection(caller, path, request_):
    caller.send(request_ % path + GET % "/direct/unwanted" + "junk")
    assert closes(caller.answer())
    assert caller.everything() == b""


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_head_has_the_length_and_no_body(caller, path):
    for _ in range(2):
        caller.send(f"HEAD {path} HTTP/1.1\r\n{HOST}\r\n")
        assert int(caller.answer(bare=True).names["content-length"]) > 0
    assert caller.ask(GET % path)["target"] == path


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize("body", ["", "hello"])
def test_a_wish_for_another_protocol_is_ignored(caller, path, body):
    wish = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
    caller.send(post(path, body, wish) + chunked(path, "3", "abc", "0", "", "", headers=wish) + GET % path)
    assert [caller.told()["body"] for _ in range(3)] == [body, "abc", ""]


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("connection", ["Upgrade, close", "close, upgrade"])
def test_a_wish_for_another_protocol_on_a_last_request_is_ignored(caller, path, version, connection):
    wish = f"Connection: {connection}\r\nUpgrade: h2c\r\n"
    caller.send(f"POST {path} HTTP/{version}\r\n{HOST}{wish}Content-Length: 3\r\n\r\nabc")
    answer = caller.answer()
    assert closes(answer) and json.loads(answer.body)["body"] == "abc"


def test_any_number_of_wishes_for_another_protocol_in_one_segment_is_ignored(caller):
    wish = "Connection: Upgrade\r\nUpgrade: h2c\r\n"
    caller.send(f"GET /direct/a HTTP/1.1\r\n{HOST}{wish}\r\n" * 2000)
    assert {caller.told()["target"] for _ in range(2000)} == {"/direct/a"}


def test_a_wish_for_websockets_is_ignored(caller):
    wish = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    assert caller.ask(f"GET /asgi/a HTTP/1.1\r\n{HOST}{wish}\r\n")["by"] == "asgi"


@pytest.mark.parametrize("said", [GET % "/direct/a", GET % "/asgi/a", "nonsense\r\n\r\n"])
def test_every_answer_has_one_date(caller, said):
    caller.send(said)
    assert [name.lower() for name, _ in caller.answer().headers].count("date") == 1


# HTTP/1.0.

OLD = "GET %s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"


@pytest.mark.parametrize(
    "paths", [["/direct/a", "/direct/b"], ["/asgi/a", "/asgi/b"], ["/asgi/a", "/direct/b"]]
)
@pytest.mark.parametrize("at_once", [False, True])
def test_http_1_0_keeps_a_connection_when_it_is_asked_to(caller, paths, at_once):
    if at_once:
        caller.send("".join(OLD % path for path in paths))
    for path in paths:
        if not at_once:
            caller.send(OLD % path)
        answer = caller.answer()
        assert answer.names["connection"] == "keep-alive" and "transfer-encoding" not in answer.names
        assert json.loads(answer.body)["target"] == path
    caller.send(f"GET {paths[0]} HTTP/1.0\r\n\r\n")
    assert closes(caller.answer()) and caller.everything() == b""


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_nobody_else_is_told_that_a_connection_is_kept(caller, path):
    caller.send(f"GET {path} HTTP/1.1\r\n{HOST}Connection: keep-alive\r\n\r\n")
    assert "connection" not in caller.answer().names


@pytest.mark.parametrize("path", ["/direct/early", "/asgi/early"])
def test_an_early_answer_to_a_long_body_of_http_1_0_is_the_last(caller, path):
    caller.send(f"POST {path} HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 9999999\r\n\r\n")
    assert closes(caller.answer()) and caller.everything() == b""


# Failures of ours.


@pytest.mark.parametrize("path", ["/direct/bug/start", "/direct/bug/end"])
def test_a_bug_is_answered_and_ends_the_connection(shared, path):
    with shared.connect() as caller:
        caller.send(GET % path + GET % "/direct/b")
        answer = caller.answer()
        assert answer.status == 500 and closes(answer) and "bug" not in answer.body.decode()
        assert caller.everything() == b""


def test_a_bug_in_a_request_that_waited_is_answered(serve):
    origin = serve()
    with origin.connect() as caller:
        caller.send(GET % "/direct/later" + GET % "/direct/bug/end" + GET % "/direct/b")
        time.sleep(0.02)
        origin.release()
        assert caller.told()["target"] == "/direct/later"
        assert caller.answer().status == 500
        assert caller.everything() == b""
