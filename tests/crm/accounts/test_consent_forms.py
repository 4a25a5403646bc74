"""The consent page's forms: sent twice, late, from two tabs, by nobody who was shown them, or by another site."""

from urllib.parse import urlencode

import pytest

from moorage.crm.accounts.clients import CODE_LIFETIME, NEW_CODES
from tests.crm.accounts.browser import ANA, PASSWORD, Browser, sign_in
from tests.crm.accounts.conftest import CALLBACK


def test_a_code_works_once(client, ana, origin, browser):
    page = browser.send(sign_in(browser, client.asks()), "accept")
    assert "access_token" in origin.exchange(client, page)
    assert origin.exchange(client, page) == {"error": "invalid_code"}


def test_a_code_ends_after_three_minutes(client, ana, origin, browser, clock):
    page = browser.send(sign_in(browser, client.asks()), "accept")
    clock.advance(CODE_LIFETIME)
    assert origin.exchange(client, page) == {"error": "invalid_code"}


def test_a_second_click_gives_another_code_so_that_whichever_arrives_works(client, ana, origin, browser):
    page = sign_in(browser, client.asks())
    first, second = browser.send(page, "accept"), browser.send(page, "accept")
    assert first.callback["code"] != second.callback["code"]
    assert all("access_token" in origin.exchange(client, code) for code in (first, second))


def test_a_second_click_signs_in_as_well(client, ana, browser):
    page = browser.get(client.asks())
    before = browser.cookie
    browser.send(page, "password", email=ANA, password=PASSWORD)
    browser.cookie = before  # The second click leaves before the first one's answer is there.
    assert "Accept" in browser.send(page, "password", email=ANA, password=PASSWORD).text


def test_who_goes_back_may_decide_otherwise(client, ana, browser):
    page = sign_in(browser, client.asks())
    assert "error" in browser.send(page, "reject").callback
    assert "code" in browser.send(page, "accept").callback


def test_who_goes_back_to_the_sign_in_page_is_shown_where_things_are(client, ana, browser):
    first = browser.get(client.asks())
    browser.send(first, "password", email=ANA, password=PASSWORD)
    again = browser.send(first, "password", email=ANA, password=PASSWORD)
    assert again.status == 403 and "out of date" in again.text and "Accept" in again.text


def test_two_tabs_keep_their_requests_apart(client, ana, register, origin, browser):
    other = register(name="Second", redirect_uris=("https://second.example/",))
    first_tab = sign_in(browser, client.asks(state="one"))
    two = browser.get(other.asks(state="two", redirect_uri="https://second.example/"))
    first, second = browser.send(first_tab, "accept"), browser.send(two, "accept")
    assert first.location.startswith(CALLBACK) and first.callback["state"] == "one"
    assert second.location.startswith("https://second.example/") and second.callback["state"] == "two"
    assert origin.exchange(other, first) == {"error": "invalid_code"}
    assert "access_token" in origin.exchange(other, second)


@pytest.mark.parametrize("form_token", ["", "0" * 64, "é", None])
@pytest.mark.parametrize("step", ["accept", "reject", "other", "password", "user"])
def test_a_form_that_the_page_did_not_send_does_nothing(client, ana, browser, step, form_token):
    page = sign_in(browser, client.asks())
    fields = page.form("accept") | {"step": step}
    fields = {**fields, "form_token": form_token} if form_token is not None else fields
    if form_token is None:
        del fields["form_token"]
    refused = browser._load("POST", "/oauth/v2/auth", urlencode(fields), {})
    assert refused.status == 403 and refused.location is None
    assert "Accept" in browser.get(client.asks()).text


def test_a_form_token_belongs_to_one_browser(client, ana, origin, browser):
    page, other = sign_in(browser, client.asks()), Browser(origin)
    other.get(client.asks())
    assert other.send(page, "accept").status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_another_site_sends_does_nothing(client, ana, browser, site):
    page = sign_in(browser, client.asks())
    assert browser.send(page, "accept", {"Sec-Fetch-Site": site}).status == 403
    assert browser.send(page, "accept", {"Sec-Fetch-Site": "same-origin"}).status == 303


@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Host": "evil.example"},
        {"Content-Type": "text/plain"},
    ],
)
def test_nor_does_one_that_cannot_be_this_pages(client, ana, browser, header):
    page = sign_in(browser, client.asks())
    refused = browser.send(page, "accept", header)
    assert refused.status == 403 and refused.location is None and "ERROR_foreign_form" in refused.text
    assert "code" in browser.send(page, "accept", {"Origin": browser.origin.url}).callback


@pytest.mark.parametrize("step", ["", "nonsense"])
def test_an_answer_that_there_is_not_shows_the_page_anew(client, ana, browser, step):
    page = sign_in(browser, client.asks())
    refused = browser.send(page, "accept", step=step)
    assert refused.status == 403 and "Accept" in refused.text


@pytest.mark.parametrize("cookie", ["x", "moorage_crm_session=", "moorage_crm_session=a b", "=;=", "é=é"])
def test_a_cookie_that_is_not_ours_is_replaced(client, ana, origin, cookie):
    browser = Browser(origin)
    browser.cookie = cookie.encode().decode("latin-1")
    assert "Accept" in sign_in(browser, client.asks()).text


def test_an_eleventh_code_within_ten_minutes_is_denied(client, ana, browser):
    page = sign_in(browser, client.asks())
    assert all("code" in browser.send(page, "accept").callback for _ in range(NEW_CODES))
    assert browser.send(page, "accept").callback["error"] == "access_denied"
