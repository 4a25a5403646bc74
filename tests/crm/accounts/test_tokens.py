"""Tokens at the door, and the endpoints that give and take them."""

import json
from urllib.parse import urlencode

import pytest

from moorage.crm.accounts.service import ACCESS_LIFETIME, LIVE_ACCESS_TOKENS
from moorage.keys.model import new_secret

AUTHENTICATION_FAILURE = ("AUTHENTICATION_FAILURE", "Authentication failed")
INVALID_TOKEN = ("INVALID_TOKEN", "invalid oauth token")


@pytest.fixture
def credentials(service, crm):
    """What `moorage crm credentials` gives for the caller's organisation."""
    return service.credentials(service.organisations.find("acme"))


@pytest.fixture
def at_the_door(nobody):
    """Make a call with this Authorization header; None means no header."""

    def ask(authorization: str | None):
        return nobody.get("org", headers={} if authorization is None else {"Authorization": authorization})

    return ask


@pytest.mark.parametrize(
    "scheme", ["Zoho-oauthtoken", "zoho-oauthtoken", "ZOHO-OAUTHTOKEN", "Bearer", "bearer", "BEARER "]
)
def test_both_schemes_are_taken_in_any_case(at_the_door, credentials, scheme):
    assert at_the_door(f"{scheme} {credentials['access_token']}").status == 200


@pytest.mark.parametrize("header", [None, "", "Bearer", "Zoho-oauthtoken  ", "Basic Zm9v", "1000.a.b"])
def test_without_a_token_there_is_no_way_in(at_the_door, header):
    refused(at_the_door(header), AUTHENTICATION_FAILURE)


@pytest.mark.parametrize("token", ["x", "1000.made.up", "Ünknown", "x" * 5000, "mk_abc", "a b"])
def test_an_unknown_token_is_invalid(at_the_door, token):
    refused(at_the_door(f"Zoho-oauthtoken {token}"), INVALID_TOKEN)


@pytest.mark.parametrize("scheme", ["Bearer", "Zoho-oauthtoken"])
def test_an_api_key_of_moorages_is_told_apart_in_a_header(at_the_door, scheme):
    answer = at_the_door(f"{scheme} {new_secret('live')}")
    refused(answer, INVALID_TOKEN)
    assert "this is Moorage's API key" in answer.headers["moorage-hint"]
    assert "moorage-hint" not in at_the_door(f"{scheme} 1000.a.b").headers


def test_a_refresh_token_is_no_access_token(at_the_door, credentials):
    refused(at_the_door(f"Bearer {credentials['refresh_token']}"), INVALID_TOKEN)


def test_a_token_ends_with_its_hour(at_the_door, credentials, clock):
    header = f"Bearer {credentials['access_token']}"
    clock.advance(ACCESS_LIFETIME - 1)
    assert at_the_door(header).status == 200
    clock.advance(1)
    refused(at_the_door(header), INVALID_TOKEN)


def test_tokens_go_with_their_organisation(at_the_door, service, credentials, refresh):
    header = f"Bearer {credentials['access_token']}"
    assert at_the_door(header).status == 200
    service.organisations.delete("acme")
    refused(at_the_door(header), INVALID_TOKEN)
    assert refresh() == {"error": "invalid_client"}


def refused(answer, fault):
    code, message = fault
    assert answer.status == 401
    assert answer.json == {"code": code, "details": {}, "message": message, "status": "error"}


def multipart(values):
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in values.items()
    ]
    return ("".join(parts) + "--b--\r\n").encode()


WAYS = {
    "form": lambda values: ({}, urlencode(values).encode(), "application/x-www-form-urlencoded"),
    "form without a type": lambda values: ({}, urlencode(values).encode(), None),
    "query": lambda values: (values, b"", None),
    "multipart": lambda values: ({}, multipart(values), "multipart/form-data; boundary=b"),
}


@pytest.fixture
def post(nobody):
    """Send a form to the accounts server, in one of the ways of clients."""

    def post(path, values, way="form", method="POST"):
        params, body, content_type = WAYS[way](values)
        headers = {"Content-Type": content_type} if content_type else {}
        return nobody.call(method, path, params, body, headers)

    return post


@pytest.fixture
def refresh(credentials, post):
    """Ask for an access token with a refresh token, some parameters changed or left out."""

    def refresh(way="form", path="/oauth/v2/token", **changes):
        names = ("client_id", "client_secret", "refresh_token")
        values = {"grant_type": "refresh_token", **{name: credentials[name] for name in names}, **changes}
        answer = post(path, {name: value for name, value in values.items() if value is not None}, way)
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json;charset=UTF-8"
        return answer.json

    return refresh


@pytest.mark.parametrize("way", WAYS)
def test_a_refresh_token_gives_an_access_token(at_the_door, refresh, way):
    tokens = refresh(way)
    token = tokens.pop("access_token")
    prefix, *rest = token.split(".")
    assert prefix == "1000" and [len(part) for part in rest] == [32, 32]
    assert at_the_door(f"Zoho-oauthtoken {token}").status == 200
    assert "ZohoCRM.modules.ALL" in tokens.pop("scope").split(" ")
    assert tokens == {
        "api_domain": "http://127.0.0.1:8788",
        "token_type": "Bearer",
        "expires_in": ACCESS_LIFETIME,
    }


def test_the_bare_origin_gives_tokens_too(refresh):
    assert "access_token" in refresh(path="/")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client_secret"),
        ({"client_secret": "é"}, "invalid_client_secret"),
        ({"client_secret": None}, "invalid_client_secret"),
        ({"refresh_token": "1000.made.up"}, "invalid_code"),
        ({"refresh_token": None}, "invalid_code"),
        ({"grant_type": "authorization_code", "code": "1000.made.up"}, "invalid_code"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "unsupported_grant_type"),
    ],
)
def test_what_is_wrong_is_said_with_status_200(refresh, changes, error):
    assert refresh(**changes) == {"error": error}


def test_an_access_token_refreshes_nothing(refresh, credentials):
    assert refresh(refresh_token=credentials["access_token"]) == {"error": "invalid_code"}


def test_a_refresh_token_belongs_to_its_client(service, refresh, stranger):
    other = service.credentials(service.organisations.find("other"))
    assert refresh(refresh_token=other["refresh_token"]) == {"error": "invalid_code"}


def test_only_the_latest_fifteen_access_tokens_live(at_the_door, refresh):
    tokens = [refresh()["access_token"] for _ in range(LIVE_ACCESS_TOKENS + 2)]
    statuses = [at_the_door(f"Bearer {token}").status for token in tokens]
    assert statuses == [401, 401] + [200] * LIVE_ACCESS_TOKENS


@pytest.mark.parametrize("path", ["/oauth/v2/token", "/oauth/v2/token/revoke"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_tokens_are_asked_for_by_post(post, credentials, path, method):
    assert post(path, {"token": credentials["access_token"]}, "query", method).status == 405


@pytest.mark.parametrize("way", WAYS)
def test_revoking_a_refresh_token_ends_its_access_tokens(at_the_door, post, refresh, credentials, way):
    access = refresh()["access_token"]
    assert at_the_door(f"Bearer {access}").status == 200
    answer = post("/oauth/v2/token/revoke", {"token": credentials["refresh_token"]}, way)
    assert (answer.status, answer.json) == (200, {"status": "success"})
    refused(at_the_door(f"Bearer {access}"), INVALID_TOKEN)
    assert refresh() == {"error": "invalid_code"}


def test_revoking_an_access_token_leaves_the_others(at_the_door, post, refresh):
    first, second = (refresh()["access_token"] for _ in range(2))
    assert post("/oauth/v2/token/revoke", {"token": first}).json == {"status": "success"}
    refused(at_the_door(f"Bearer {first}"), INVALID_TOKEN)
    assert at_the_door(f"Bearer {second}").status == 200


@pytest.mark.parametrize("values", [{}, {"token": ""}, {"token": "1000.made.up"}])
def test_what_is_no_token_is_not_revoked(post, values):
    answer = post("/oauth/v2/token/revoke", values)
    assert (answer.status, answer.json) == (400, {"status": "failure", "error": "invalid_token"})


def test_tokens_are_kept_as_digests_only(tmp_path, credentials, refresh):
    access = refresh()["access_token"]
    for file in (tmp_path / "crm").glob("registry.db*"):
        held = file.read_bytes()
        for secret in (access, credentials["refresh_token"], credentials["client_secret"]):
            assert secret.encode() not in held, json.dumps(file.name)


def test_what_a_user_has_allowed_is_taken_back_but_not_from_a_client_of_moorage(service, crm):
    row = service.organisations.find("acme")
    user = service.first_user(row).id
    clients = [service.accounts.ensure_client(name, row.id, user) for name in ("Moorage gateway", "Another")]
    kept, ended = (service.accounts.issue(client, "ZohoCRM.org.READ") for client in clients)
    assert service.clients.take_back(row.id, user + 1, but="Moorage gateway") == 0
    assert service.accounts.is_live(ended.access_token)
    assert service.clients.take_back(row.id, user, but="Moorage gateway") > 0
    assert not service.accounts.is_live(ended.access_token)
    assert service.accounts.is_live(kept.access_token)
