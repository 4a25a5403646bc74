"""What is sent again by itself: only what may be repeated, only once, and never what may have taken effect."""

import json

import pytest

from tests.gateway.wire import OK, Token, Tokens, World

REFUSAL = b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"


class SameToken(Tokens):
    """One whose accounts server gives the token that was refused once more."""

    async def access(self, connection, *, instead_of=None):
        return Token("token-1", renewable=True)


def requests(client, method):
    return [raw for raw in client.upstream.requests if raw.startswith(method.encode())]


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK", "MKCOL", "QUERY"])
def test_what_may_not_be_repeated_is_sent_once_though_its_connection_ended(relayed, method):
    client = relayed(OK, None, OK)
    assert client.get("/zoho-crm/a").status == 200
    answer = client.post("/zoho-crm/a", b"abc", method=method)
    assert (answer.status, answer.names["moorage-request-sent"]) == (502, "true")
    assert len(requests(client, method)) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_what_may_be_repeated_is_sent_once_more_and_not_again(relayed, method):
    client = relayed(OK, None, None, OK)
    assert client.get("/zoho-crm/first").status == 200
    answer = client.post("/zoho-crm/a", b"abc", method=method)
    assert (answer.status, answer.names["moorage-request-sent"]) == (502, "true")
    assert len(client.upstream.requests) == 3 and client.upstream.accepted == 2


def test_a_body_that_is_not_kept_is_not_sent_again(relayed):
    client = relayed(OK, None, OK)
    assert client.get("/zoho-crm/a").status == 200
    answer = client.post("/zoho-crm/a", b"x" * 100_000, method="PUT")
    assert (answer.status, answer.names["moorage-request-sent"]) == (502, "true")
    assert len(requests(client, "PUT")) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_is_an_answer_and_nothing_is_tried_again_for_a_better_one(relayed, status, method):
    client = relayed(b"HTTP/1.1 %d X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n" % status, OK)
    assert client.post("/zoho-crm/a", b"abc", method=method).status == status
    assert len(client.upstream.requests) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_half_an_answer_is_not_made_whole_by_another_call(relayed, method):
    client = relayed(OK, b"HTTP/1.1 200 OK\r\nContent-Le", OK)
    assert client.get("/zoho-crm/a").status == 200
    client.upstream.keep = False
    answer = client.post("/zoho-crm/a", b"abc", method=method)
    assert (answer.status, answer.names["moorage-request-sent"]) == (502, "true")
    assert len(client.upstream.requests) == 2


def test_a_token_that_is_refused_again_is_not_tried_a_third_time(relayed):
    client = relayed(REFUSAL, world=World(tokens=Tokens()))
    answer = client.post("/zoho-crm/a", b"abc")
    assert (answer.status, answer.body) == (401, b"no")
    assert [raw.partition(b"token-")[2][:1] for raw in client.upstream.requests] == [b"1", b"2"]


def test_a_renewal_that_gives_the_same_token_is_not_asked_for_again(relayed):
    client = relayed(REFUSAL, world=World(tokens=SameToken()))
    assert client.get("/zoho-crm/a").status == 401
    assert len(client.upstream.requests) == 2


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_server_that_ends_a_new_connection_is_asked_once(relayed, method):
    client = relayed(None, OK)
    assert client.post("/zoho-crm/a", b"abc", method=method).status == 502
    assert len(client.upstream.requests) == 1


@pytest.mark.parametrize("size", [0, 100, 100_000])
def test_an_app_that_refuses_the_only_token_there_is_says_so_itself(relayed, size):
    client = relayed(REFUSAL, OK, world=World(tokens=Tokens(renewable=False)))
    answer = client.post("/zoho-crm/a", b"x" * size)
    assert (answer.status, answer.body, answer.names["moorage-error-source"]) == (401, b"no", "upstream")
    assert "moorage-request-sent" not in answer.names
    assert len(client.upstream.requests) == 1 and client.world.tokens.refused == []
    # The app may have meant this call alone, so that nobody is kept from the next.
    assert client.get("/zoho-crm/a").body == b"ok"


def test_nor_does_the_embedded_crm_get_a_call_twice_for_it(embedded):
    client = embedded(World(tokens=Tokens(renewable=False)))
    answer = client.get("/zoho-crm/401")
    assert (answer.status, answer.body) == (401, b"checked")


def test_nothing_is_sent_where_no_connection_came_about(relayed):
    client = relayed()
    client.upstream.stop()
    answer = client.post("/zoho-crm/a", b"abc")
    assert json.loads(answer.body)["error"]["code"] == "upstream_unreachable"
    assert answer.names["moorage-request-sent"] == "false" and client.upstream.requests == []
