"""Errors of Moorage's own have one shape, whichever of its layers they come from; an app's own pass as they are."""

import json
from urllib.parse import urlsplit

import pytest
from maton_ai._base_client import _extract_message

from tests.flows.conftest import connect_example
from tests.gateway.wire import Client

SOUND = "Host: a.test\r\nAuthorization: Bearer {key}\r\nX-Request-Id: mine\r\n"
# What is sent, and the status and the code of the answer; the second part of each name is who finds the error.
CALLS = {
    "nonsense: the parser": ("nonsense\r\n\r\n", 400, "request_invalid"),
    "two hosts: the head": ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "request_invalid"),
    "absolute: the head": ("GET http://a/healthz HTTP/1.1\r\n{sound}\r\n", 400, "path_invalid"),
    "connect: the head": ("CONNECT a:1 HTTP/1.1\r\n{sound}\r\n", 405, "method_not_allowed"),
    "long target: the head": ("GET /" + "a" * 17_000 + " HTTP/1.1\r\n{sound}\r\n", 414, "uri_too_long"),
    "long head: the head": ("GET / HTTP/1.1\r\n{sound}X: " + "a" * 70_000 + "\r\n\r\n", 431, "headers_too_large"),
    "no path: routes": ("GET /nothing HTTP/1.1\r\n{sound}\r\n", 404, "app_unknown"),
    "method: routes": ("PUT /healthz HTTP/1.1\r\n{sound}\r\n", 405, "method_not_allowed"),
    "no key: control": ("GET /connections HTTP/1.1\r\nHost: a\r\n\r\n", 401, "key_invalid"),
    "body: control": ("POST /connections HTTP/1.1\r\n{sound}Content-Length: 1\r\n\r\n{{", 400, "body_invalid"),
    "app: control": (
        'POST /connections HTTP/1.1\r\n{sound}Content-Length: 11\r\n\r\n{{"app":"x"}}', 400, "app_unsupported"
    ),
    "id: control": ("GET /connections/x HTTP/1.1\r\n{sound}\r\n", 404, "connection_unknown"),
    "filter: control": ("GET /connections?limit=x HTTP/1.1\r\n{sound}\r\n", 400, "parameter_invalid"),
    "no key: the relay": ("GET /zoho-crm/a HTTP/1.1\r\nHost: a\r\n\r\n", 401, "key_invalid"),
    "path: the relay": ("GET /zoho-crm/a/../b HTTP/1.1\r\n{sound}\r\n", 400, "path_invalid"),
    "method: the relay": ("TRACE /zoho-crm/a HTTP/1.1\r\n{sound}\r\n", 405, "method_not_allowed"),
    "coding: the relay": (
        "POST /zoho-crm/a HTTP/1.1\r\n{sound}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "request_invalid"
    ),
    "connection: the relay": (
        "GET /zoho-crm/a HTTP/1.1\r\n{sound}Maton-Connection: x\r\n\r\n", 404, "connection_unknown"
    ),
}  # fmt: skip


def read_flat(body):
    return body["message"]


def read_nested(body):
    return body["error"]["message"]


def read_detail(body):
    return body["detail"]


READERS = [read_flat, read_nested, read_detail, _extract_message]


def check(answer, status, code):
    """The shape of errors, as each known client reads it."""
    document = json.loads(answer.body)
    assert (answer.status, document["error"]["code"]) == (status, code)
    assert document.keys() == {"message", "error", "detail"}
    assert document["error"].keys() == {"type", "code", "message"}
    assert all(isinstance(read(document), str) and read(document) for read in READERS)
    assert document["message"] == document["error"]["message"] == _extract_message(document)
    assert answer.names["content-type"] == "application/json" and answer.names["x-request-id"]
    assert answer.names["moorage-error-source"] == "gateway"


@pytest.mark.parametrize("name", CALLS)
def test_every_layer_speaks_in_the_one_shape(server, name):
    raw, status, code = CALLS[name]
    with Client(urlsplit(server.gateway).port) as client:
        client.send(raw.format(sound=SOUND.format(key=server.api_key)))
        check(client.answer(), status, code)


def test_so_does_an_app_that_is_not_there(home, own_server, upstream):
    server = own_server()
    connect_example(home, f"http://127.0.0.1:{upstream.port}")
    upstream.stop()
    with Client(urlsplit(server.gateway).port) as client:
        client.send(f"GET /example/a HTTP/1.1\r\n{SOUND.format(key=server.api_key)}\r\n")
        answer = client.answer()
        check(answer, 502, "upstream_unreachable")
        assert answer.names["x-request-id"] == "mine"


def test_an_error_of_an_app_passes_as_it_is_and_says_whose_it_is(home, own_server, upstream):
    theirs = b'{ "code": "INVALID_DATA",\n  "message":"no" , "status":"error","details":{}}'
    head = "HTTP/1.1 {} X\r\nContent-Type: text/x-theirs\r\nMoorage-Error-Source: gateway\r\nContent-Length: {}\r\n\r\n"
    server = own_server()
    connect_example(home, f"http://127.0.0.1:{upstream.port}")
    with Client(urlsplit(server.gateway).port) as client:
        for status in (400, 401, 403, 404, 429, 500, 503):
            upstream.script = [head.format(status, len(theirs)).encode() + theirs]
            client.send(f"GET /example/a HTTP/1.1\r\n{SOUND.format(key=server.api_key)}\r\n")
            answer = client.answer()
            assert (answer.status, answer.body, answer.names["content-type"]) == (
                status,
                theirs,
                "text/x-theirs",
            )
            sources = [value for name, value in answer.headers if name.lower() == "moorage-error-source"]
            assert sources == ["upstream"] and "moorage-request-sent" not in answer.names
