"""Who may call, and how fast: the same on the control API and on the way to an app, seen from a socket."""

import http.client
import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.waiting import wait_until

LEADS = "/zoho-crm/crm/v8/Leads?fields=id"
PATHS = ("/connections", LEADS, "/zoho-crm/crm/v8/Leads/7243485000000597000")


def answer(server, path, authorization=None, method="GET", body=None):
    """Status, headers in order but for the ids and times, and body."""
    connection = http.client.HTTPConnection(urlsplit(server.gateway).netloc, timeout=20)
    headers = {"Authorization": authorization} if authorization is not None else {}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    kept = [(k.lower(), v) for k, v in response.getheaders() if k.lower() not in {"x-request-id", "date"}]
    response_kept = response.status, kept, response.read()
    connection.close()
    return response_kept


@pytest.mark.parametrize("path", PATHS)
def test_no_malformed_unknown_and_revoked_keys_are_told_apart_to_nobody(server, path):
    key = json.loads(server.run("key", "create", "--json").stdout)["key"]
    assert answer(server, LEADS, f"Bearer {key['secret']}")[0] == 200
    server.run("key", "revoke", key["id"], "--yes")
    refused = [
        answer(server, path, authorization)
        for authorization in (
            None,
            "Bearer",
            "Bearer x",
            "Bearer mk_" + "x" * 49,
            "Bearer " + "x" * 4000,
            f"Basic {server.api_key}",
            f"Zoho-oauthtoken {server.api_key}",
            server.api_key,
            f"Bearer {server.api_key}x",
        )
    ]
    assert refused[0][0] == 401
    assert all(refusal == refused[0] for refusal in refused)
    # Other processes notice within a second.
    wait_until(lambda: answer(server, path, f"Bearer {key['secret']}") == refused[0])


@pytest.mark.parametrize("path", PATHS)
def test_the_case_of_the_scheme_does_not_matter(server, path):
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert answer(server, path, f"{scheme} {server.api_key}")[0] == 200


@pytest.mark.parametrize("path", ["/connections", LEADS])
def test_one_call_too_many_is_told_in_whole_seconds_when_to_come_back(own_server, path):
    server = own_server(MOORAGE_RATE_LIMIT="0.5")
    key = f"Bearer {server.api_key}"
    # One at most at once, and one every two seconds from then on.
    statuses = [answer(server, path, key)[0] for _ in range(3)]
    assert statuses[0] == 200 and 429 in statuses
    status, headers, body = answer(server, LEADS if path == "/connections" else "/connections", key)
    assert (status, json.loads(body)["error"]["code"]) == (429, "rate_limited")
    assert dict(headers)["retry-after"] in {"1", "2"}
    assert dict(headers)["moorage-error-source"] == "gateway"
    # A body that was on its way is no harm to the answer.
    assert answer(server, LEADS, key, "POST", b"x" * 300_000)[0] == 429
    assert answer(server, path, "Bearer " + "x" * 40)[0] == 401


def test_on_loopback_nothing_is_limited_unless_it_is_asked_for(server):
    key = f"Bearer {server.api_key}"
    assert {answer(server, path, key)[0] for _ in range(30) for path in PATHS} == {200}


@pytest.mark.parametrize("path", ["/connections", "/connect/", LEADS])
def test_a_caller_who_goes_away_is_no_failure_of_ours(own_server, path):
    server = own_server()
    address = urlsplit(server.gateway)
    with socket.create_connection((address.hostname, address.port), timeout=20) as caller:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.api_key}\r\n"
        caller.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        time.sleep(0.2)
    assert answer(server, "/healthz")[0] == 200
    server.stop()
    events = [json.loads(line)["event"] for line in server.process.stderr.read().splitlines()]
    told = [event for event in events[events.index("server.started") :] if event != "request.ended"]
    assert told == ["server.started", "server.stopped"]
