"""What is claimed and what goes on to ASGI, on one connection: order, framing, limits, times."""

import contextlib
import json
import select
import time

import pytest

from tests.http.origin import HOST, wait_until

GET = "GET %s HTTP/1.1\r\n" + HOST + "\r\n"


def post(target, body, headers=""):
    return f"POST {target} HTTP/1.1\r\n{HOST}{headers}Content-Length: {len(body)}\r\n\r\n{body}"


def chunked(target, *lines, headers=""):
    return f"POST {target} HTTP/1.1\r\n{HOST}{headers}Transfer-Encoding: chunked\r\n\r\n" + "\r\n".join(lines)


def closes(answer):
    return answer.names.get("connection") == "close"


# Order.


def test_many_requests_in_one_segment_are_answered_in_order(caller):
    paths = [f"/{who}/{number}" for number in range(60) for who in ("direct", "asgi")]
    caller.send("".join(GET % path for path in paths))
    assert [caller.told()["target"] for _ in paths] == paths


def test_bodies_of_requests_in_one_segment_go_where_they_belong(caller):
    wanted = [("direct", "a" * 50), ("asgi", "b" * 60), ("direct", ""), ("asgi", "c"), ("direct", "d" * 9000)]
    caller.send("".join(post(f"/{who}/x", body) for who, body in wanted))
    told = [caller.told() for _ in wanted]
    assert [(one["by"], one["body"]) for one in told] == wanted


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
        assert [one["target"] for one in told] == [first, "/direct/b", "/asgi/c", "/direct/d", "/direct/e"]
        assert [one["body"] for one in told] == ["", "two", "three", "", "five"]


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


# A length that is said twice.

TWICE = {
    "in two headers": "Content-Length: 5\r\nX: y\r\ncontent-length:5 \r\n",
    "in a list": "Content-Length: 5, 5\r\n",
    "in a list and a header": "Content-Length: 5 ,5\r\nContent-Length: 5\r\n",
}


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize("kind", TWICE)
def test_equal_lengths_count_as_one_wherever_the_request_is_cut(shared, path, kind):
    raw = f"\r\nPOST {path} HTTP/1.1\r\n{HOST}{TWICE[kind]}\r\nhello"
    for cut in range(len(raw)):
        with shared.connect() as caller:
            caller.send(raw[:cut])
            if cut:
                time.sleep(0.001)
            caller.send(raw[cut:] + GET % "/direct/b")
            told = caller.told()
            lengths = [value for name, value in told["headers"] if name.lower() == "content-length"]
            assert (told["body"], lengths) == ("hello", ["5"])
            assert caller.told()["target"] == "/direct/b"


def test_a_request_that_was_read_is_not_read_again_for_the_lengths_of_the_next(shared):
    with shared.connect() as caller:
        caller.send(
            post("/direct/once", "hello") + f"POST /direct/b HTTP/1.1\r\n{HOST}{TWICE['in a list']}\r\nhello"
        )
        assert caller.told()["target"] == "/direct/once"
        assert caller.answer().status == 400 and caller.everything() == b""
    assert shared.seen.count(b"/direct/once") == 1


# What is no sound request.

POST = "POST /direct/a HTTP/1.1\r\n" + HOST
UNSOUND = {
    "both lengths": POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both lengths turned round": POST + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a list of two lengths": POST + "Content-Length: 5, 6\r\n\r\nhello",
    "a list with an end": POST + "Content-Length: 5,\r\n\r\nhello",
    "lengths that are equal but for zeros": POST + "Content-Length: 5\r\nContent-Length: 05\r\n\r\nhello",
    "a length twice and a coding": POST
    + "Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length twice, the second folded": POST + "Content-Length: 5\r\nContent-Length:\r\n 5\r\n\r\nhello",
    "a length twice and a space before a colon": POST
    + "Content-Length: 5\r\nContent-Length: 5\r\nX : y\r\n\r\nhello",
    "a negative length": POST + "Content-Length: -1\r\n\r\n",
    "a signed length": POST + "Content-Length: +5\r\n\r\nhello",
    "a length in hex": POST + "Content-Length: 0x5\r\n\r\nhello",
    "a length beyond counting": POST + "Content-Length: 18446744073709551616\r\n\r\n",
    "no length": POST + "Content-Length: \r\n\r\n",
    "a coding after chunked": POST + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "a coding before chunked": POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding in another header": POST
    + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks of HTTP/1.0": "POST /direct/a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked in two headers": POST
    + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding like chunked": POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a tab in chunked": POST + "Transfer-Encoding: chu\tnked\r\n\r\n0\r\n\r\n",
    "a folded header": POST + "X: a\r\n b\r\n\r\n",
    "a folded length": POST + "Content-Length:\r\n 5\r\n\r\nhello",
    "a space before the colon": POST + "Content-Length : 5\r\n\r\nhello",
    "a tab before the colon": POST + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "no colon": POST + "Content-Length\r\n\r\n",
    "no name": POST + ": a\r\n\r\n",
    "a space before the first header": "GET /direct/a HTTP/1.1\r\n Host: a\r\n\r\n",
    "a NUL in a value": POST + "X: a\0b\r\n\r\n",
    "a NUL in a name": POST + "X\0Y: b\r\n\r\n",
    "a bare CR in a value": POST + "X: a\rY: b\r\n\r\n",
    "a bare LF in a value": POST + "X: a\nY: b\r\n\r\n",
    "a bare LF after the first line": "GET /direct/a HTTP/1.1\nHost: a\r\n\r\n",
    "a bare LF after the head": "GET /direct/a HTTP/1.1\r\nHost: a\r\n\n",
    "a control character in a value": POST + "X: a\x0bb\r\n\r\n",
    "a chunk size of letters": chunked("/direct/a", "g", "a", "0", "", ""),
    "a negative chunk size": chunked("/direct/a", "-1", "a", "0", "", ""),
    "a chunk size with 0x": chunked("/direct/a", "0x1", "a", "0", "", ""),
    "a chunk size with a space": chunked("/direct/a", "1 ", "a", "0", "", ""),
    "a chunk size beyond counting": chunked("/direct/a", "f" * 17, "a", "0", "", ""),
    "a chunk longer than its size": chunked("/direct/a", "1", "ab", "0", "", ""),
    "a chunk size with a bare LF": chunked("/direct/a", "1\na", "0", "", ""),
    "a NUL in a chunk extension": chunked("/direct/a", "1;\0", "a", "0", "", ""),
    "a space before the method": " GET /direct/a HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method nobody knows": "FROB /direct/a HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method in lower case": "get /direct/a HTTP/1.1\r\nHost: a\r\n\r\n",
    "no version": "GET /direct/a\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version nobody has": "GET /direct/a HTTP/1.2\r\nHost: a\r\n\r\n",
    "a byte in the target that is not ASCII": "GET /direct/\xe9 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a NUL in the target": "GET /direct/a\0b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a bare CR in the first line": "GET /direct/a\rb HTTP/1.1\r\nHost: a\r\n\r\n",
    "a bare CR after the first line": "GET /direct/a HTTP/1.1\rHost: a\r\n\r\n",
    "a fragment": "GET /direct/a#b HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment behind a query": "GET /direct/a?b#c HTTP/1.1\r\nHost: a\r\n\r\n",
    "a chunk without its end": chunked("/direct/a", "1", "a0", "", ""),
    "a bare CR after a chunk size": chunked("/direct/a", "1\ra", "0", "", ""),
    "no path": "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "no host": "GET /direct/a HTTP/1.1\r\n\r\n",
    "two hosts": "GET /direct/a HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
    "two hosts and a wish for another protocol": (
        "GET /direct/a HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    ),
    "TLS": "\x16\x03\x01\x02\x00\x01\x00",
}


@pytest.mark.parametrize("name", UNSOUND)
@pytest.mark.parametrize("path", ["/direct/", "/asgi/"])
def test_an_unsound_request_is_refused_and_nothing_after_it_is_read(shared, name, path):
    smuggled = GET % f"/direct/smuggled/{name.replace(' ', '-')}"
    with shared.connect() as caller:
        caller.send(UNSOUND[name].replace("/direct/", path) + smuggled)
        answer = caller.answer()
        assert answer.status == 400 and closes(answer) and len(answer.names["x-request-id"]) == 32
        assert json.loads(answer.body)["error"]["code"] in {"request_invalid", "path_invalid"}
        assert caller.everything() == b""
    assert not [target for target in shared.seen if name.replace(" ", "-").encode() in target]


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [("%s", "", 400), ("%s?" + "a" * 17_000, HOST, 414), ("%s", HOST + "X: " + "a" * 70_000 + "\r\n", 431)],
)
def test_a_refused_head_request_gets_no_body(caller, path, target, headers, status):
    caller.send(f"HEAD {target % path} HTTP/1.1\r\n{headers}\r\n")
    answer = caller.answer(bare=True)
    assert answer.status == status and int(answer.names["content-length"]) > 0
    assert caller.everything() == b""


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_nonsense_behind_a_head_request_is_answered_with_a_body(caller, path):
    caller.send(f"HEAD {path} HTTP/1.1\r\n{HOST}\r\nnonsense\r\n\r\n")
    assert caller.answer(bare=True).status == 200
    answer = caller.answer()
    assert answer.status == 400 and json.loads(answer.body)


@pytest.mark.parametrize("first", ["/direct/later", "/asgi/later"])
def test_what_came_before_an_unsound_request_is_still_answered(serve, first):
    origin = serve()
    with origin.connect() as caller:
        caller.send(GET % first + GET % "/direct/b" + "nonsense\r\n\r\n")
        time.sleep(0.02)
        origin.release()
        assert [caller.told()["target"], caller.told()["target"]] == [first, "/direct/b"]
        assert caller.answer().status == 400
        assert caller.everything() == b""


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_body_that_turns_unsound_is_refused(caller, path):
    caller.send(chunked(path, "3", "abc", "zz", "x"))
    assert caller.answer().status == 400
    assert caller.everything() == b""


def test_empty_lines_between_requests_are_skipped(caller):
    caller.send("\r\n\r\n" + GET % "/direct/a" + "\r\n" + GET % "/asgi/b")
    assert [caller.told()["target"], caller.told()["target"]] == ["/direct/a", "/asgi/b"]


def test_connect_is_refused(caller):
    caller.send(f"CONNECT a.test:443 HTTP/1.1\r\n{HOST}\r\n")
    assert caller.answer().status == 405


@pytest.mark.parametrize("path", ["/direct//x", "//direct", "//", "/asgi/%00%ff", "/?", "/asgi?a=%zz"])
def test_odd_paths_are_answered(caller, path):
    assert caller.ask(GET % path)["method"] == "GET"


# Limits.


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_head_that_is_too_large_is_refused(caller, path):
    caller.send(f"GET {path} HTTP/1.1\r\n{HOST}X: {'a' * 70_000}\r\n\r\n")
    assert caller.answer().status == 431


def test_a_head_that_grows_too_large_in_small_segments_is_refused(caller):
    caller.send(f"GET /direct/a HTTP/1.1\r\n{HOST}")
    for number in range(800):
        caller.send(f"X-{number}: {'a' * 80}\r\n")
    assert caller.answer().status == 431


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize("end", ["", "\r\n"])
def test_a_head_of_too_many_headers_is_refused_before_it_is_whole(caller, path, end):
    caller.send(f"GET {path} HTTP/1.1\r\n{HOST}" + "a:b\r\n" * 201 + end)
    answer = caller.answer()
    assert answer.status == 431 and "more than 200 headers" in answer.body.decode() and closes(answer)


def test_a_head_of_many_headers_is_read(caller):
    told = caller.ask(f"GET /direct/a HTTP/1.1\r\n{HOST}" + "a:b\r\n" * 199 + "\r\n")
    assert len(told["headers"]) == 200


def test_a_large_head_is_read(caller):
    told = caller.ask(f"GET /direct/a HTTP/1.1\r\n{HOST}X: {'a' * 60_000}\r\n\r\n")
    assert len(dict(told["headers"])["X"]) == 60_000


def test_trailers_that_grow_too_large_are_refused(caller):
    caller.send(chunked("/direct/a", "1", "a", "0", ""))
    for number in range(8000):  # More than one segment holds, however many arrive together.
        caller.send(f"X-{number}: {'a' * 80}\r\n")
    assert caller.answer().status == 431


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_target_that_is_too_long_is_refused(caller, path):
    caller.send(f"GET {path}?{'a' * 16_400} HTTP/1.1\r\n{HOST}\r\n")
    assert caller.answer().status == 414


def test_a_long_target_is_read(caller):
    target = "/direct/" + "a" * 16_000
    assert caller.ask(GET % target)["target"] == target


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


# Time.


def test_an_unused_connection_is_closed(serve):
    origin = serve(keep_alive=0.2)
    for said in ("", GET % "/direct/a", GET % "/asgi/a"):
        with origin.connect() as caller:
            caller.send(said)
            if said:
                caller.told()
            assert caller.everything() == b""
    wait_until(lambda: origin.connections == 0)


@pytest.mark.parametrize("start", ["GET /dir", "GET /direct/a HTTP/1.1\r\nX: "])
def test_a_head_that_stops_in_the_middle_is_given_up(serve, start):
    origin = serve(keep_alive=0.2)
    with origin.connect() as caller:
        caller.send(start)
        assert caller.everything() == b""
    wait_until(lambda: origin.connections == 0)


BODIES = {
    "a length": f"POST %s HTTP/1.1\r\n{HOST}Content-Length: 1000\r\n\r\n",
    "a length of HTTP/1.0": "POST %s HTTP/1.0\r\nContent-Length: 1000\r\n\r\n",
    "chunks": f"POST %s HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3e8\r\n",
    "a chunk's extension": f"POST %s HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3e8;",
}


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("trickles", [False, True])
def test_a_body_that_stops_or_trickles_is_given_up_with_an_answer(serve, path, kind, trickles):
    origin = serve(keep_alive=0.4)
    with origin.connect() as caller:
        caller.send(BODIES[kind] % path + "a")
        answer = wait_until(lambda: told_of(caller, "a" if trickles else ""))
        assert answer.status == 408 and closes(answer)
        assert json.loads(answer.body)["error"]["code"] == "request_too_slow"
    wait_until(lambda: origin.connections == 0)


def told_of(caller, part):
    """The answer, once there is one; a part of the body is sent until then."""
    with contextlib.suppress(ConnectionError):
        caller.send(part)
    return caller.answer() if select.select([caller.socket], [], [], 0.03)[0] else None


@pytest.mark.parametrize(
    ("path", "status"), [("/direct/early", 200), ("/asgi/early", 200), ("/direct/refused", 200)]
)
def test_a_body_that_trickles_behind_an_answer_holds_no_connection(serve, path, status):
    origin = serve(keep_alive=0.4)
    with origin.connect() as caller:
        caller.send(BODIES["a length"] % path + "a")
        assert wait_until(lambda: told_of(caller, "a")).status == status

        def is_closed():
            try:
                caller.send("a")
            except ConnectionError:
                return True
            return False

        wait_until(is_closed)


@pytest.mark.parametrize("path", ["/direct/a", "/asgi/a"])
def test_a_body_that_comes_slowly_takes_as_long_as_it_takes(serve, path):
    origin = serve(keep_alive=0.2)
    with origin.connect() as caller:
        size, step = 40_000, 1000  # Some 50 kB/s, over four times as long as an unused connection is kept.
        caller.send(f"POST {path} HTTP/1.1\r\n{HOST}Content-Length: {size}\r\n\r\n")
        for _ in range(size // step):
            caller.send("a" * step)
            time.sleep(0.02)
        assert len(caller.told()["body"]) == size


def test_nobody_is_blamed_for_a_body_that_was_not_read_meanwhile(serve):
    origin = serve(keep_alive=0.5)
    with origin.connect() as caller:
        caller.send(post("/direct/paused", "a" * 3000)[:-1000])
        time.sleep(1.1)  # As an upstream may let one wait, for longer than an unused connection is kept.
        caller.send("a" * 1000)
        assert len(caller.told()["body"]) == 3000


def test_a_head_that_trickles_is_given_up(serve):
    origin = serve(keep_alive=0.3)
    with origin.connect() as caller:
        caller.send("GET /direct/a HTTP/1.1\r\n")

        def is_given_up():
            try:
                caller.send("X: a\r\n")
            except ConnectionError:
                return True
            return False

        wait_until(is_given_up)


@pytest.mark.parametrize("path", ["/direct/later", "/asgi/later"])
def test_an_answer_may_take_longer_than_an_unused_connection_is_kept(serve, path):
    origin = serve(keep_alive=0.1)
    with origin.connect() as caller:
        caller.send(GET % path)
        time.sleep(0.5)
        origin.release()
        assert caller.told()["target"] == path


def test_a_client_that_does_not_read_is_given_up(serve):
    origin = serve(keep_alive=0.3)
    with origin.connect() as caller:
        caller.send((GET % "/direct/large/16") + GET % "/direct/b")
        wait_until(lambda: origin.seen)
        wait_until(lambda: origin.connections == 0)
        assert origin.seen == [b"/direct/large/16"]


def test_a_client_that_reads_slowly_gets_everything(serve):
    origin = serve(keep_alive=1.0)
    with origin.connect() as caller:
        caller.send(GET % "/direct/large/8" + GET % "/direct/b")
        taken = 0
        while taken < 7 << 20:  # Takes longer than an unused connection is kept.
            taken += len(caller.socket.recv(64 * 1024))
            time.sleep(0.02)
        rest = b""
        while b'"target": "/direct/b"' not in rest:
            rest += caller.socket.recv(1 << 20)
        assert taken + len(rest) > 8 << 20


@pytest.mark.parametrize("path", ["/direct/later", "/asgi/later"])
def test_a_shutdown_waits_for_what_is_under_way(serve, path):
    origin = serve()
    idle, busy = origin.connect(), origin.connect()
    with idle, busy:
        idle.ask(GET % "/direct/a")
        busy.send(GET % path + GET % "/direct/after")
        time.sleep(0.05)
        origin.server.should_exit = True
        assert idle.everything() == b""
        origin.release()
        assert busy.told()["target"] == path
        assert busy.everything() == b""
    origin.thread.join(5)
    assert b"/direct/after" not in origin.seen and not origin.thread.is_alive()


@pytest.mark.parametrize("path", ["/direct/large/16", "/asgi/part"])
def test_an_answer_that_a_shutdown_cuts_is_seen_to_be_cut(serve, path):
    origin = serve(drain=0.3)
    with origin.connect() as caller:
        caller.send(f"GET {path} HTTP/1.0\r\n\r\n")
        assert caller.socket.recv(1) == b"H"
        origin.server.should_exit = True
        time.sleep(1)
        with pytest.raises(ConnectionResetError):
            caller.take(1 << 30)
    origin.thread.join(5)


def test_nothing_is_left_of_connections_that_ended(serve):
    origin = serve()
    for said in (
        GET % "/direct/a",
        GET % "/direct/later",
        GET % "/asgi/later",
        "GET /dir",
        "nonsense\r\n\r\n",
    ):
        with origin.connect() as caller:
            caller.send(said)
    time.sleep(0.1)
    origin.release()
    state = origin.server.server_state
    wait_until(lambda: not state.connections and not state.tasks)


def test_a_client_that_goes_away_is_noticed(serve):
    origin = serve()
    with origin.connect() as caller:
        caller.send(GET % "/direct/later")
        time.sleep(0.05)
    assert origin.gone.wait(2)
