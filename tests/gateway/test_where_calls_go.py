"""Only the connection says where a call goes: neither what a caller sends nor what an app answers changes it."""

import pytest

from tests.gateway.wire import AUTHORIZED, KEY, OK

STEERING = [
    "Forwarded: for=1.2.3.4;host={other};proto=https",
    "X-Forwarded-For: 127.0.0.1",
    "X-Forwarded-Host: {other}",
    "X-Forwarded-Server: {other}",
    "X-Forwarded-Port: {port}",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Prefix: /other",
    "X-Forwarded-Uri: http://{other}/other",
    "X-Host: {other}",
    "X-Original-Host: {other}",
    "X-Original-Url: http://{other}/other",
    "X-Rewrite-Url: /other",
    "X-Real-Ip: 127.0.0.1",
    "X-Upstream: http://{other}",
    "Base-Url-Override: http://{other}",
    "Api-Domain: http://{other}",
    "Destination: http://{other}/other",
    "Origin: http://{other}",
    "Referer: http://{other}/other",
    "X-HTTP-Method-Override: DELETE",
    "X-HTTP-Method: DELETE",
    "X-Method-Override: DELETE",
]


@pytest.fixture
def other(upstream):
    """A server that no call is meant for."""
    return upstream(OK)


def lines(raw):
    return raw.partition(b"\r\n\r\n")[0].split(b"\r\n")


@pytest.mark.parametrize("header", STEERING, ids=lambda header: header.partition(":")[0])
def test_no_header_steers_a_call(through, other, header):
    client = through()
    sent = header.format(other=f"127.0.0.1:{other.port}", port=other.port)
    assert client.get("/zoho-crm/a", f"{sent}\r\n", method="POST").status == 200
    [got] = client.upstream.requests
    assert lines(got)[:2] == [b"POST /a HTTP/1.1", f"Host: 127.0.0.1:{client.upstream.port}".encode()]
    assert other.accepted == 0


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "evil.test", "zoho-crm", "", "@127.0.0.1:{port}"])
def test_nor_does_the_host_that_it_was_sent_to(through, other, host):
    client = through()
    named = host.format(port=other.port)
    client.send(f"GET /zoho-crm/a HTTP/1.1\r\nHost: {named}\r\nAuthorization: Bearer {KEY}\r\n\r\n")
    assert client.answer().status == 200
    [got] = client.upstream.requests
    assert lines(got)[1] == f"Host: 127.0.0.1:{client.upstream.port}".encode() and other.accepted == 0


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_passed_on_and_not_followed(through, other, status, method):
    location = f"http://127.0.0.1:{other.port}/b?c"
    client = through(
        f"HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\nmove".encode(), OK
    )
    answer = client.post("/zoho-crm/a", b"abc", method=method)
    assert (answer.status, answer.body, answer.names["location"]) == (status, b"move", location)
    assert len(client.upstream.requests) == 1 and other.accepted == 0


@pytest.mark.parametrize(
    "said",
    [
        'Alt-Svc: h2="127.0.0.1:{port}"; ma=2592000; persist=1',
        "Content-Location: http://127.0.0.1:{port}/b",
        "Refresh: 0; url=http://127.0.0.1:{port}/b",
        "Link: <http://127.0.0.1:{port}/b>; rel=canonical",
        "Api-Domain: http://127.0.0.1:{port}",
    ],
    ids=lambda said: said.partition(":")[0],
)
def test_nothing_that_an_app_answers_moves_the_next_call(through, other, said):
    line = said.format(port=other.port).encode()
    client = through(b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: 2\r\n\r\nok" % line)
    for _ in range(2):
        assert client.get("/zoho-crm/a").status == 200
    assert len(client.upstream.requests) == 2 and other.accepted == 0


def test_a_target_with_a_scheme_and_a_host_is_refused_even_if_they_are_the_gateways_own(through):
    client = through()
    client.send(f"GET http://gateway.test/zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}\r\n")
    assert client.answer().status == 400 and client.upstream.requests == []
