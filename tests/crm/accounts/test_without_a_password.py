"""The users of the demo organisation sign in with one click, in a browser on this machine."""

import socket
from urllib.parse import urlencode

import pytest

from tests.crm.accounts.browser import ANA, FORM, PASSWORD, Browser, sign_in


def number_of(name, page):
    return page.text.partition(name)[0].rpartition('value="')[2].partition('"')[0]


@pytest.fixture
def open_client(demo, register):
    return register("demo")


@pytest.fixture
def people(open_client, browser):
    """The page with the users to choose from."""
    return browser.send(browser.get(open_client.asks()), "people")


def test_users_of_the_demo_sign_in_without_one_here(open_client, origin, browser, people):
    assert people.status == 200 and "Tomas Lindqvist" in people.text
    for gone in ("Omar", "Helena", "Yuki"):  # Deleted, inactive, not confirmed.
        assert gone not in people.text
    page = browser.send(people, "user", user=number_of("Tomas", people))
    assert "Tomas Lindqvist" in page.text and "Accept" in page.text
    assert "access_token" in origin.exchange(open_client, browser.send(page, "accept"))


def test_nobody_is_named_before_the_browser_said_where_it_is(open_client, browser):
    page = browser.get(open_client.asks())
    assert "Sign in without a password" in page.text and "Tomas" not in page.text


def test_no_other_organisation_offers_anybody(client, browser, service, crm):
    page = browser.get(client.asks())
    assert "without a password" not in page.text and page.headers["referrer-policy"] == "no-referrer"
    user = service.first_user(service.organisations.find("acme")).id
    here = {"Origin": browser.origin.url}
    for step in ("user", "people"):
        refused = browser.send(page, "password", here, step=step, user=str(user))
        assert "Accept" not in refused.text and "Ana" not in refused.text


def test_a_user_with_a_password_is_asked_for_it(open_client, browser, service, demo, people):
    service.people.set_password(demo.organisation, ANA, PASSWORD)
    page = browser.send(browser.get(open_client.asks()), "people")
    assert "Ana Moreira" not in page.text and "Tomas Lindqvist" in page.text
    user = service.first_user(service.organisations.find("demo")).id
    assert browser.send(people, "user", user=str(user)).status == 403
    assert "Accept" in sign_in(browser, open_client.asks()).text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8788", "192.0.2.1", "", "[", "localhost.evil"]
)
def test_a_name_that_leads_here_is_not_this_machine(open_client, origin, host):
    # Without this any page could have its name lead here, and click for the user.
    browser = Browser(origin, host or " ")
    page = browser.get(open_client.asks())
    assert page.status == 200 and "without a password" not in page.text
    for step in ("people", "user"):
        forced = browser.send(page, "password", {"Origin": origin.url}, step=step)
        assert forced.status == 403 and "Tomas" not in forced.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8788"])
def test_this_machines_own_names_are(open_client, origin, host):
    browser = Browser(origin, host)
    assert "Tomas" in browser.send(browser.get(open_client.asks()), "people").text


@pytest.mark.parametrize("elsewhere", ["https://crm.example.com", "null", None, "", "http://127.0.0.1:1"])
def test_a_browser_that_is_elsewhere_is_named_nobody(open_client, browser, people, elsewhere):
    said = {} if elsewhere is None else {"Origin": elsewhere}
    page = browser.get(open_client.asks())
    form = {**page.form("people")}
    for step in ({"step": "people"}, {"step": "user", "user": number_of("Tomas", people)}):
        body = urlencode({**form, **step})
        kind = {"Content-Type": FORM, "Cookie": browser.cookie}
        status, _, text = browser.origin.call("POST", "/oauth/v2/auth", body, {**kind, **said})
        assert status == 403 and b"Tomas" not in text and b"Accept" not in text


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-Proto": "https"}, {"X-Real-IP": "192.0.2.1"},
        {"Via": "1.1 proxy"}, {"Forwarded": "for=192.0.2.1"}, {"X-Forwarded-Host": "crm.example.com"},
    ],
)  # fmt: skip
def test_what_a_proxy_passes_on_is_not_from_here(open_client, browser, people, header):
    answer = browser.origin.call("GET", open_client.asks(), headers=header)
    assert answer[0] == 200 and b"without a password" not in answer[2]
    refused = browser.send(people, "user", header, user=number_of("Tomas", people))
    assert refused.status == 403 and "Accept" not in refused.text and "Tomas" not in refused.text


def test_what_comes_by_http_1_0_as_from_nginx_is_not_from_here(open_client, origin):
    head = f"GET {open_client.asks()} HTTP/1.0\r\nHost: 127.0.0.1:{origin.port}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 200 " in answer.split(b"\r\n")[0]
    assert b"Sign in" in answer and b"without a password" not in answer


@pytest.mark.parametrize("user", ["", "x", "7243485000000000000", "é"])
def test_nobody_else_can_be_chosen(browser, people, user):
    refused = browser.send(people, "user", user=user)
    assert refused.status == 403 and "Accept" not in refused.text
