"""A person with a real browser gives a client of the embedded CRM their consent."""

import http.server
import json
import threading
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.flows.chromium import MISSING, PROGRAM, Chromium

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)


class App(http.server.ThreadingHTTPServer):
    """A web application on a port of its own, which people come back to; its callback leads on to another site."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Callback)
        self.visits = []
        self.callback = f"http://127.0.0.1:{self.server_port}/oauth/v2/callback"
        threading.Thread(target=self.serve_forever).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Callback(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/oauth/v2/callback":
            self.server.visits.append((parse_qs(query), self.headers))
            self.send_response(303)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/home")
            self.end_headers()
            return
        self.send_response(200 if path == "/home" else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<h1>Back home</h1>")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium = Chromium(tmp_path_factory.mktemp("chromium"))
    yield chromium.tab()
    chromium.stop()


@pytest.fixture
def app():
    app = App()
    yield app
    app.stop()


@pytest.fixture
def client(server, app):
    created = server.run(
        "crm", "client", "create", "--name", "Web app", "--redirect-uri", app.callback, "--json"
    )
    return json.loads(created.stdout)["client"]


@pytest.fixture
def asks(server, app, client):
    """The address that the application sends people to."""
    values = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": app.callback,
        "scope": "ZohoCRM.modules.ALL",
        "access_type": "offline",
        "prompt": "consent",
        "state": "one\nline & more",
    }
    return f"{server.crm}/oauth/v2/auth?{urlencode(values)}"


def tokens(server, app, client, code):
    form = {k: client[k] for k in ("client_id", "client_secret")}
    form |= {"grant_type": "authorization_code", "code": code, "redirect_uri": app.callback}
    with urllib.request.urlopen(f"{server.crm}/oauth/v2/token", urlencode(form).encode()) as answer:
        return json.loads(answer.read())


def sign_in(browser, asks):
    browser.open(asks)
    browser.wait_for("Harbour & Pine")
    if browser.run("document.title").startswith("Sign in"):
        browser.click("Sign in without a password")
        browser.click("Priya Raman")
    browser.wait_for("Web app wants to act")


def test_two_clicks_to_sign_in_and_one_to_accept(server, app, client, asks, browser):
    sign_in(browser, asks)
    browser.click("Accept")
    browser.wait_for("Back home")
    [(visit, headers)] = app.visits
    assert visit["state"] == ["one\nline & more"] and visit["accounts-server"] == [server.crm]
    assert "Cookie" not in headers and "Referer" not in headers
    assert tokens(server, app, client, visit["code"][0])["refresh_token"]


def test_who_goes_back_after_rejecting_may_accept(server, app, client, asks, browser):
    sign_in(browser, asks)
    browser.click("Reject")
    browser.wait_for("Back home")
    browser.run("history.back()")
    browser.wait_for("Web app wants to act")
    browser.click("Accept")
    browser.wait_for("Back home")
    rejected, accepted = (visit for visit, _ in app.visits)
    assert rejected["error"] == ["access_denied"]
    assert "access_token" in tokens(server, app, client, accepted["code"][0])


def test_a_double_click_arrives_with_a_code_that_works(server, app, client, asks, browser):
    sign_in(browser, asks)
    browser.click("Accept", times=2)
    browser.wait_for("Back home")
    visit, _ = app.visits[-1]
    assert "access_token" in tokens(server, app, client, visit["code"][0])


def test_who_is_somebody_else_signs_in_with_a_password(server, app, client, asks, browser):
    server.run("crm", "user", "password", "callum@harbourpine.example", typed="correct horse battery\n")
    sign_in(browser, asks)
    browser.click("Sign in as somebody else")
    browser.wait_for("Sign in to")
    browser.type("input[name=email]", "callum@harbourpine.example")
    browser.type("input[name=password]", "correct horse battery")
    browser.click("Sign in")
    browser.wait_for("Web app wants to act")
    assert "Callum Reid" in browser.run("document.body.innerText")
    assert parse_qs(urlsplit(browser.run("location.href")).query) == parse_qs(urlsplit(asks).query)
    browser.click("Sign in as somebody else")
    browser.wait_for("Sign in to")


def test_a_request_that_is_wrong_is_told_and_leads_nowhere(app, asks, browser):
    browser.open(asks.replace("oauth%2Fv2%2Fcallback", "elsewhere"))
    browser.wait_for("ERROR_invalid_redirect_uri")
    assert app.visits == []
