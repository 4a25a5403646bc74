"""One list of the rules of HTTP/1.1, kept on every way that a request can take through a server."""

import contextlib
import itertools
import re
import socket
import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.wire import Client

# What differs from one answer to the next, though all else is the same.
CHANGING = {"date", "x-request-id"}
TOKEN = re.compile(rb"session_token=[\w-]+")  # A new one for each second.


def alike(answer):
    """What two answers to the same request have in common."""
    headers = [(name.lower(), value) for name, value in answer.headers if name.lower() not in CHANGING]
    return answer.status, headers, TOKEN.sub(b"", answer.body)


def comparable(answer):
    """The same without what becomes of the connection, as that depends on how much of a body has come by then."""
    status, headers, body = alike(answer)
    return status, [header for header in headers if header != ("connection", "close")], body


def final(client, *, bare=False):
    """The next final answer."""
    while (answer := client.answer(bare=bare)).status == 100:
        pass
    return answer


def closes(answer):
    return answer.names.get("connection") == "close"


def is_at_its_end(client):
    with contextlib.suppress(ConnectionResetError):
        assert client.rest() == b""
    return True


@pytest.fixture
def client(surface):
    with surface.connect() as client:
        yield client


def chunked(body, size=3, trailers=""):
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return "".join(f"{len(part):x};a=b\r\n{part}\r\n" for part in parts) + f"0\r\n{trailers}\r\n"


def test_each_header_comes_once_and_the_length_is_given_once(surface):
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        answer = surface.ask(method, "Content-Length: 0\r\n")
        counted = Counter(name.lower() for name, _ in answer.headers)
        assert set(counted.values()) == {1}, answer.headers
        assert ("content-length" in counted) != ("transfer-encoding" in counted)
        assert (
            "date" in counted or surface.name == "app"
        )  # Which sends none, so that it is seen whose it would be.
        assert ("x-request-id" in counted) == (not surface.is_crm)


@pytest.mark.parametrize("sent", ["mine", "m" * 128, "", "two words", "m" * 129, "\xe9"])
def test_the_gateway_keeps_a_callers_request_id_on_each_path_or_makes_one(surface, sent):
    returned = surface.ask(headers=f"X-Request-Id: {sent}\r\n").names.get("x-request-id")
    if surface.is_crm:
        assert returned is None
    elif re.fullmatch(r"m.{3,127}", sent):
        assert returned == sent
    else:
        assert re.fullmatch(r"[0-9a-f]{16}", returned)


def test_head_gets_the_head_that_get_gets_and_no_body(surface, client):
    client.send(surface.head("HEAD") + surface.head())
    head, answer = client.answer(bare=True), client.answer()
    assert client.buffer == b"" and answer.status == surface.status
    if surface.name in {"app", "control", "page"}:
        assert alike(head)[:2] == alike(answer)[:2]
    else:  # Zoho's API has no HEAD.
        assert head.status in {400, 405} and int(head.names["content-length"]) > 0


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ("Connection: close\r\n", "1.1"), ("Connection: x, CLOSE\r\n", "1.1"), ("", "1.0"),
        ("Connection: close\r\nUpgrade: h2c\r\n", "1.1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_last_request_ends_the_connection(surface, client, method, headers, version):
    client.send(surface.head(method, f"{headers}Content-Length: 0\r\n", version) + surface.head("DELETE"))
    assert closes(client.answer(bare=method == "HEAD")) and is_at_its_end(client)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_client_of_http_1_0_that_asks_for_it_keeps_its_connection(surface, client, method):
    asked = "Connection: keep-alive\r\n"
    first = surface.head(method, f"{asked}Content-Length: 0\r\n", "1.0")
    client.send(first + surface.head(headers=asked, version="1.0") + surface.head(version="1.0"))
    for bare in (method == "HEAD", False):
        assert client.answer(bare=bare).names["connection"] == "keep-alive"
    last = client.answer()
    assert last.status == surface.status and closes(last) and is_at_its_end(client)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("authorization", ["", "Authorization: Bearer nobody\r\n"])
@pytest.mark.parametrize("body", ["", "{}"])
def test_a_refusal_leaves_the_connection_open(surface, client, method, authorization, body):
    length = f"Content-Length: {len(body)}\r\n"
    client.send(f"{method} {surface.path} HTTP/1.1\r\nHost: a.test\r\n{authorization}{length}\r\n{body}")
    client.send(surface.head())
    refused = client.answer(bare=method == "HEAD")
    assert 400 <= refused.status < 500 and not closes(refused)
    assert client.answer().status == surface.status and client.buffer == b""


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_body_in_chunks_is_read_to_its_end_and_its_trailers_are_nobodys(surface, client, method):
    body = chunked('{"data":[]}', trailers="X-Sum: 1\r\nAuthorization: Bearer nobody\r\nHost: b\r\n")
    client.send(surface.head(method, "Transfer-Encoding: Chunked\r\nTrailer: X-Sum\r\n") + body)
    in_chunks = final(client)
    with contextlib.ExitStack() as stack:
        if closes(in_chunks):
            # The CRM refuses at the head what it has no use for, and nobody knows how long that is.
            assert surface.name in {"crm", "embedded"}
            assert in_chunks.status == 400 and is_at_its_end(client)
            client = stack.enter_context(surface.connect())
        client.send(surface.head(method, "Content-Length: 11\r\n") + '{"data":[]}' + surface.head())
        assert comparable(in_chunks) == comparable(final(client))
        assert client.answer().status == surface.status and client.buffer == b""


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("framing", ["Content-Length: 11", "Transfer-Encoding: chunked"])
def test_whoever_waits_with_a_body_is_asked_for_it_or_sent_away(surface, client, method, framing):
    client.send(surface.head(method, f"Expect: 100-continue\r\n{framing}\r\n"))
    answer = client.answer()
    if answer.status == 100:
        body = '{"data":[]}'
        client.send((body if "Length" in framing else chunked(body)) + surface.head())
        assert client.answer().status >= 200
        assert client.answer().status == surface.status and client.buffer == b""
    else:
        # What it would send next could be the body or another request.
        assert closes(answer) and is_at_its_end(client)


def test_a_wish_for_another_protocol_is_ignored(surface, client):
    wish = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"
    client.send(surface.head(headers=wish) * 2 + surface.head())
    assert [client.answer().status for _ in range(3)] == [surface.status] * 3 and client.buffer == b""


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [("http://a.test{}", "", 400), ("*", "", 400), ("{}#a", "", 400), ("{}", "Host: b\r\n", 400)],
)
def test_a_target_that_is_no_path_of_one_host_is_refused(surface, client, target, host, status):
    client.send(f"OPTIONS {target.format(surface.path)} HTTP/1.1\r\n{host}{surface.host}\r\n")
    answer = client.answer()
    assert answer.status == (404 if surface.is_crm and not host else status)
    assert closes(answer) and is_at_its_end(client)


def test_who_goes_away_in_the_middle_of_anything_leaves_nothing_that_concerns_others(surface):
    whole = surface.head("POST", "Content-Length: 20\r\n") + "x" * 20
    for cut in range(0, len(whole), 7):
        with surface.connect() as client:
            client.send(surface.head() + whole[:cut])
    assert surface.ask().status == surface.status


# Any requests, in any order and in any pieces, are answered as each is on a connection of its own.

BODIES = {
    "no body": ("", ""),
    "a short body": ("Content-Length: 3\r\n", "abc"),
    "a body": ("Content-Length: 5000\r\n", "x" * 5000),
    "chunks": ("Transfer-Encoding: chunked\r\n", chunked("x" * 5000, 700)),
}


class Kind:
    """A sound request to one surface, and its answer on a connection of its own."""

    def __init__(self, surface, method, body):
        headers, sent = BODIES[body]
        self.method, self.in_chunks = method, body == "chunks"
        self.name = f"{surface.name}: {method} with {body}"
        self.raw = surface.head(method, headers) + sent
        with surface.connect() as client:
            client.send(self.raw)
            self.answer = comparable(client.answer(bare=method == "HEAD"))

    def __repr__(self):
        return self.name


@pytest.fixture(scope="module")
def kinds(whole):
    """The requests that there are, by the port they go to."""
    modules_by_kind = {}
    for surface in whole.surfaces.values():
        modules_by_kind.setdefault(surface.port, []).extend(
            Kind(surface, method, body)
            for method, bodies in {
                "GET": ["no body", "a short body"], "HEAD": ["no body"], "OPTIONS": ["chunks"],
                "POST": ["a short body"], "PATCH": ["a body", "chunks"],
            }.items()
            for body in bodies
        )  # fmt: skip
    return list(modules_by_kind.items())


@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_a_connections_requests_are_answered_in_order_and_each_as_if_it_were_alone(kinds, data):
    port, known = data.draw(st.sampled_from(kinds), label="port")
    asked = data.draw(st.lists(st.sampled_from(known), min_size=1, max_size=12), label="requests")
    raw = "".join(kind.raw for kind in asked)
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=6), label="cuts")
    with Client(port) as client:
        sender = threading.Thread(target=send_in_pieces, args=(client, raw, cuts))
        sender.start()
        for kind in asked:
            answer = client.answer(bare=kind.method == "HEAD")
            assert comparable(answer) == kind.answer, kind
            if closes(answer):
                # It was refused before its body was whole, whose length nobody can know.
                assert kind.in_chunks and answer.status >= 400
                break
        sender.join()
        assert is_at_its_end(client) if closes(answer) else client.buffer == b""


def send_in_pieces(client, raw, cuts):
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(OSError):  # The answer may have been the last one.
        for start, end in itertools.pairwise([0, *sorted(cuts), len(raw)]):
            client.send(raw[start:end])
