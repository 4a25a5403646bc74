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
def made(server):
    return make(server)


def make(server):
    status, _, body = server.call("POST", "/connections", {"app": "zoho-crm", "embedded": True})
    assert status == 200
    return json.loads(body)["connection"]


def shown(server, made):
    return server.get(f"/connections/{made['id']}")[1]["connection"]


def call(server, made):
    """The status of a call through the connection."""
    named = {"Maton-Connection": made["id"]}
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


def test_three_clicks_connect_without_scripts_or_complaints_and_calls_go_through(server, made, tab):
    tab.forbid_scripts()
    connect(tab, made["url"])
    assert "priya@harbourpine.example" in tab.text and made["id"] not in tab.text
    assert tab.complaints == []
    found = shown(server, made)
    assert (found["id"], found["status"]) == (made["id"], "ACTIVE")
    assert (found["metadata"]["user"], found["metadata"]["data_centre"]) == (
        "priya@harbourpine.example",
        "embedded",
    )
    assert call(server, made) == 200


def test_who_rejects_is_told_and_a_try_again_connects(server, made, tab):
    sign_in(tab, made["url"])
    tab.click("Reject")
    tab.wait_for("The person declined access")
    found = shown(server, made)
    assert (found["status"], found["metadata"]) == ("FAILED", {"reason": "access_denied"})
    tab.click("Try again")
    tab.wait_for("Connect Zoho CRM")
    connect(tab, tab.url)
    found = shown(server, made)
    assert found["status"] == "ACTIVE" and "reason" not in found["metadata"]
    assert call(server, made) == 200


def test_who_goes_back_after_connecting_changes_nothing(server, made, tab):
    connect(tab, made["url"])
    before = shown(server, made)["last_updated_time"]
    tab.back()
    for answer in ("Accept", "Reject"):
        tab.wait_for("wants to act")
        tab.click(answer)
        tab.wait_for("Connected to Harbour & Pine")
        tab.back()
    tab.wait_for("wants to act")
    tab.open(made["url"])
    tab.wait_for("This link was used already")
    found = shown(server, made)
    assert (found["status"], found["last_updated_time"]) == ("ACTIVE", before)
    assert call(server, made) == 200


def test_who_goes_back_after_rejecting_is_led_to_a_new_try(server, made, tab):
    sign_in(tab, made["url"])
    tab.click("Reject")
    tab.wait_for("The person declined access")
    tab.back()
    tab.wait_for("wants to act")
    tab.click("Accept")
    # The answer of that sign-in was given: a second one to it counts for nothing, whatever it says.
    tab.wait_for("The person declined access")
    assert shown(server, made)["status"] == "FAILED"
    tab.click("Try again")
    tab.wait_for("Connect Zoho CRM")
    connect(tab, tab.url)
    assert shown(server, made)["status"] == "ACTIVE" and call(server, made) == 200


def test_double_clicks_connect_once(server, made, tab):
    choose(tab, made["url"], clicks=2)
    tab.wait_for("Sign in to Harbour & Pine")
    tab.click("Sign in without a password")
    tab.click("Priya Raman", 2)
    tab.wait_for("wants to act")
    tab.click("Accept", 2)
    tab.wait_for("Connected to Harbour & Pine")
    assert shown(server, made)["status"] == "ACTIVE" and call(server, made) == 200


def test_two_tabs_of_one_browser_connect_two_connections(server, chromium, person):
    made = [make(server), make(server)]
    tabs = [chromium.tab(person), chromium.tab(person)]
    for tab, one in zip(tabs, made, strict=True):
        sign_in(tab, one["url"])
    for tab in tabs:
        tab.click("Accept")
    for tab, one in zip(tabs, made, strict=True):
        tab.wait_for("Connected to Harbour & Pine")
        assert shown(server, one)["status"] == "ACTIVE" and call(server, one) == 200
        tab.close()


def test_one_link_in_two_tabs_connects_once(server, made, chromium, person):
    first, second = chromium.tab(person), chromium.tab(person)
    sign_in(first, made["url"])
    sign_in(second, made["url"])
    first.click("Accept")
    first.wait_for("Connected to Harbour & Pine")
    before = shown(server, made)["last_updated_time"]
    second.click("Accept")
    second.wait_for("connected or deleted meanwhile")
    assert shown(server, made)["last_updated_time"] == before and call(server, made) == 200


def test_an_expired_link_and_a_garbled_one_say_so(server, made, tab):
    async def expired():
        """The link as it was made half an hour ago."""
        async with open_rooms(settings.load(environment(server.home)), Urls("", "")) as rooms:
            sessions = rooms.connections._sessions
            return sessions.make(made["id"], 0, time.time() - LIFETIME - 1)

    base = made["url"].partition("session_token=")[0]
    tab.open(f"{base}session_token={asyncio.run(expired())}")
    tab.wait_for("This link has expired")
    assert "its url is new" in tab.text
    tab.open(made["url"][:-3])
    tab.wait_for("This link is not valid")
    assert shown(server, made)["status"] == "PENDING"


def test_reconnecting_keeps_the_id_and_rejecting_leaves_it_active(server, made, tab):
    connect(tab, made["url"])
    first = shown(server, made)
    connect(tab, first["url"])
    second = shown(server, made)
    assert (second["id"], second["status"]) == (made["id"], "ACTIVE")
    assert second["last_updated_time"] > first["last_updated_time"]
    sign_in(tab, second["url"])
    tab.click("Reject")
    tab.wait_for("The person declined access")
    third = shown(server, made)
    assert third == {**second, "url": third["url"]} and call(server, made) == 200


def test_somebody_elses_browser_can_not_end_what_was_begun(server, made, tab, chromium):
    sign_in(tab, made["url"])
    other = chromium.tab(chromium.person())
    other.open(tab.url)  # As in a mail: "Please accept this."
    other.wait_for("Sign in to Harbour & Pine")
    other.click("Sign in without a password")
    other.click("Callum Reid")
    other.wait_for("wants to act")
    other.click("Accept")
    other.wait_for("does not belong to a sign-in that began here")
    assert "allow cookies" in other.text
    assert shown(server, made)["status"] == "PENDING"
    tab.click("Accept")
    tab.wait_for("Connected to Harbour & Pine")
    assert shown(server, made)["metadata"]["user"] == "priya@harbourpine.example"
    # The address it ended at, with its code and its state, is of no use elsewhere either.
    other.open(tab.url)
    other.wait_for("does not belong")
    other.close()


def test_a_browser_that_lost_its_cookies_is_told_to_allow_them(server, made, tab):
    sign_in(tab, made["url"])
    tab.forget_cookies()
    tab.reload()
    tab.click("Sign in without a password")
    tab.click("Priya Raman")
    tab.wait_for("wants to act")
    tab.click("Accept")
    tab.wait_for("does not belong")
    assert "allow cookies" in tab.text and shown(server, made)["status"] == "PENDING"


def test_a_browser_that_keeps_no_cookies_is_told_why_it_gets_nowhere(server, made, tmp_path):
    chromium = Chromium(tmp_path / "profile", keeps_cookies=False)
    try:
        tab = chromium.tab()
        choose(tab, made["url"])
        tab.click("Sign in without a password")
        tab.click("Priya Raman")
        # Both clicks end at this page, so it may be loading once more just now: one look has to see all of it.
        tab.wait(
            'document.body?.innerText.includes("out of date, so this is a new one. If you read this again, allow")'
        )
    finally:
        chromium.stop()
    assert shown(server, made)["status"] == "PENDING"


def test_the_last_page_can_be_loaded_again(server, made, tab):
    connect(tab, made["url"])
    before = shown(server, made)["last_updated_time"]
    tab.run("document.title = 'before'")
    tab.reload()
    tab.wait("document.title != 'before'")
    tab.wait_for("Connected to Harbour & Pine")
    assert shown(server, made)["last_updated_time"] == before and call(server, made) == 200


def test_all_is_labelled_and_reached_by_keyboard_in_the_order_it_is_read(made, tab):
    tab.open(made["url"])
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


def test_every_page_fits_a_phone(made, tab):
    def fits():
        wide = tab.run(
            "[...document.querySelectorAll('body *')].filter(e => e.scrollWidth > innerWidth).length"
        )
        small = tab.run(
            "[...document.querySelectorAll('button, label')].filter(e => e.offsetHeight < 30).length"
        )
        return (tab.run("innerWidth"), wide, small) == (360, 0, 0)

    tab.be_a_phone()
    tab.open(made["url"])
    tab.wait_for("Connect Zoho CRM")
    assert LONG in tab.text and fits()
    sign_in(tab, made["url"])
    assert fits()
    tab.click("Reject")
    tab.wait_for("The person declined access")
    assert fits()
    tab.click("Try again")
    tab.wait_for("Connect Zoho CRM")
    connect(tab, tab.url)
    assert fits()
