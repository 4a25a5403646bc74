"""A person with a real browser connects: from the connection's url to the page that says what came of it."""

import asyncio
import json
import time

import pytest

from moorage import settings
from moorage.connections.sessions import LIFETIME
from moorage.rooms import Urls, open_rooms
from tests.flows.chromium import MISSING, PROGRAM, Chromium
from tests.flows.conftest import environment, finish, start

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

LONG = "Quayside" * 14
# What the Tab key goes through: of several radio buttons, the one that is chosen.
STOPS = "input:not([type=hidden], [type=radio]), input[type=radio]:checked, select, button, a"
LABEL = "(e => e.labels?.length ? e.labels[0].innerText : e.innerText)"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """With several organisations and an OAuth client, so that the page has all it can have."""
    server = start(tmp_path_factory.mktemp("connect") / "home")
    try:
        server.run("crm", "org", "create", "long", "--name", LONG, "--empty")
        server.run("client", "set", "zoho-crm", "--client-id", "1000.OURS", typed="secret\n")
        yield server
    finally:
        finish(server)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    chromium = Chromium(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.stop()


@pytest.fixture
def person(chromium):
    return chromium.person()


@pytest.fixture
def tab(chromium, person):
    tab = chromium.tab(person)
    yield tab
    tab.close()


@pytest.fixture
def pending(server):
    return make(server)


def make(server):
    status, _, body = server.call("POST", "/connections", {"app": "zoho-crm", "embedded": True})
    assert status == 200
    return json.loads(body)["connection"]


def shown(server, pending):
    return server.get(f"/connections/{pending['id']}")[1]["connection"]


def call(server, pending):
    """The status of a call through the connection."""
    named = {"Maton-Connection": pending["id"]}
    return server.call("GET", "/zoho-crm/crm/v8/Leads?fields=Last_Name", headers=named)[0]


def choose(tab, url, clicks=1):
    tab.open(url)
    tab.wait_for("Connect Zoho CRM")
    tab.click("Continue", clicks)


def sign_in(tab, url):
    """Up to the question whether access is given."""
    choose(tab, url)
    tab.wait_for("Harbour & Pine")
    if tab.run("document.title").startswith("Sign in"):
        tab.click("Sign in without a password")
        tab.click("Priya Raman")
    tab.wait_for("wants to act in Harbour & Pine")


def connect(tab, url):
    sign_in(tab, url)
    tab.click("Accept")
    tab.wait_for("Connected to Harbour & Pine")


def test_three_clicks_connect_without_scripts_or_complaints_and_calls_go_through(server, pending, tab):
    tab.forbid_scripts()
    connect(tab, pending["url"])
    assert "priya@harbourpine.example" in tab.text and pending["id"] not in tab.text
    assert tab.complaints == []
    after = shown(server, pending)
    assert (after["id"], after["status"]) == (pending["id"], "ACTIVE")
    assert (after["metadata"]["user"], after["metadata"]["data_centre"]) == (
        "priya@harbourpine.example",
        "embedded",
    )
    assert call(server, pending) == 200


def test_who_rejects_is_told_and_a_try_again_connects(server, pending, tab):
    sign_in(tab, pending["url"])
    tab.click("Reject")
    tab.wait_for("Access was declined")
    connection = shown(server, pending)
    assert (connection["status"], connection["metadata"]) == ("FAILED", {"reason": "access_denied"})
    tab.click("Try again")
    tab.wait_for("Connect Zoho CRM")
    connect(tab, tab.url)
    connection = shown(server, pending)
    assert connection["status"] == "ACTIVE" and "reason" not in connection["metadata"]
    assert call(server, pending) == 200


def test_who_goes_back_after_connecting_changes_nothing(server, pending, tab):
    connect(tab, pending["url"])
    before = shown(server, pending)["last_updated_time"]
    tab.back()
    for answer in ("Accept", "Reject"):
        tab.wait_for("wants to act")
        tab.click(answer)
        tab.wait_for("Connected to Harbour & Pine")
        tab.back()
    tab.wait_for("wants to act")
    tab.open(pending["url"])
    tab.wait_for("This link was used already")
    connection = shown(server, pending)
    assert (connection["status"], connection["last_updated_time"]) == ("ACTIVE", before)
    assert call(server, pending) == 200


def test_who_goes_back_after_rejecting_is_led_to_a_new_try(server, pending, tab):
    sign_in(tab, pending["url"])
    tab.click("Reject")
    tab.wait_for("Access was declined")
    tab.back()
    tab.wait_for("wants to act")
    tab.click("Accept")
    # The answer of that sign-in was given: a second one to it counts for nothing, whatever it says.
    tab.wait_for("Access was declined")
    assert shown(server, pending)["status"] == "FAILED"
    tab.click("Try again")
    tab.wait_for("Connect Zoho CRM")
    connect(tab, tab.url)
    assert shown(server, pending)["status"] == "ACTIVE" and call(server, pending) == 200


def test_double_clicks_connect_once(server, pending, tab):
    choose(tab, pending["url"], clicks=2)
    tab.wait_for("Sign in to Harbour & Pine")
    tab.click("Sign in without a password")
    tab.click("Priya Raman", 2)
    tab.wait_for("wants to act")
    tab.click("Accept", 2)
    tab.wait_for("Connected to Harbour & Pine")
    assert shown(server, pending)["status"] == "ACTIVE" and call(server, pending) == 200


def test_two_tabs_of_one_browser_connect_two_connections(server, chromium, person):
    pending = [make(server), make(server)]
    tabs = [chromium.tab(person), chromium.tab(person)]
    for tab, connection in zip(tabs, pending, strict=True):
        sign_in(tab, connection["url"])
    for tab in tabs:
        tab.click("Accept")
    for tab, connection in zip(tabs, pending, strict=True):
        tab.wait_for("Connected to Harbour & Pine")
        assert shown(server, connection)["status"] == "ACTIVE" and call(server, connection) == 200
        tab.close()


def test_one_link_in_two_tabs_connects_once(server, pending, chromium, person):
    first, second = chromium.tab(person), chromium.tab(person)
    sign_in(first, pending["url"])
    sign_in(second, pending["url"])
    first.click("Accept")
    first.wait_for("Connected to Harbour & Pine")
    before = shown(server, pending)["last_updated_time"]
    second.click("Accept")
    second.wait_for("connected or deleted meanwhile")
    assert shown(server, pending)["last_updated_time"] == before and call(server, pending) == 200


def test_an_expired_link_and_a_garbled_one_say_so(server, pending, tab):
    async def expired():
        """The link as it was made half an hour ago."""
        async with open_rooms(settings.load(environment(server.home)), Urls("", "")) as rooms:
            sessions = rooms.connections._sessions
            return sessions.make(pending["id"], 0, time.time() - LIFETIME - 1)

    base = pending["url"].partition("session_token=")[0]
    tab.open(f"{base}session_token={asyncio.run(expired())}")
    tab.wait_for("This link has expired")
    assert "its url is new" in tab.text
    tab.open(pending["url"][:-3])
    tab.wait_for("This link is not valid")
    assert shown(server, pending)["status"] == "PENDING"


def test_reconnecting_keeps_the_id_and_rejecting_leaves_it_active(server, pending, tab):
    connect(tab, pending["url"])
    first = shown(server, pending)
    connect(tab, first["url"])
    second = shown(server, pending)
    assert (second["id"], second["status"]) == (pending["id"], "ACTIVE")
    assert second["last_updated_time"] > first["last_updated_time"]
    sign_in(tab, second["url"])
    tab.click("Reject")
    tab.wait_for("Access was declined")
    third = shown(server, pending)
    assert third == {**second, "url": third["url"]} and call(server, pending) == 200


def test_somebody_elses_browser_can_not_end_what_was_begun(server, pending, tab, chromium):
    sign_in(tab, pending["url"])
    other = chromium.tab(chromium.person())
    other.open(tab.url)  # As in a mail: "Please accept this."
    other.wait_for("Sign in to Harbour & Pine")
    other.click("Sign in without a password")
    other.click("Callum Reid")
    other.wait_for("wants to act")
    other.click("Accept")
    other.wait_for("does not belong to a sign-in that began here")
    assert "allow cookies" in other.text
    assert shown(server, pending)["status"] == "PENDING"
    tab.click("Accept")
    tab.wait_for("Connected to Harbour & Pine")
    assert shown(server, pending)["metadata"]["user"] == "priya@harbourpine.example"
    # The address it ended at, with its code and its state, is of no use elsewhere either.
    other.open(tab.url)
    other.wait_for("does not belong")
    other.close()


def test_a_browser_that_lost_its_cookies_is_told_to_allow_them(server, pending, tab):
    sign_in(tab, pending["url"])
    tab.forget_cookies()
    tab.reload()
    tab.click("Sign in without a password")
    tab.click("Priya Raman")
    tab.wait_for("wants to act")
    tab.click("Accept")
    tab.wait_for("does not belong")
    assert "allow cookies" in tab.text and shown(server, pending)["status"] == "PENDING"


def test_a_browser_that_keeps_no_cookies_is_told_why_it_gets_nowhere(server, pending, tmp_path):
    chromium = Chromium(tmp_path / "profile", keeps_cookies=False)
    try:
        tab = chromium.tab()
        choose(tab, pending["url"])
        tab.click("Sign in without a password")
        tab.click("Priya Raman")
        # Both clicks end at this page, so it may be loading once more just now: one look has to see all of it.
        tab.wait(
            'document.body?.innerText.includes("out of date, so this is a new one. If you read this again, allow")'
        )
    finally:
        chromium.stop()
    assert shown(server, pending)["status"] == "PENDING"


def test_the_last_page_can_be_loaded_again(server, pending, tab):
    connect(tab, pending["url"])
    before = shown(server, pending)["last_updated_time"]
    tab.run("document.title = 'before'")
    tab.reload()
    tab.wait("document.title != 'before'")
    tab.wait_for("Connected to Harbour & Pine")
    assert shown(server, pending)["last_updated_time"] == before and call(server, pending) == 200


def test_all_is_labelled_and_reached_by_keyboard_in_the_order_it_is_read(pending, tab):
    tab.open(pending["url"])
    tab.wait_for("Connect Zoho CRM")
    expected = tab.run(f"[...document.querySelectorAll({STOPS!r})].map({LABEL})")
    assert len(expected) > 10 and all(expected) and expected[-1] == "Continue"
    reached = []
    for _ in expected:
        tab.press("Tab", 9)
        reached.append(tab.run(f"{LABEL}(document.activeElement)"))
        assert tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached == expected
    assert tab.run("document.documentElement.lang") == "en"
    assert tab.run("[...document.querySelectorAll('fieldset')].every(one => one.querySelector('legend'))")
    tab.press("Enter", 13, "\r")
    tab.wait_for("Sign in to Harbour & Pine")


def test_every_page_fits_a_phone(pending, tab):
    def fits():
        wide = tab.run(
            "[...document.querySelectorAll('body *')].filter(e => e.scrollWidth > innerWidth).length"
        )
        small = tab.run(
            "[...document.querySelectorAll('button, label')].filter(e => e.offsetHeight < 30).length"
        )
        return (tab.run("innerWidth"), wide, small) == (360, 0, 0)

    tab.be_a_phone()
    tab.open(pending["url"])
    tab.wait_for("Connect Zoho CRM")
    assert LONG in tab.text and fits()
    sign_in(tab, pending["url"])
    assert fits()
    tab.click("Reject")
    tab.wait_for("Access was declined")
    assert fits()
    tab.click("Try again")
    tab.wait_for("Connect Zoho CRM")
    connect(tab, tab.url)
    assert fits()
