"""The request of a client at `/oauth/v2/auth`: who learns of a mistake in it, and PKCE."""

import secrets

import pytest

from moorage.digests import challenge_of
from tests.crm.accounts.browser import ANA, PASSWORD, Browser, sign_in
from tests.crm.accounts.conftest import CALLBACK, STATE


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "ERROR_invalid_response_type"),
        ({"response_type": "token"}, "ERROR_invalid_response_type"),
        ({"client_id": None}, "ERROR_invalid_client"),
        ({"client_id": "1000.NOBODY"}, "ERROR_invalid_client"),
        ({"client_id": "<script>"}, "ERROR_invalid_client"),
        ({"redirect_uri": None}, "ERROR_invalid_redirect_uri"),
        ({"redirect_uri": ""}, "ERROR_invalid_redirect_uri"),
        ({"redirect_uri": CALLBACK + "&more=1"}, "ERROR_invalid_redirect_uri"),
        ({"redirect_uri": "https://evil.example/"}, "ERROR_invalid_redirect_uri"),
        ({"redirect_uri": CALLBACK.replace("127.0.0.1", "localhost")}, "ERROR_invalid_redirect_uri"),
        ({"scope": None}, "ERROR_invalid_scope"),
        ({"scope": ""}, "ERROR_invalid_scope"),
        ({"scope": "ZohoCRM.modules.ALL,<b>"}, "ERROR_invalid_scope"),
        ({"scope": "ZohoCRM.nothing.READ"}, "ERROR_invalid_scope"),
    ],
)
def test_the_person_is_told_and_sent_nowhere(client, ana, browser, changes, error):
    page = browser.get(client.asks(**changes))
    assert (page.status, page.location) == (400, None)
    assert f"<h1>{error}</h1>" in page.text
    assert "<script>" not in page.text and "<b>" not in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": challenge_of("x")},  # By no method means plain.
        {"code_challenge": challenge_of("x"), "code_challenge_method": "plain"},
        {"code_challenge": "short", "code_challenge_method": "S256"},
        {"code_challenge": "", "code_challenge_method": "S256"},
        {"code_challenge_method": "S256"},
        {"access_type": "forever"},
    ],
)
def test_a_client_that_is_known_is_told(client, ana, browser, changes):
    page = browser.get(client.asks(**changes))
    assert page.callback == {"from": "crm", "error": "invalid_request", "state": STATE}


def test_a_state_that_no_form_could_carry_is_told_to_the_client(client, ana, browser):
    assert "Sign in to" in browser.get(client.asks(state="a" * 4096)).text
    page = browser.get(client.asks(state="a" * 4097))
    assert page.callback == {"from": "crm", "error": "invalid_request"}


def test_a_list_of_scopes_has_an_end(client, ana, browser):
    page = browser.get(client.asks(scope="ZohoCRM.modules.ALL," * 500))
    assert page.status == 400 and "4096" in page.text


def test_what_a_form_carries_is_checked_like_an_address(client, ana, browser):
    page = sign_in(browser, client.asks())
    wrong = client.asks(redirect_uri="https://evil.example/").partition("?")[2]
    assert "ERROR_invalid_redirect_uri" in browser.send(page, "accept", request=wrong).text
    assert "ERROR_invalid_response_type" in browser.send(page, "accept", request="").text


def test_self_clients_and_clients_of_moorage_itself_send_nobody_here(self_client, service, crm, ana, browser):
    assert "ERROR_invalid_redirect_uri" in browser.get(self_client.asks()).text
    own = service.credentials(service.organisations.find("acme"))["client_id"]
    assert "ERROR_invalid_client" in browser.get(self_client.asks(client_id=own)).text


def test_a_client_is_found_in_its_own_data_centre_only(make_organisation, register, service, origin, browser):
    make_organisation("europe", data_centre="eu")
    european = register("europe")
    row = service.organisations.find("europe")
    service.people.set_password(row.id, ANA, PASSWORD)
    assert "ERROR_invalid_client" in browser.get("/dc/us" + european.asks()).text
    for base in ("/dc/eu", ""):
        fresh = Browser(origin)
        page = fresh.send(sign_in(fresh, base + european.asks()), "accept")
        assert page.callback["location"] == "eu"
        assert page.callback["accounts-server"] == f"{origin.url}/dc/eu"
        assert origin.exchange(european, page)["api_domain"] == f"{origin.url}/dc/eu"


class TestPkce:
    @pytest.fixture
    def verifier(self):
        return secrets.token_urlsafe(32)

    @pytest.fixture
    def page(self, client, ana, browser, verifier):
        asked = client.asks(code_challenge=challenge_of(verifier), code_challenge_method="S256")
        return browser.send(sign_in(browser, asked), "accept")

    def test_the_verifier_opens_the_code(self, client, origin, page, verifier):
        assert "access_token" in origin.exchange(client, page, code_verifier=verifier)

    def test_whoever_caught_the_code_has_no_use_for_it(self, client, origin, page, verifier):
        assert origin.exchange(client, page, code_verifier="guess") == {"error": "invalid_code"}
        assert origin.exchange(client, page, code_verifier=verifier) == {"error": "invalid_code"}
