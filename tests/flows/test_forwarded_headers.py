"""Addresses that a server gives are its own, whatever a caller or a proxy before it says that they are."""

import json
import urllib.parse

import pytest

CLAIMS = {
    "Host": "evil.test",
    "Forwarded": "for=127.0.0.1;host=evil.test;proto=https",
    "X-Forwarded-Host": "evil.test",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-For": "203.0.113.7",
    "X-Original-Url": "/evil",
    "X-Http-Method-Override": "DELETE",
}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_link_to_connect_leads_to_the_gateway(server, name):
    claim = {name: CLAIMS[name]}
    status, _, body = server.call("POST", "/connections", {"app": "zoho-crm"}, headers=claim)
    connection = json.loads(body)["connection"]
    assert status == 200 and connection["url"].startswith(f"{server.gateway}/connect/?session_token=")
    status, _, body = server.call("GET", f"/connections/{connection['connection_id']}", headers=claim)
    assert status == 200  # And it is still there.
    assert json.loads(body)["connection"]["url"].startswith(f"{server.gateway}/connect/?session_token=")


def test_the_api_that_a_token_is_for_is_the_crms_own(server):
    credentials = server.credentials
    form = {key: credentials[key] for key in ("client_id", "client_secret", "refresh_token")}
    path = "/oauth/v2/token?" + urllib.parse.urlencode({"grant_type": "refresh_token", **form})
    status, _, body = server.call("POST", path, headers=CLAIMS, base=server.crm)
    assert (status, json.loads(body)["api_domain"]) == (200, server.crm)


@pytest.mark.parametrize("name", CLAIMS)
def test_a_method_and_a_path_are_as_they_stand_in_the_first_line(server, name):
    path = "/zoho-crm/crm/v8/Leads"
    _, _, body = server.call("POST", path, {"data": [{"Last_Name": "Stays"}]})
    record = json.loads(body)["data"][0]["details"]["id"]
    for _ in range(2):
        status, _, body = server.call("GET", f"{path}/{record}?fields=id", headers={name: CLAIMS[name]})
        assert status == 200 and json.loads(body)["data"] == [{"id": record}]
