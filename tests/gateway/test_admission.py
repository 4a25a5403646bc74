"""Bodies for the embedded CRM: a call that is not allowed is refused at its head, before the body is sent."""

import io

import pytest

from moorage.http.bodies import Allowance, Budget
from moorage.http.message import Response
from tests.gateway.wire import AUTHORIZED, Client, World
from tests.http.doors import Streams, digest, pattern

LONG = 1 << 23
FRAMINGS = {
    "a length": f"Content-Length: {LONG}\r\n",
    "chunks": "Transfer-Encoding: chunked\r\n",
    "a wait": f"Expect: 100-continue\r\nContent-Length: {LONG}\r\n",
}


def refuse(_request):
    return Response(403, b"not you")


def fresh_tokens_only(request):
    """Revoke the first token, as the CRM does."""
    old = request.header(b"authorization") == "Zoho-oauthtoken token-1"
    return Response(401) if old else Allowance(LONG, Budget(LONG))


def head(framing, path="/zoho-crm/a?b=c"):
    return f"POST {path} HTTP/1.1\r\n{AUTHORIZED}X-One: 1\r\n{FRAMINGS[framing]}\r\n"


@pytest.mark.parametrize("framing", FRAMINGS)
def test_who_may_not_make_a_call_is_told_before_its_body(embedded, framing):
    doors = []
    port = embedded(World(admit=refuse, door=doors.append)).world.port
    for _ in range(2):  # The gateway has to ask for the first call's connection, and knows the second's.
        with Client(port) as caller:
            caller.send(head(framing))
            answer = caller.answer()
            assert (answer.status, answer.body, answer.names["connection"]) == (403, b"not you", "close")
            assert answer.names["moorage-error-source"] == "upstream"
            assert answer.names["moorage-connection"] == "embedded"
    assert doors == []


def test_the_crm_is_shown_the_head_as_it_will_be_and_no_body(embedded):
    shown = []

    def look(request):
        shown.append((request.method, request.path, request.query, request.body))
        assert request.header(b"x-one") == "1"
        assert request.header(b"authorization") == "Zoho-oauthtoken token-1"
        return refuse(request)

    client = embedded(World(admit=look))
    client.send(head("a length"))
    assert client.answer().status == 403
    assert shown == [("POST", b"/a", b"b=c", b"")]


def test_a_short_body_that_is_refused_leaves_the_connection_as_it_was(embedded):
    client = embedded(World(admit=refuse))
    for _ in range(2):
        assert client.post("/zoho-crm/a", b"abc").status == 403
    assert client.get("/zoho-crm/a").status == 200  # Nobody is asked about a call without a body.


@pytest.mark.parametrize("framing", ["a length", "a wait"])
def test_a_refused_token_is_renewed_before_the_body_is_sent(embedded, framing):
    client = embedded(World(admit=fresh_tokens_only))
    client.send(head(framing))
    if framing == "a wait":
        assert client.answer().status == 100
    client.send(b"x" * LONG)
    answer = client.answer()
    assert answer.status == 200 and answer.body.endswith(b"\n%d" % LONG)
    assert b"authorization=Zoho-oauthtoken token-2" in answer.body
    assert client.world.tokens.refused == ["token-1"]


def test_a_token_that_is_refused_after_its_renewal_is_renewed_no_further(embedded):
    client = embedded(World(admit=lambda _request: Response(401, b"no")))
    client.send(head("a length"))
    answer = client.answer()
    assert (answer.status, answer.body) == (401, b"no")
    assert client.world.tokens.refused == ["token-1"]


def test_a_long_body_is_given_to_the_door_again_with_the_renewed_token(embedded, tmp_path):
    streams = Streams(tmp_path)

    def door(request):
        old = request.header(b"authorization") == "Zoho-oauthtoken token-1"
        return Response(401) if old else streams.answer(request)

    client = embedded(World(door=door, admit=streams.door.admit))
    body = pattern(0, 3 << 20)
    answer = client.post("/zoho-crm/a", body)
    assert (answer.status, answer.body.decode()) == (200, digest(io.BytesIO(body)))
    assert streams.bodies == ["SpooledBody"] and client.world.tokens.refused == ["token-1"]
