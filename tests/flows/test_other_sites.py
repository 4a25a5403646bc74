"""A page of another site that runs in somebody's browser gets nothing out of a server: cross-origin calls are off."""

import json
import urllib.error
import urllib.request

import pytest

from tests.gateway.wire import OK

EVIL = "http://evil.test"
GATEWAY = [
    "/connections",
    "/connections/e55c5bac-241a-4cc8-9db5-50d2cad09136",
    "/keys",
    "/connect/",
    "/healthz",
    "/readyz",
    "/nothing",
    "/zoho-crm/crm/v8/Leads?fields=id",
    "/example/a",
]
CRM = ["/crm/v8/Leads?fields=id", "/oauth/v2/token", "/oauth/v2/auth", "/oauth/user/info", "/nothing"]
PREFLIGHT = {
    "Origin": EVIL,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, maton-connection",
    "Access-Control-Request-Private-Network": "true",
}


def head_of(base, path, method, headers):
    """The status and the headers of an answer to a call without a key."""
    request = urllib.request.Request(base + path, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}


def granted(headers):
    return [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", GATEWAY)
def test_the_gateway_answers_no_preflight(server, path):
    status, headers = head_of(server.gateway, path, "OPTIONS", PREFLIGHT)
    assert status >= 400 and granted(headers) == []


@pytest.mark.parametrize("path", CRM)
def test_nor_does_the_crm(server, path):
    status, headers = head_of(server.crm, path, "OPTIONS", PREFLIGHT)
    assert status >= 400 and granted(headers) == []


@pytest.mark.parametrize("origin", [EVIL, "null", "{own}"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_no_answer_may_be_read_by_another_site(server, origin, method):
    for base, paths in ((server.gateway, GATEWAY), (server.crm, CRM)):
        for path in paths:
            _, headers = head_of(base, path, method, {"Origin": origin.format(own=base)})
            assert granted(headers) == [], path


def test_with_the_key_too(server):
    for path in ("/connections", "/zoho-crm/crm/v8/Leads?fields=id"):
        status, headers, _ = server.call("GET", path, headers={"Origin": EVIL, "Cookie": "session=1"})
        assert status == 200 and granted(headers) == []


def test_an_app_that_lets_everybody_in_does_not_open_the_gateway(home, own_server, connect, upstream):
    """What it says of other sites passes on as it is; but a browser asks first, without a key, and is refused."""
    everybody = b"Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\n"
    upstream.script = [OK.replace(b"\r\n", b"\r\n" + everybody, 1)]
    server = own_server()
    connect()
    status, headers = head_of(server.gateway, "/example/a", "OPTIONS", PREFLIGHT)
    assert status == 401 and granted(headers) == [] and upstream.requests == []
    status, headers, _ = server.call("GET", "/example/a", headers={"Origin": EVIL})
    assert status == 200 and headers["access-control-allow-origin"] == "*"


def test_a_form_of_another_site_calls_nothing(server):
    """Forms and images need no preflight, and carry no key either: cookies count for nothing at the gateway."""
    for path in ("/connections", "/keys", "/zoho-crm/crm/v8/Leads"):
        headers = {
            "Origin": EVIL,
            "Content-Type": "text/plain",
            "Cookie": f"api_key={server.api_key}; authorization=Bearer {server.api_key}",
        }
        request = urllib.request.Request(
            f"{server.gateway}{path}?api_key={server.api_key}&access_token={server.api_key}",
            method="POST",
            headers=headers,
            data=json.dumps({"app": "zoho-crm", "api_key": server.api_key}).encode(),
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        with refused.value as answer:
            assert answer.code == 401
