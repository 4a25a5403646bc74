"""Connecting at accounts servers elsewhere, over sockets: one server plays the real Zoho with its data centres."""

import json
import urllib.parse

import pytest

from tests.flows.conftest import finish, start
from tests.flows.walker import Walker
from tests.flows.zoho import kept_tokens, make_quay, register, start_gateway
from tests.gateway.wire import OK, Scripted
from tests.waiting import wait_until

ORG = "/zoho-crm/crm/v8/org"


@pytest.fixture(scope="module")
def sandbox():
    """The API of everybody's sandbox."""
    upstream = Scripted(OK)
    yield upstream
    upstream.stop()


@pytest.fixture(scope="module")
def servers(tmp_path_factory, sandbox):
    """The server that plays Zoho, and the gateway."""
    started = [start(tmp_path_factory.mktemp("zoho") / "home")]
    try:
        make_quay(started[0])
        home = tmp_path_factory.mktemp("gateway") / "home"
        started.append(start_gateway(home, started[0], sandbox=f"http://127.0.0.1:{sandbox.port}"))
        yield started
    finally:
        for server in started:
            finish(server)


@pytest.fixture
def zoho(servers):
    """Uses a new client, because a client gets only ten codes in ten minutes."""
    return register(*servers)


@pytest.fixture
def pending(zoho):
    _, _, body = zoho.gateway.call("POST", "/connections", {"app": "zoho-crm"})
    return json.loads(body)["connection"]


def shown(zoho, pending):
    return zoho.gateway.get(f"/connections/{pending['id']}")[1]["connection"]


def call(zoho, pending, path=ORG):
    """The status and the document of a call through the connection."""
    status, _, body = zoho.gateway.call("GET", path, headers={"Maton-Connection": pending["id"]})
    return status, body and json.loads(body)


def connected(zoho, pending, place="eu"):
    page = Walker().connect(shown(zoho, pending)["url"], place)
    assert page.heading == "Connected to Quay Europe", page.text
    return kept_tokens(zoho.gateway, pending["id"])


@pytest.mark.parametrize("place", ["eu", "detect", "us"])
def test_it_is_connected_where_the_account_lives_whatever_was_chosen(zoho, pending, place):
    walker = Walker()
    page = walker.connect(pending["url"], place)
    assert page.heading == "Connected to Quay Europe" and page.status == 200
    answered = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))
    assert (answered["location"], answered["accounts-server"]) == ("eu", f"{zoho.server.crm}/dc/eu")
    connection = shown(zoho, pending)
    assert connection["status"] == "ACTIVE"
    assert {k: connection["metadata"][k] for k in ("organisation", "user", "data_centre")} == {
        "organisation": "Quay Europe",
        "user": "ana@harbourpine.example",
        "data_centre": "eu",
    }
    status, document = call(zoho, pending)
    assert (status, document["org"][0]["company_name"]) == (200, "Quay Europe")


def test_where_the_client_is_not_registered_nobody_is_sent_back(zoho, pending):
    page = Walker().connect(pending["url"], "in")
    assert page.heading == "ERROR_invalid_client" and page.url.startswith(f"{zoho.server.crm}/dc/in/")
    assert shown(zoho, pending)["status"] == "PENDING"


@pytest.mark.parametrize(
    ("wrong", "code", "told"),
    [
        ({"secret": "wrong"}, "invalid_client_secret", "secret is wrong"),
        ({"client_id": "1000.NOBODY", "data_centre": "eu"}, "invalid_client", "does not know the client"),
    ],
)
def test_a_wrong_client_is_told_and_once_it_is_right_a_try_again_connects(zoho, pending, wrong, code, told):
    zoho.set_client(**wrong)
    walker = Walker()
    page = walker.connect(pending["url"], "us")
    assert page.status == 400 and told in page.heading and "moorage client" in page.text
    connection = shown(zoho, pending)
    assert (connection["status"], connection["metadata"]) == ("FAILED", {"reason": code})
    zoho.set_client(wrong.get("data_centre"))
    assert walker.connect(walker.again(page), "us").heading == "Connected to Quay Europe"
    assert shown(zoho, pending)["status"] == "ACTIVE"


def test_who_declines_is_told_and_may_try_again(zoho, pending):
    walker = Walker()
    page = walker.connect(pending["url"], "eu", "reject")
    assert page.status == 400 and "declined" in page.heading
    connection = shown(zoho, pending)
    assert (connection["status"], connection["metadata"]) == ("FAILED", {"reason": "access_denied"})
    assert walker.connect(walker.again(page), "eu").heading == "Connected to Quay Europe"
    assert call(zoho, pending)[0] == 200


def test_who_accepts_and_is_refused_for_a_limit_is_told_of_it(zoho, pending):
    walker = Walker()
    asked = walker.sign_in(walker.submit(walker.open(pending["url"]), place="eu"))
    for _ in range(10):
        assert walker.submit(asked, step="accept").heading == "Connected to Quay Europe"
    page = walker.connect(shown(zoho, pending)["url"], "eu")
    assert "declined" in page.heading and "ten times in ten minutes" in page.text
    assert shown(zoho, pending)["status"] == "ACTIVE" and call(zoho, pending)[0] == 200


def test_an_access_token_that_became_worthless_is_renewed_within_the_call(zoho, pending):
    access, refresh = connected(zoho, pending)
    assert zoho.revoke(access)["status"] == "success"
    assert call(zoho, pending)[0] == 200
    renewed, kept = kept_tokens(zoho.gateway, pending["id"])
    assert renewed != access and kept == refresh
    assert shown(zoho, pending)["status"] == "ACTIVE"


def test_access_taken_back_fails_the_connection_which_is_connected_anew_under_its_id(zoho, pending):
    _, refresh = connected(zoho, pending)
    assert call(zoho, pending)[0] == 200
    assert zoho.revoke(refresh)["status"] == "success"
    status, refused = call(zoho, pending)
    assert (status, refused["error"]["code"]) == (401, "reconnect_needed")
    assert "invalid_code" in refused["message"] and f"/connections/{pending['id']}" in refused["detail"]
    connection = shown(zoho, pending)
    assert (connection["status"], connection["metadata"]["reason"]) == ("FAILED", "invalid_code")
    connected(zoho, pending)
    connection = shown(zoho, pending)
    assert connection["status"] == "ACTIVE" and "reason" not in connection["metadata"]
    assert call(zoho, pending)[0] == 200


def test_rejecting_a_new_consent_leaves_what_works(zoho, pending):
    tokens = connected(zoho, pending)
    assert "declined" in Walker().connect(shown(zoho, pending)["url"], "eu", "reject").heading
    assert shown(zoho, pending)["status"] == "ACTIVE" and call(zoho, pending)[0] == 200
    assert kept_tokens(zoho.gateway, pending["id"]) == tokens


def test_deleting_makes_the_tokens_worthless_there_and_says_so(zoho, pending):
    access, refresh = connected(zoho, pending)
    assert "org" in zoho.call(access)
    _, _, body = zoho.gateway.call("DELETE", f"/connections/{pending['id']}")
    revocation = json.loads(body)["revocation"]
    assert revocation["status"] == "revoked" and "no longer accepts" in revocation["message"]
    assert zoho.call(access)["code"] == "INVALID_TOKEN"
    assert zoho.refresh(refresh)["error"] == "invalid_code"
    assert call(zoho, pending)[0] == 404


def test_without_its_client_a_connection_waits_until_there_is_one_again(zoho, pending):
    access, _ = connected(zoho, pending)
    gone = zoho.gateway.run("client", "delete", "zoho-crm", "--yes")
    assert "Deleted" in gone.stdout
    zoho.revoke(access)
    status, refused = call(zoho, pending)
    assert (status, refused["error"]["code"]) == (502, "upstream_unreachable")
    assert shown(zoho, pending)["status"] == "ACTIVE"
    page = Walker().open(shown(zoho, pending)["url"])
    assert "Harbour &amp; Pine" in page.text and 'value="eu"' not in page.text
    zoho.set_client()
    wait_until(lambda: call(zoho, pending)[0] == 200, 15)


def test_a_sandbox_is_signed_in_at_the_same_place_and_called_at_its_own(zoho, pending, sandbox):
    page = Walker().connect(pending["url"], "eu", environment="sandbox")
    assert page.status == 200
    connection = shown(zoho, pending)
    assert (connection["metadata"]["environment"], connection["metadata"]["data_centre"]) == ("sandbox", "eu")
    access, _ = kept_tokens(zoho.gateway, pending["id"])
    status, _, body = zoho.gateway.call("GET", ORG, headers={"Maton-Connection": pending["id"]})
    assert (status, body) == (200, b"ok")
    head = sandbox.requests[-1]
    assert b"GET /crm/v8/org " in head and f"Zoho-oauthtoken {access}".encode() in head
