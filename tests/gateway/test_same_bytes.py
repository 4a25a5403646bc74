"""Bytes in are bytes out, both ways: nothing is parsed, re-encoded, compressed or made longer or shorter."""

import gzip
import zlib

import pytest

from tests.gateway.wire import KEY, OK

BODIES = {
    "spaces and order": b'{ "b" :1 ,\r\n\t"a": [ 1,2 , 3 ] }\n\n',
    "one name twice": b'{"a":1,"a":2}',
    "numbers no double holds": b'{"id":7243485000000597000123456789,"x":1.10,"y":1e400,"z":-0.0}',
    "escapes": b'{"a":"\\u00e9\\/\\ud83d\\ude00","b":"\xc3\xa9"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "no UTF-8": b'{"a":"\xff\xfe"}',
    "NUL and line breaks": b"\0\r\n\r\n\0HTTP/1.1 200 OK\r\n\r\n",
    "what looks like chunks": b"2\r\nok\r\n0\r\n\r\n",
    "no JSON": b"{'a': NaN",
    "compressed": gzip.compress(b'{"a": 1}' * 1000, mtime=0),
    "compressed and cut short": gzip.compress(b'{"a": 1}' * 1000, mtime=0)[:50],
    "many times its size": zlib.compress(b"\0" * 50_000_000),
    "every byte": bytes(range(256)) * 300,
    "nothing": b"",
}
TYPES = "Content-Type: application/json; charset=latin-1\r\nContent-Encoding: gzip\r\nContent-MD5: x\r\n"


def in_chunks(body, size=1000):
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.fixture(params=BODIES.values(), ids=list(BODIES))
def body(request):
    return request.param


def test_a_request_of_known_length(through, body):
    client = through()
    assert client.post("/zoho-crm/a", body, TYPES).status == 200
    head, _, got = client.upstream.requests[0].partition(b"\r\n\r\n")
    assert got == body and TYPES.strip().encode() in head and b"Content-Length: %d" % len(body) in head


def test_a_request_in_chunks(through, body):
    client = through()
    client.send(f"POST /zoho-crm/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n{TYPES}")
    client.send(b"Transfer-Encoding: chunked\r\n\r\n" + in_chunks(body, 4))
    assert client.answer().status == 200
    assert unchunked(client.upstream.requests[0].partition(b"\r\n\r\n")[2]) == body


def test_an_answer_of_known_length(through, body):
    head = f"HTTP/1.1 200 OK\r\n{TYPES}Content-Length: {len(body)}\r\n\r\n".encode()
    answer = through(head + body).get("/zoho-crm/a", "Accept-Encoding: gzip\r\n")
    assert answer.body == body and answer.names["content-length"] == str(len(body))
    assert answer.names["content-encoding"] == "gzip" and answer.names["content-md5"] == "x"


def test_an_answer_in_chunks(through, body):
    head = f"HTTP/1.1 200 OK\r\n{TYPES}Transfer-Encoding: chunked\r\n\r\n".encode()
    answer = through(head + in_chunks(body)).get("/zoho-crm/a")
    assert answer.body == body and answer.names["content-encoding"] == "gzip"


def test_an_error_is_passed_on_as_any_other_answer(through, body):
    head = f"HTTP/1.1 422 No\r\n{TYPES}Content-Length: {len(body)}\r\n\r\n".encode()
    answer = through(head + body).get("/zoho-crm/a")
    assert (answer.status, answer.body) == (422, body)


@pytest.mark.parametrize("accepted", ["", "Accept-Encoding: br;q=1.0, *;q=0\r\n", "Accept-Encoding:\r\n"])
def test_what_a_caller_accepts_is_not_changed(through, accepted):
    client = through()
    client.get("/zoho-crm/a", accepted)
    wanted = accepted.strip().replace("Encoding:", "Encoding: ").replace("  ", " ").encode()
    lines = client.upstream.requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert [line for line in lines if line.lower().startswith(b"accept")] == ([wanted] if accepted else [])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("framing", ["Content-Length: 5", "Transfer-Encoding: chunked", "X: y"])
def test_a_body_that_may_not_be_there_is_not_passed_on(through, method, status, framing):
    smuggled = b"5\r\nhello\r\n0\r\n\r\n" if "chunked" in framing else b"hello"
    client = through(f"HTTP/1.1 {status} X\r\n{framing}\r\n\r\n".encode() + smuggled, OK)
    answer = client.get("/zoho-crm/a", method=method)
    assert answer.status == status and client.buffer == b""
    assert client.get("/zoho-crm/a").body == b"ok"


@pytest.mark.parametrize("framing", ["Content-Length: 5", "Transfer-Encoding: chunked", "Connection: close"])
def test_an_answer_to_head_ends_with_its_head(through, framing):
    client = through(
        f"HTTP/1.1 200 OK\r\n{framing}\r\nETag: x\r\n\r\n".encode(), OK, keep="close" not in framing
    )
    answer = client.get("/zoho-crm/a", method="HEAD")
    assert answer.status == 200 and answer.names["etag"] == "x" and client.buffer == b""
    assert client.get("/zoho-crm/a").body == b"ok"


def unchunked(raw):
    body = b""
    while True:
        size, _, raw = raw.partition(b"\r\n")
        if int(size, 16) == 0:
            return body
        body, raw = body + raw[: int(size, 16)], raw[int(size, 16) + 2 :]
