"""What hostile bytes do to a whole server, at both of its origins: nothing, but for an answer that says so."""

import contextlib
import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tests.gateway.wire import Client
from tests.http.test_parsing import UNSOUND

METHODS = [
    "TRACE", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK",
    "SEARCH", "REPORT", "PURGE", "M-SEARCH", "QUERY", "LINK",
]  # fmt: skip
LIMITS = {
    "a long target": ("GET {path}?" + "a" * 17_000 + " HTTP/1.1\r\n{host}\r\n", 414),
    "a long header": ("GET {path} HTTP/1.1\r\n{host}X: " + "a" * 66_000 + "\r\n\r\n", 431),
    "many headers": ("GET {path} HTTP/1.1\r\n{host}" + "X: a\r\n" * 12_000 + "\r\n", 431),
    "a header without an end": ("GET {path} HTTP/1.1\r\n{host}X: " + "a" * 70_000, 431),
    # More than what arrives together with the head, in whose place they are counted.
    "trailers without an end": (
        "POST {path} HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n0\r\n" + "X: a\r\n" * 120_000,
        431,
    ),
}


def last_answer(client):
    """The answer after which the connection ends, with nothing behind it."""
    answer = client.answer()
    with contextlib.suppress(ConnectionResetError):
        assert client.rest() == b""
    assert answer.names.get("connection") == "close"
    return answer


def test_what_is_no_sound_request_is_refused_and_what_hides_behind_it_is_not_read(surface, whole):
    smuggled = f"DELETE {surface.path}?smuggled HTTP/1.1\r\n{surface.host}\r\n"
    for name, raw in UNSOUND.items():
        sent = raw.replace("/direct/a", surface.path).replace("Host: a.test\r\n", surface.host)
        with Client(surface.port) as client:
            client.send(sent + smuggled)
            answer = last_answer(client)
        told = json.loads(answer.body)
        # The CRM speaks for itself, and behind the gateway where a call is refused at its head.
        code = told["code"] if "code" in told else told["error"]["code"]
        # The last of these is said at the head, before it is seen that the body is no sound one.
        known = {
            "request_invalid",
            "path_invalid",
            "INVALID_REQUEST",
            "INVALID_URL_PATTERN",
            "INVALID_REQUEST_METHOD",
        }
        assert code in known, name
        assert answer.status == (404 if code == "INVALID_URL_PATTERN" else 400), name
    assert surface.ask().status == surface.status
    assert not [request for request in whole.app.requests if b"smuggled" in request]


@pytest.mark.parametrize("name", LIMITS)
def test_what_has_no_end_is_cut_off(surface, name):
    raw, status = LIMITS[name]
    surface.ask()  # The gateway remembers where its calls go now. So it waits for no look-up while more arrives.
    with Client(surface.port) as client:
        with contextlib.suppress(ConnectionError):
            client.send(raw.format(path=surface.path, host=surface.host))
        answer = client.answer()
        if name == "trailers without an end" and surface.name in {"crm", "embedded", "page"}:
            # No body is taken here at all, which is said before any of it is read.
            assert answer.status in {400, 403} and answer.names["connection"] == "close"
        else:
            assert answer.status == status


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_a_path_does_not_have_is_refused(surface, method, whole):
    answer = surface.ask(method, "Content-Length: 0\r\n")
    if surface.name in {"control", "page"} or (not surface.is_crm and method == "TRACE"):
        assert answer.status == 405
        assert "GET" in answer.names["allow"] and method not in answer.names["allow"].split(", ")
        if surface.name != "page":
            assert json.loads(answer.body)["error"]["code"] == "method_not_allowed"
    elif surface.name == "accounts":
        assert (answer.status, answer.names["allow"]) == (405, "GET, POST")
    elif surface.name == "app":  # Which methods it has is its own affair.
        assert answer.status == 200 and whole.app.requests[-1].startswith(f"{method} /base/a ".encode())
    else:  # In the words of the CRM, which are Zoho's.
        assert (answer.status, json.loads(answer.body)["code"]) == (400, "INVALID_REQUEST_METHOD")


@pytest.mark.parametrize(
    ("path", "allow"),
    [("/oauth/v2/token", "POST"), ("/oauth/v2/token/revoke", "POST"), ("/oauth/user/info", "GET")],
)
def test_the_accounts_server_names_the_method_that_a_path_has(whole, path, allow):
    answer = replace(whole.surfaces["accounts"], path=path).ask("DELETE")
    assert (answer.status, answer.names["allow"]) == (405, allow)


NESTED = {"lists": ("[", "]"), "objects": ('{"a":', "}")}


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("depth", [1_000, 200_000])
def test_no_depth_of_json_is_too_much(whole, kind, depth):
    begin, end = NESTED[kind]
    deep = f"{begin * depth}1{end * depth}"
    for path, body in (
        ("/connections", f'{{"app":{deep}}}'),
        ("/keys", f'{{"name":"deep","scopes":{deep}}}'),
        ("/zoho-crm/crm/v8/Leads", f'{{"data":[{{"Last_Name":{deep}}}]}}'),
        ("/zoho-crm/crm/v8/Leads/upsert", deep),
    ):
        with Client(urlsplit(whole.gateway).port) as client:
            client.send(
                f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {whole.api_key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            )
            assert 400 <= client.answer().status < 500, path


LEADS = "/crm/v8/Leads"
BEFORE_A_BODY = {
    "no token": (LEADS, "", 401, "AUTHENTICATION_FAILURE"),
    "a wrong token": (LEADS, "Authorization: Zoho-oauthtoken 1000.x\r\n", 401, "INVALID_TOKEN"),
    "a data centre that is another": ("/dc/eu" + LEADS, "{token}", 401, "INVALID_TOKEN"),
    "no such path": ("/crm/v8/Leads/1/2/3/4/5/6", "{token}", 404, "INVALID_URL_PATTERN"),
    "no such path at all": ("/elsewhere", "", 404, "INVALID_URL_PATTERN"),
    "no such method": ("/crm/v8/org", "{token}", 400, "INVALID_REQUEST_METHOD"),
    "a form that is too long": ("/oauth/v2/token", "", 413, "BODY_SIZE_REACHED"),
    "records that are too long": (LEADS, "{token}", 413, "BODY_SIZE_REACHED"),
}


@pytest.mark.parametrize("name", BEFORE_A_BODY)
@pytest.mark.parametrize("expects", ["", "Expect: 100-continue\r\n"])
def test_the_crm_refuses_what_it_can_before_it_reads_a_body(whole, name, expects):
    path, headers, status, code = BEFORE_A_BODY[name]
    headers = headers.format(token=f"Authorization: Zoho-oauthtoken {whole.token}\r\n")
    with Client(urlsplit(whole.crm).port) as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: a\r\n{headers}{expects}Content-Length: {1 << 30}\r\n\r\n")
        answer = last_answer(client)
        assert (answer.status, json.loads(answer.body)["code"]) == (status, code)


@pytest.mark.parametrize("name", ["no such path", "no such method", "a form that is too long"])
def test_so_it_does_where_the_call_comes_through_the_gateway(whole, name):
    path, _, status, _ = BEFORE_A_BODY[name]
    with Client(urlsplit(whole.gateway).port) as client:
        client.send(
            f"POST /zoho-crm{path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {whole.api_key}\r\n"
            f"Content-Length: {10 << 20}\r\n\r\n"
        )
        assert last_answer(client).status == status


@pytest.mark.parametrize("path", ["/connections", "/keys"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_what_a_route_takes_is_refused_before_it_is_whole(whole, path, chunked):
    with Client(urlsplit(whole.gateway).port) as client:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {1 << 40}"
        client.send(
            f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {whole.api_key}\r\n{framing}\r\n\r\n"
        )
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                client.send(b"20000\r\n" + b" " * 0x20000 + b"\r\n" if chunked else b" " * 0x20000)
        answer = client.answer()
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (413, "body_too_large")
