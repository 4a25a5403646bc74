"""Errors of ours tell whether anything of a call has left for the app, and so may have taken effect."""

import contextlib
import json
import socket
import time

import pytest

from moorage.gateway.limits import Limits
from moorage.oauth.errors import ReconnectNeeded
from tests.gateway.wire import AUTHORIZED, OK, Client, Tokens, World

REFUSAL = b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"


def error_of(answer):
    """The error's code, and the header that says whether the request was sent."""
    return json.loads(answer.body)["error"]["code"], answer.names["moorage-request-sent"]


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        ("/zoho-crm", "", "path_invalid"),
        ("/zoho-crm/a/../b", "", "path_invalid"),
        ("/zoho-crm/a", "Maton-Connection: none\r\n", "connection_missing"),
        ("/zoho-crm/a", "Transfer-Encoding: gzip, chunked\r\n", "request_invalid"),
    ],
)
def test_what_is_refused_here_was_not_sent(relayed, path, headers, code):
    client = relayed()
    client.send(f"GET {path} HTTP/1.1\r\n{AUTHORIZED}{headers}\r\n0\r\n\r\n")
    assert error_of(client.answer()) == (code, "false")
    assert client.upstream.requests == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("GET /zoho-crm/a HTTP/1.1\r\n\r\n", "request_invalid"),
        (f"GET /zoho-crm/a?{'a' * 17_000} HTTP/1.1\r\n{AUTHORIZED}\r\n", "uri_too_long"),
        (f"GET /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}X: {'a' * 70_000}\r\n\r\n", "headers_too_large"),
    ],
)
def test_nor_was_what_could_not_be_read_even_while_another_call_is_answered(relayed, sent, code):
    client = relayed(lambda _: time.sleep(0.1) or OK)
    for before in ("", f"POST /zoho-crm/b HTTP/1.1\r\n{AUTHORIZED}Content-Length: 0\r\n\r\n"):
        with Client(client.world.port) as caller:
            caller.send(before)
            time.sleep(0.02)
            caller.send(sent)
            if before:
                assert caller.answer().status == 200
            assert error_of(caller.answer()) == (code, "false")


def test_a_call_whose_body_turns_unsound_once_it_is_on_its_way_has_been_sent(start):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        world = World(limits=Limits(answer=60, idle=60))
        world.remote(listener.getsockname()[1])
        start(world)
        with Client(world.port) as client:
            client.send(f"POST /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n")
            client.send("3\r\nabc\r\n")
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                client.send("no size\r\n")
                assert error_of(client.answer()) == ("request_invalid", "true")


def test_a_call_without_a_key_was_not_sent(relayed):
    client = relayed()
    client.send("POST /zoho-crm/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert error_of(client.answer()) == ("key_invalid", "false")


def test_an_account_that_calls_too_fast_has_sent_nothing(relayed):
    client = relayed(world=World(rate=0.01))
    assert client.get("/zoho-crm/a").status == 200
    assert error_of(client.get("/zoho-crm/a")) == ("rate_limited", "false")


def test_a_put_that_left_on_a_kept_connection_is_not_called_unsent_once_nobody_takes_it_again(relayed):
    """The request is sent again, because its connection ended without an answer. The app may have read it."""

    def read_it_and_be_gone(connection):
        client.upstream.stop()

    client = relayed(OK, read_it_and_be_gone)
    assert client.get("/zoho-crm/a").status == 200
    assert error_of(client.post("/zoho-crm/a", b"abc", method="PUT")) == ("upstream_unreachable", "true")
    assert client.upstream.requests[1].startswith(b"PUT /a ")


def test_a_call_that_the_app_refused_and_no_other_token_was_found_for_has_been_sent(relayed):
    class NoMore(Tokens):
        async def access(self, connection, *, instead_of=None):
            if instead_of is not None:
                raise ReconnectNeeded(connection, "invalid_grant")
            return await super().access(connection)

    client = relayed(REFUSAL, world=World(tokens=NoMore()))
    assert error_of(client.post("/zoho-crm/a", b"abc")) == ("reconnect_needed", "true")


def test_a_body_that_grows_too_large_for_the_embedded_crm_was_not_given_to_it(embedded):
    assert error_of(embedded(World(max_body=1000)).post("/zoho-crm/a", b"x" * 1001)) == (
        "body_too_large",
        "false",
    )


@pytest.mark.parametrize("headers", ["", "Expect: 100-continue\r\n"])
def test_nor_was_one_that_is_said_to_be_too_large_for_it(embedded, headers):
    client = embedded()
    for _ in range(2):  # The gateway has to ask for the first call's connection, and knows the second's.
        with Client(client.world.port) as caller:
            caller.send(
                f"POST /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}{headers}Content-Length: {1 << 40}\r\n\r\n"
            )
            answer = caller.answer()
            assert error_of(answer) == ("body_too_large", "false") and answer.names["connection"] == "close"


def test_a_failure_inside_the_embedded_crm_may_have_taken_effect(embedded):
    client = embedded()
    client.send(f"POST /zoho-crm/bug/later HTTP/1.1\r\n{AUTHORIZED}Content-Length: 0\r\n\r\n")
    assert error_of(client.answer()) == ("internal", "true")


def test_an_app_can_not_say_it_in_our_name(relayed):
    client = relayed(
        b"HTTP/1.1 503 No\r\nMoorage-Request-Sent: false\r\nMoorage-Error-Source: gateway\r\n\r\n"
    )
    client.upstream.keep = False
    answer = client.get("/zoho-crm/a")
    assert "moorage-request-sent" not in answer.names
    assert [value for name, value in answer.headers if name == "Moorage-Error-Source"] == ["upstream"]


def test_what_ends_while_its_body_is_sent_has_been_sent(start):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        world = World()
        world.remote(listener.getsockname()[1])
        start(world)
        with Client(world.port) as client:
            client.send(f"POST /zoho-crm/a HTTP/1.1\r\n{AUTHORIZED}Content-Length: 60000\r\n\r\nabc")
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.close()
            client.send(b"x" * 59_997)
            assert error_of(client.answer()) == ("upstream_unreachable", "true")
