"""`POST /connections/import`: tokens that were obtained elsewhere are tried, and kept only if they work."""

import json

import pytest

from moorage.crm.accounts.model import Grant
from moorage.oauth.transport.contract import HttpReply
from tests.control import kept_secrets
from tests.control_database import on_both as database_settings  # noqa: F401
from tests.oauth.conftest import access
from tests.oauth.elsewhere import SCOPES, Elsewhere

IMPORT = "/connections/import"
API = "www.zohoapis.eu"
ACCOUNTS = "accounts.zoho.eu"


@pytest.fixture
def elsewhere(control):
    return Elsewhere(control)


@pytest.fixture
def tokens(control, elsewhere):
    """Tokens of an account in Europe that another program got, for the operator's own client."""
    account = elsewhere.account("eu")
    grant = Grant(account.client.client_id, account._row.id, account._user, SCOPES.replace(",", " "))
    return control.crm.accounts.grant(account.client, grant)


def bring(caller, **body):
    return caller.call("POST", IMPORT, {"app": "zoho-crm", **body})


def listed(caller):
    return caller.get("/connections").json["connections"]


def test_a_refresh_token_is_tried_at_the_accounts_server_and_whose_it_is_is_asked(
    control, owner, tokens, stranger
):
    before = control.changes
    answer = bring(owner, refresh_token=tokens.refresh_token, data_centre="eu", alias="sales-eu", tags=["eu"])
    connection = answer.json["connection"]
    assert (connection["status"], connection["alias"], connection["environment"]) == (
        "ACTIVE",
        "sales-eu",
        "live",
    )
    assert connection["metadata"]["organisation"] == "acme" and connection["metadata"]["data_centre"] == "eu"
    assert connection["metadata"]["imported"] and connection["metadata"]["scopes"] == SCOPES.split(",")
    assert connection["health"]["status"] == "ok" and control.changes == before + 1
    assert tokens.refresh_token not in answer.text
    kept = control.run(control.rooms.connections.get(owner.account, "sales-eu"))
    token = access(control, kept)
    assert token.renewable and token.value not in {tokens.access_token, answer.text}
    assert access(control, kept, instead_of=token.value).value != token.value  # It can be renewed.
    assert listed(stranger) == []


def test_an_access_token_alone_works_until_it_ends_and_says_so(control, owner, tokens):
    answer = bring(owner, access_token=tokens.access_token, expires_in=600, data_centre="eu")
    connection = answer.json["connection"]
    assert connection["status"] == "ACTIVE" and connection["metadata"]["user"]
    assert (
        connection["health"]["status"] == "limited" and "no refresh token" in connection["health"]["reason"]
    )
    token = access(control, control.run(control.rooms.connections.get(owner.account, connection["id"])))
    assert (token.value, token.renewable) == (tokens.access_token, False)
    assert token.expires_at == control.clock.timestamp() + 600


def test_tokens_of_the_embedded_crm_come_in_too(control, owner):
    control.organisation("acme")
    minted = control.run(control.rooms.embedded.grant("acme"))
    for token in ({"access_token": minted.access.value}, {"refresh_token": minted.refresh_token}):
        connection = bring(owner, organisation="acme", **token).json["connection"]
        assert (connection["status"], connection["environment"]) == ("ACTIVE", "embedded")
        assert connection["metadata"]["organisation"] == "acme"
    test_key = owner.call("POST", "/keys", {"name": "t", "mode": "test"}).json["secret"]
    body = {"app": "zoho-crm", "organisation": "acme", "access_token": minted.access.value}
    assert control.call("POST", IMPORT, key=test_key, body=json.dumps(body).encode()).status == 200
    assert bring(owner, organisation="none", access_token="x").code == "organisation_unknown"


def refuses(control, owner, elsewhere, status, code, **body):
    """The answer refuses, names no token, and leaves nothing behind."""
    answer = bring(owner, alias="a", **body)
    assert (answer.status, answer.code) == (status, code), answer.text
    assert not any(body[name] in answer.text for name in ("refresh_token", "access_token") if name in body)
    assert listed(owner) == [] and [row for row in kept_secrets(control) if row.kind.endswith("_token")] == []
    return answer


def test_what_does_not_work_is_not_kept(control, owner, elsewhere, tokens):
    def refused(status, code, **body):
        return refuses(control, owner, elsewhere, status, code, **body)

    told = refused(400, "import_refused", refresh_token="1000.made-up", data_centre="eu")
    assert "invalid_code" in told.json["message"]
    assert "Bring other tokens" in told.json["detail"]
    refused(400, "import_refused", access_token="1000.made-up", data_centre="eu")
    # Of another data centre: its servers know neither.
    refused(400, "import_refused", access_token=tokens.access_token, data_centre="us")
    elsewhere.silence(API)
    refused(502, "import_unverified", access_token=tokens.access_token, data_centre="eu")
    for reply in (HttpReply(500, b""), HttpReply(429, b"{}")):
        elsewhere.faults[API] = reply
        refused(502, "import_unverified", access_token=tokens.access_token, data_centre="eu")
    for reply in (HttpReply(403, b"{}"), HttpReply(401, b'{"code": "OTHER"}'), HttpReply(302, b"")):
        elsewhere.faults[API] = reply
        refused(400, "import_refused", access_token=tokens.access_token, data_centre="eu")
    elsewhere.silence(ACCOUNTS)
    refused(502, "import_unverified", refresh_token=tokens.refresh_token, data_centre="eu")
    elsewhere.faults.clear()
    assert bring(owner, refresh_token=tokens.refresh_token, data_centre="eu").status == 200


def test_a_token_without_the_right_to_say_whose_it_is_is_a_good_token(owner, elsewhere, tokens):
    elsewhere.faults[API] = HttpReply(401, b'{"code": "OAUTH_SCOPE_MISMATCH"}')
    connection = bring(owner, access_token=tokens.access_token, data_centre="eu").json["connection"]
    assert connection["status"] == "ACTIVE" and "organisation" not in connection["metadata"]


def test_a_refresh_token_is_not_spent_for_an_alias_that_is_taken(owner, elsewhere, tokens):
    owner.connect(alias="sales-eu")
    elsewhere.calls.clear()
    answer = bring(owner, refresh_token=tokens.refresh_token, data_centre="eu", alias="sales-eu")
    assert answer.code == "alias_taken" and elsewhere.calls == [] and len(listed(owner)) == 1


def test_who_may_not_use_an_account_brings_none_in(control, owner, elsewhere, tokens):
    body = json.dumps({"app": "zoho-crm", "access_token": tokens.access_token, "data_centre": "eu"}).encode()
    for rights, code in (
        ({"mode": "test"}, "rights_exceeded"),
        ({"scopes": ["connections:write", "proxy:stripe"]}, "scope_missing"),
        ({"scopes": ["connections:read", "proxy"]}, "scope_missing"),
    ):
        key = owner.call("POST", "/keys", {"name": "narrow", **rights}).json["secret"]
        answer = control.call("POST", IMPORT, key=key, body=body)
        assert (answer.status, answer.code) == (403, code)
    assert listed(owner) == [] and elsewhere.calls == []


def test_an_app_without_refresh_tokens_or_organisations_takes_none(control, owner):
    control.organisation("acme")
    for body in ({"refresh_token": "x"}, {"access_token": "x", "organisation": "acme"}):
        answer = bring(owner, app="stripe", **body)
        assert (answer.status, answer.code) == (400, "body_invalid")
    assert listed(owner) == []


def test_an_import_that_fails_leaves_what_a_person_has_connected_meanwhile(
    control, owner, tokens, monkeypatch
):
    control.organisation("other")

    async def connect_and_fail(destination, call, token):
        [waiting] = await control.rooms.connections.search(owner.account)
        await control.rooms.connect_inside(waiting, "other")
        return HttpReply(401, b"{}")

    monkeypatch.setattr(control.rooms.accounts, "ask", connect_and_fail)
    monkeypatch.setattr(control.rooms.accounts, "identity", lambda *_: _nothing())
    assert bring(owner, access_token=tokens.access_token, data_centre="eu").code == "import_refused"
    assert [connection["status"] for connection in listed(owner)] == ["ACTIVE"]


async def _nothing():
    return {}


def test_without_a_client_it_says_whose_to_set(owner):
    answer = bring(owner, refresh_token="1000.x")
    assert (answer.status, answer.code) == (403, "connect_refused") and "moorage client set" in answer.json[
        "detail"
    ]


SECRET = "1000.secret"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"refresh_token": None},
        {"refresh_token": ""},
        {"refresh_token": f"{SECRET} x"},
        {"refresh_token": f"{SECRET}\n"},
        {"refresh_token": f"{SECRET}\0"},
        {"refresh_token": f"{SECRET}é"},
        {"refresh_token": SECRET * 1000},
        {"refresh_token": [SECRET]},
        {"access_token": 7},
        {"access_token": SECRET, "expires_in": 0},
        {"access_token": SECRET, "expires_in": 1.5},
        {"access_token": SECRET, "expires_in": 10**30},
        {"access_token": SECRET, "expires_in": True},
        {"access_token": SECRET, "data_centre": "mars"},
        {"access_token": SECRET, "data_centre": 7},
        {"access_token": SECRET, "data_centre": "detect"},
        {"access_token": SECRET, "data_centre": "crm/acme"},
        {"access_token": SECRET},
        {"access_token": SECRET, "organisation": "acme", "data_centre": "eu"},
        {"access_token": SECRET, "data_centre": "eu", "alias": "A"},
        {"access_token": SECRET, "data_centre": "eu", "client_secret": SECRET},
    ],
    ids=lambda body: repr(body)[:50],
)
def test_a_body_that_can_not_be_is_refused_without_its_secrets(owner, elsewhere, tokens, body):
    elsewhere.calls.clear()
    answer = bring(owner, **body)
    assert (answer.status, answer.code) == (400, "body_invalid")
    assert SECRET not in answer.text and len(answer.body) < 1500
    assert elsewhere.calls == [] and listed(owner) == []
