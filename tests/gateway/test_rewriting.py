"""What an upstream gets of a request, and a caller of an answer."""

import pytest

from moorage.connections.model import Upstream
from tests.gateway.wire import AUTHORIZED, KEY, OK, Client, World


def lines(raw):
    return raw.split(b"\r\n\r\n")[0].split(b"\r\n")


def test_the_native_path_and_the_query_arrive_byte_for_byte(relayed):
    client = relayed()
    client.get("/zoho-crm/crm/v8/Leads/%2Fa%2fb;c=d/e.f//g?fields=A,B&criteria=(a:b%3A)&&x=%zz+'\"")
    first = lines(client.upstream.requests[0])[0]
    assert first == b"GET /crm/v8/Leads/%2Fa%2fb;c=d/e.f//g?fields=A,B&criteria=(a:b%3A)&&x=%zz+'\" HTTP/1.1"


def test_headers_go_on_in_order_and_in_the_case_they_had(relayed):
    client = relayed()
    client.get("/zoho-crm/a", "X-One: 1\r\nx-TWO: \xe9\r\nX-One: 2\r\nX-Request-Id: r1\r\nX-Empty:\r\n")
    got = lines(client.upstream.requests[0])
    assert got[3:] == [b"X-One: 1", b"x-TWO: \xe9", b"X-One: 2", b"X-Request-Id: r1", b"X-Empty: "]


def test_the_token_takes_the_place_of_the_key(relayed):
    client = relayed()
    client.get("/zoho-crm/a")
    [raw] = client.upstream.requests
    assert b"Authorization: Zoho-oauthtoken token-1" in lines(raw) and KEY.encode() not in raw


def test_what_concerns_the_gateway_alone_stays_here(relayed):
    client = relayed()
    dropped = (
        "Maton-Connection: remote\r\nX-Maton-Connection: remote\r\nCookie: a=b\r\nConnection: keep-alive, X-Hop\r\n"
        "X-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\nProxy-Authorization: p\r\nProxy-Connection: q\r\n"
    )
    client.get("/zoho-crm/a", dropped)
    host = f"Host: 127.0.0.1:{client.upstream.port}".encode()
    assert lines(client.upstream.requests[0]) == [
        b"GET /a HTTP/1.1",
        host,
        b"Authorization: Zoho-oauthtoken token-1",
    ]


@pytest.mark.parametrize(
    "name", ["Maton-Connection", "maton-connection", "X-Maton-Connection", "Moorage-Connection"]
)
def test_a_connection_can_be_named(relayed, name):
    client = relayed()
    assert client.get("/zoho-crm/a", f"{name}: remote\r\n").status == 200
    assert client.get("/zoho-crm/a", f"{name}: none\r\n").status == 400
    assert client.world.connections.chosen == ["remote", "none"]


def test_two_headers_that_name_different_connections_name_none(relayed):
    client = relayed()
    assert (
        client.get("/zoho-crm/a", "Maton-Connection: remote\r\nMoorage-Connection: other\r\n").status == 400
    )
    assert (
        client.get("/zoho-crm/a", "Maton-Connection: remote\r\nMoorage-Connection: remote\r\n").status == 200
    )
    assert client.world.connections.chosen == ["remote, other", "remote"]


@pytest.mark.parametrize("space", [" ", "\t", "  \t "])
def test_white_space_at_the_end_of_a_value_means_nothing(relayed, space):
    client = relayed()
    client.send(
        f"GET /zoho-crm/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}{space}\r\nX-Request-Id: r1{space}\r\n"
        f"Maton-Connection: remote{space}\r\nConnection: X-Hop{space}\r\n"
        "X-Hop: 1\r\n\r\n"
    )
    answer = client.answer()
    assert answer.status == 200 and answer.names["x-request-id"] == "r1"
    assert client.world.connections.chosen == ["remote"] and b"X-Hop" not in client.upstream.requests[0]


def test_an_answer_comes_back_with_its_headers_but_for_those_of_the_hop(relayed):
    client = relayed(
        b"HTTP/1.1 201 Made\r\nX-One: 1\r\nSet-Cookie: a=b\r\nx-ONE: 2\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
        b"Keep-Alive: 3\r\nX-Request-Id: theirs\r\nContent-Length: 2\r\n\r\nok"
    )
    answer = client.get("/zoho-crm/a", "X-Request-Id: mine\r\n")
    assert answer.status == 201 and answer.body == b"ok"
    assert answer.headers == [
        ("X-One", "1"),
        ("x-ONE", "2"),
        ("Content-Length", "2"),
        ("X-Request-Id", "mine"),
        ("Moorage-Connection", "remote"),
        ("Moorage-Environment", "live"),
    ]


@pytest.mark.parametrize("sent", ["", "X-Request-Id: not sane!\r\n", f"X-Request-Id: {'a' * 129}\r\n"])
def test_a_request_id_is_made_where_none_can_be_kept(relayed, sent):
    answer = relayed().get("/zoho-crm/a", sent)
    assert len(answer.names["x-request-id"]) == 16


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_an_upstreams_error_passes_and_is_marked(relayed, status):
    client = relayed(b"HTTP/1.1 %d X\r\nContent-Length: 3\r\nRetry-After: 7\r\n\r\nbad" % status)
    answer = client.get("/zoho-crm/a")
    assert (answer.status, answer.body) == (status, b"bad")
    assert answer.names["moorage-error-source"] == "upstream" and answer.names["retry-after"] == "7"


def test_a_base_path_stands_before_the_native_one(start, upstream):
    world, behind = World(), upstream(OK)
    world.remote(behind.port, path="/base/")
    start(world)
    with Client(world.port) as client:
        client.get("/zoho-crm/a?b")
    assert lines(behind.requests[0])[0] == b"GET /base/a?b HTTP/1.1"


def test_other_paths_reach_the_application(relayed):
    client = relayed()
    assert client.get("/zoho-crmx/a").body == b"asgi /zoho-crmx/a"
    assert client.post("/body", b"x" * 300_000).body == b"300000"
    assert client.upstream.requests == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/zoho-crm", "path_invalid"),
        ("/zoho-crm/", "path_invalid"),
        ("/zoho-crm?a=b", "path_invalid"),
        ("/zoho-crm//evil.test/a", "path_invalid"),
        ("/zoho-crm/a/../b", "path_invalid"),
        ("/zoho-crm/a/..", "path_invalid"),
        ("/zoho-crm/a/%2e%2E/b", "path_invalid"),
        ("/zoho-crm/a/.%2e/b", "path_invalid"),
        ("/zoho-crm/a%2f..%2Fb", "path_invalid"),
        ("/zoho-crm/..;/b", "path_invalid"),
        ("/zoho-crm/a\\b", "path_invalid"),
        ("/zoho-crm/a%5C..", "path_invalid"),
        ("/zoho-crm/..%5Cb", "path_invalid"),
        ("/zoho-crm/a#b", "path_invalid"),
        ("http://evil.test/zoho-crm/a", "path_invalid"),
    ],
)
def test_a_path_that_could_be_read_as_another_is_refused(relayed, path, code):
    client = relayed()
    answer = client.get(path)
    assert answer.status == 400 and f'"code": "{code}"'.encode() in answer.body
    assert answer.names["moorage-error-source"] == "gateway"
    assert client.upstream.requests == []


@pytest.mark.parametrize("path", ["/a..b/c", "/a/...", "/a?x=/../b", "/a/.b/%2f", "/a%5Cb", "/A%5cb.c/raw"])
def test_a_path_that_only_looks_like_it_passes(relayed, path):
    assert relayed().get(f"/zoho-crm{path}").status == 200


def test_trace_and_connect_are_refused(relayed):
    client = relayed()
    assert client.get("/zoho-crm/a", method="TRACE").status == 405
    answer = client.get("evil.test:443", method="CONNECT")
    assert answer.status == 405 and "allow" in answer.names


def test_no_key_no_call(relayed):
    client = relayed()
    client.send("GET /zoho-crm/a HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.answer().status == 401
    assert client.get("/zoho-crm/a").status == 200


def test_each_call_of_a_connection_has_a_request_id_of_its_own(relayed):
    client = relayed()
    assert len({client.get("/zoho-crm/a").names["x-request-id"] for _ in range(3)}) == 3


def test_what_changes_between_two_calls_of_a_connection_is_seen(start, upstream):
    world, first, other = World(), upstream(), upstream()
    world.upstreams |= {
        name: Upstream("remote", f"http://127.0.0.1:{behind.port}")
        for name, behind in (("one", first), ("other", other))
    }
    start(world)
    with Client(world.port) as client:
        for headers, status in (
            ("X: 1\r\n", 200),
            ("X: 1\r\n", 200),
            ("X: 2\r\n", 200),
            ("Maton-Connection: other\r\n", 200),
            ("Maton-Connection: nobody\r\n", 400),
            ("X: 1\r\n", 200),
        ):
            assert client.get("/zoho-crm/a", headers).status == status
        client.send("GET /zoho-crm/a HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer other\r\n\r\n")
        assert client.answer().status == 401
    assert [request.partition(b"X: ")[2][:1] for request in first.requests] == [b"1", b"1", b"2", b"1"]
    assert len(other.requests) == 1


def test_a_coding_that_is_right_in_one_version_is_refused_in_the_other(relayed):
    client = relayed()
    for version, status in (("1.1", 200), ("1.0", 400)):
        client.send(f"POST /zoho-crm/a HTTP/{version}\r\n{AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n")
        client.send("1\r\na\r\n0\r\n\r\n")
        assert client.answer().status == status
