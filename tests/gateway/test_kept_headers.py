"""Headers that are not passed on, in both directions: hop-by-hop headers and secrets."""

import pytest

from tests.gateway.wire import KEY, OK

HOP_BY_HOP = [
    "Keep-Alive: timeout=5",
    "Proxy-Authenticate: Basic",
    "Proxy-Authentication-Info: a",
    "Proxy-Authorization: Basic a",
    "Proxy-Connection: keep-alive",
    "TE: trailers",
    "Trailer: X-Sum",
]
NAMED = [
    "Connection: X-Hop\r\nX-Hop: 1",
    "X-Hop: 1\r\nConnection: X-Hop",
    "Connection: keep-alive\r\nConnection: x-hop\r\nX-Hop: 1",
    "Connection: X-One\r\nConnection: ,X-HOP ,,\r\nX-One: 1\r\nX-Hop: 1",
    "Connection: keep-alive , \t x-hop\r\nX-Hop: 1\r\nx-hop: 2",
]

OF_REQUESTS = ["HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "Upgrade: h2c"]

# By these some apps take another path than the one of the request.
OTHER_PATHS = [
    "X-Original-URL: /other", "X-Rewrite-URL: /other", "x-original-uri: /other", "X-Original-Path: /other",
    "X-Rewrite-Path: /other", "X-Override-URL: /other", "X-Forwarded-Uri: /other", "X-Forwarded-Path: /other",
    "X-HTTP-DestinationURL: http://other/", "X-Envoy-Original-Path: /other", "X-WAWS-Unencoded-URL: /other",
    "X-Script-Name: /other", "X-Request-URI: /other", "X-Proxy-URL: http://other/", "X_Original_URL: /other",
    "X-Rewrite_URL: /other",
]  # fmt: skip
# An app behind CGI can't tell these from those with a hyphen.
WITH_UNDERSCORES = [
    "Transfer_Encoding: chunked", "transfer_encoding: chunked", "Content_Length: 5", "Keep_Alive: timeout=5",
    "Proxy_Connection: close", "Proxy_Authorization: Basic a", "Proxy_Authentication-Info: a", "HTTP2_Settings: AAMA",
]  # fmt: skip
THROUGH = ["moorage-connection", "moorage-environment"]


def names(raw):
    lines = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return [line.partition(b":")[0].decode().lower() for line in lines]


@pytest.mark.parametrize("header", HOP_BY_HOP + NAMED + OF_REQUESTS)
def test_an_app_gets_nothing_that_is_for_one_hop(through, header):
    client = through()
    assert client.get("/zoho-crm/a", f"{header}\r\nX-Last: 1\r\n").status == 200
    assert names(client.upstream.requests[0]) == ["host", "authorization", "x-last"]


@pytest.mark.parametrize("header", OTHER_PATHS)
def test_nor_what_would_have_it_take_another_path(through, header):
    client = through()
    assert client.get("/zoho-crm/a", f"{header}\r\nX-Last: 1\r\n").status == 200
    assert names(client.upstream.requests[0]) == ["host", "authorization", "x-last"]


@pytest.mark.parametrize("header", WITH_UNDERSCORES)
def test_nor_a_header_of_its_framing_or_of_one_hop_in_another_spelling(through, header):
    client = through()
    assert client.post("/zoho-crm/a", b"abc", f"{header}\r\nX-Last: 1\r\n").status == 200
    [got] = client.upstream.requests
    assert names(got) == ["host", "authorization", "x-last", "content-length"] and got.endswith(
        b"\r\n\r\nabc"
    )


@pytest.mark.parametrize("header", HOP_BY_HOP + NAMED)
def test_a_caller_gets_nothing_that_was_for_one_hop(through, header):
    client = through(f"HTTP/1.1 200 OK\r\n{header}\r\nX-Last: 1\r\nContent-Length: 2\r\n\r\nok".encode())
    answer = client.get("/zoho-crm/a")
    assert list(answer.names) == ["x-last", "content-length", "x-request-id", *THROUGH]
    assert answer.body == b"ok"


@pytest.mark.parametrize("name", ["Host", "Authorization", "Content-Length", "X-Request-Id"])
def test_naming_what_a_call_needs_takes_none_of_it_away(through, name):
    client = through()
    assert client.post("/zoho-crm/a", b"abc", f"Connection: {name}\r\n").status == 200
    head, _, body = client.upstream.requests[0].partition(b"\r\n\r\n")
    assert {"host", "authorization", "content-length"} <= set(names(head)) and body == b"abc"
    assert b"Authorization: Zoho-oauthtoken token-" in head


SECRETS = (
    f"Authorization: Bearer {KEY}\r\nAUTHORIZATION: Basic c2VjcmV0\r\nCookie: session=secret\r\ncookie: b=secret\r\n"
    "Maton-Connection: {connection}\r\nX-Maton-Connection: {connection}\r\nProxy-Authorization: secret\r\n"
)


def test_an_app_gets_neither_key_nor_cookie_nor_choice(through):
    client = through()
    sent = SECRETS.format(connection="remote")
    client.send(
        f"POST /zoho-crm/a HTTP/1.1\r\nHost: a\r\n{sent}Transfer-Encoding: chunked\r\n\r\n"
        f"0\r\nAuthorization: Bearer {KEY}\r\nCookie: secret\r\n\r\n"
    )
    assert client.answer().status == 200
    [got] = client.upstream.requests
    assert names(got) == ["host", "authorization", "transfer-encoding"]
    assert KEY.encode() not in got and b"secret" not in got and b"c2VjcmV0" not in got


def test_nor_does_the_embedded_crm(embedded):
    client = embedded()
    client.send(f"GET /zoho-crm/a HTTP/1.1\r\nHost: a\r\n{SECRETS.format(connection='embedded')}\r\n")
    answer = client.answer()
    assert answer.status == 200 and answer.body.split(b"\n")[1:] == [
        b"authorization=Zoho-oauthtoken token-1",
        b"0",
    ]
    assert "set-cookie" not in answer.names


@pytest.mark.parametrize("status", [200, 302, 401, 500])
def test_no_cookie_of_an_app_reaches_a_caller(through, status):
    client = through(
        f"HTTP/1.1 {status} X\r\nSet-Cookie: a=b\r\nset-cookie: c=d; Secure\r\nX-Last: 1\r\n"
        "Content-Length: 2\r\n\r\nok".encode()
    )
    answer = client.get("/zoho-crm/a")
    assert answer.status == status and "set-cookie" not in answer.names and answer.names["x-last"] == "1"


def test_trailers_of_an_answer_end_here(through):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nSet-Cookie: a=b\r\n\r\n"
    client = through(chunked, OK)
    assert client.get("/zoho-crm/a").body == b"ok"
    assert client.buffer == b"" and client.get("/zoho-crm/a").body == b"ok"
