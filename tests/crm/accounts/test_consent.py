"""A person is sent to the consent page, signs in and decides; over sockets, with a browser that runs no scripts."""

import pytest

from moorage.http.message import Request
from tests.crm.accounts.browser import ANA, PASSWORD, sign_in
from tests.crm.accounts.conftest import CALLBACK, SCOPES, STATE
from tests.crm.folder import crm_in
from tests.waited import Waited


def test_who_accepts_sends_the_client_a_code_for_tokens_of_their_own(client, ana, origin, browser):
    page = sign_in(browser, client.asks())
    for shown in ("Stub", "Harbour &amp; Pine", "Ana Moreira", ANA, "127.0.0.1:9", "at any time"):
        assert shown in page.text
    page = browser.send(page, "accept")
    assert page.status == 303 and page.location.startswith(f"{CALLBACK}&code=1000.")
    code = page.callback.pop("code")
    assert page.callback == {
        "from": "crm",
        "code": code,
        "location": "us",
        "accounts-server": origin.url,
        "state": STATE,
    }
    tokens = origin.exchange(client, page)
    assert tokens["scope"] == SCOPES.replace(",", " ") and tokens["refresh_token"]
    headers = {"Authorization": f"Zoho-oauthtoken {tokens['access_token']}"}
    status, _, body = origin.call("GET", "/oauth/user/info", headers=headers)
    assert status == 200 and ANA.encode() in body
    assert "access_token" in origin.token(
        client, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    )


def test_who_rejects_sends_the_client_that_and_no_code(client, ana, browser):
    page = browser.send(sign_in(browser, client.asks()), "reject")
    assert page.location.startswith(CALLBACK)
    assert page.callback == {"from": "crm", "error": "access_denied", "state": STATE}


def test_who_cancels_before_signing_in_rejects(client, ana, browser):
    page = browser.send(browser.get(client.asks(state=None)), "reject")
    assert page.callback == {"from": "crm", "error": "access_denied"}


def test_scopes_are_shown_in_plain_words(client, ana, browser):
    scopes = "ZohoCRM.modules.leads.READ,ZohoCRM.settings.ALL,ZohoSearch.securesearch.READ"
    page = sign_in(browser, client.asks(scope=scopes))
    for words in (
        "Read records of the module “leads”",
        "Read, add, change and delete all settings, such as fields and layouts",
        "Search records",
    ):
        assert f"{words}</li>" in page.text


def test_without_offline_access_there_is_one_hour(client, ana, origin, browser):
    page = sign_in(browser, client.asks(access_type=None))
    assert "for one hour" in page.text
    tokens = origin.exchange(client, browser.send(page, "accept"))
    assert "access_token" in tokens and "refresh_token" not in tokens


class TestConsentAgain:
    """What Zoho does with `prompt`, and what so many forget."""

    def test_who_consented_before_is_not_asked_and_gives_no_other_refresh_token(
        self, client, ana, origin, browser
    ):
        page = browser.send(sign_in(browser, client.asks()), "accept")
        assert origin.exchange(client, page)["refresh_token"]
        again = browser.get(client.asks(prompt=None))
        assert "code" in again.callback
        assert "refresh_token" not in origin.exchange(client, again)

    def test_more_scopes_are_asked_for(self, client, ana, origin, browser):
        origin.exchange(client, browser.send(sign_in(browser, client.asks()), "accept"))
        assert "Accept" in browser.get(client.asks(prompt=None, scope="ZohoCRM.org.READ")).text
        fewer = browser.get(client.asks(prompt=None, scope="ZohoCRM.modules.leads.READ"))
        assert "code" in fewer.callback

    def test_who_took_the_access_back_is_asked(self, client, ana, origin, browser):
        tokens = origin.exchange(client, browser.send(sign_in(browser, client.asks()), "accept"))
        origin.call("POST", f"/oauth/v2/token/revoke?token={tokens['refresh_token']}")
        assert "Accept" in browser.get(client.asks(prompt=None)).text

    def test_with_prompt_everybody_is_asked(self, client, ana, origin, browser):
        origin.exchange(client, browser.send(sign_in(browser, client.asks()), "accept"))
        assert "Accept" in browser.get(client.asks(prompt="consent")).text


class TestStrangers:
    """Users of one organisation are nobody in another."""

    @pytest.fixture
    def theirs(self, stranger, register, service):
        """The client of another organisation, whose Ana has another password."""
        service.people.set_password(stranger.organisation, ANA, "the other password")
        return register("other", name="Theirs")

    def test_a_password_opens_its_own_organisation_only(self, client, ana, theirs, browser):
        assert sign_in(browser, theirs.asks()).status == 403
        assert sign_in(browser, client.asks(), password="the other password").status == 403

    def test_a_session_is_one_of_its_own_organisation_only(self, client, ana, theirs, browser):
        sign_in(browser, client.asks())
        assert "Sign in to" in browser.get(theirs.asks()).text

    def test_a_form_of_one_organisation_decides_nothing_in_another(self, client, ana, theirs, browser):
        page = sign_in(browser, client.asks())
        refused = browser.send(page, "accept", request=theirs.asks().partition("?")[2])
        assert refused.status == 403 and refused.location is None

    def test_the_tokens_open_its_own_organisation(self, client, ana, theirs, origin, browser, service):
        page = browser.send(sign_in(browser, client.asks()), "accept")
        assert origin.exchange(theirs, page) == {"error": "invalid_code"}
        page = browser.send(sign_in(browser, theirs.asks(), password="the other password"), "accept")
        token = origin.exchange(theirs, page)["access_token"]
        service.accounts.forget()
        principal = service.accounts.principal(f"Bearer {token}")
        assert principal.organisation == service.organisations.find("other").id


def test_no_page_is_kept_framed_or_told_of(client, ana, browser):
    ask = browser.get(client.asks())
    decide = sign_in(browser, client.asks())
    failed = browser.get(client.asks(client_id=None))
    done = browser.send(decide, "accept")
    for page in (ask, decide, failed, done):
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "<script" not in page.text


def test_a_form_may_lead_to_an_apps_own_scheme(crm, ana, register, browser):
    own = register(name="Phone", redirect_uris=("com.example.app:/back",))
    page = sign_in(browser, own.asks(redirect_uri="com.example.app:/back"))
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' http: https: com.example.app:;" in policy
    assert browser.send(page, "accept").location.startswith("com.example.app:/back?code=")


def test_names_are_shown_as_text(make_organisation, register, service, browser):
    make_organisation("odd", name='<img src=x onerror="alert(1)">')
    odd = register("odd", name="<script>alert(1)</script>")
    service.people.set_password(service.organisations.find("odd").id, ANA, PASSWORD)
    for page in (browser.get(odd.asks()), sign_in(browser, odd.asks())):
        assert "<script>" not in page.text and "<img" not in page.text
        assert "&lt;script&gt;" in page.text and "&lt;img" in page.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_other_methods_are_refused(client, ana, origin, method):
    assert origin.call(method, client.asks())[0] == 405


@pytest.mark.parametrize(
    ("url", "base", "rules"),
    [
        ("https://crm.example", "", "Path=/oauth/v2/auth; Max-Age=600; HttpOnly; SameSite=Lax; Secure"),
        ("http://a.example/c;d/", "", "Path=/c%3Bd/oauth/v2/auth; Max-Age=600; HttpOnly; SameSite=Lax"),
        ("http://a.example", "/dc/us", "Path=/dc/us/oauth/v2/auth; Max-Age=600; HttpOnly; SameSite=Lax"),
    ],
)
def test_the_cookie_goes_to_this_page_only_and_over_https_never_without(
    tmp_path, clock, service, client, url, base, rules
):
    behind = Waited(crm_in(tmp_path / "crm", clock, url.rstrip("/")))
    path, _, query = (base + client.asks()).encode().partition(b"?")
    page = behind.answer(Request("GET", path, query))
    assert dict(page.headers)[b"set-cookie"].decode().partition("; ")[2] == rules
    behind.close()
