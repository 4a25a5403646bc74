"""Which requests are unsound, which odd requests are accepted, and which are too large, wherever they are cut."""

import json
import time

import pytest

from tests.http.origin import GET, HOST, chunked, closes, post

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
        assert answer.status == 400 and closes(answer) and len(answer.names["x-request-id"]) == 16
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
