"""A person with a real browser joins with a link, signs out and in again, and invites somebody."""

import pytest

from tests.flows.chromium import MISSING, PROGRAM, Chromium

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

PASSWORD = "four words and a sail"


@pytest.fixture
def tab(tmp_path):
    chromium = Chromium(tmp_path)
    yield chromium.tab()
    chromium.stop()


def test_an_owner_joins_and_invites_somebody(server, tab):
    tab.forbid_scripts()
    tab.open(server.run("people", "invite", "--role", "owner").stdout.strip())
    tab.wait_for("Welcome to Moorage")
    tab.type("input[name=name]", "Ada")
    tab.type("input[name=email]", "ada@example.com")
    for field in ("password", "repeated"):
        tab.type(f"input[name={field}]", PASSWORD)
    tab.click("Sign in")
    tab.wait_for("Welcome, Ada")
    tab.open(f"{server.gateway}/me")
    tab.wait_for("Ada")
    tab.click("Sign out")
    tab.wait_for("Sign in to Moorage")
    tab.open(f"{server.gateway}/people")
    tab.wait_for("Sign in to Moorage")
    tab.type("input[name=email]", "ada@example.com")
    tab.type("input[name=password]", PASSWORD)
    tab.click("Sign in")
    tab.wait_for("People")
    tab.type("input[name=email]", "bob@example.com")
    tab.click("Invite, and show the link")
    tab.wait_for("A link for bob@example.com")
    tab.click("Done")
    tab.wait_for("People")
    row = "[...document.querySelectorAll('tr')].find(row => row.innerText.includes('bob@example.com')).innerText"
    assert {"approver", "invited"} <= set(tab.run(row).split())
    assert tab.complaints == []
