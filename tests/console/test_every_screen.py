"""Every screen in a real browser: nothing keeps anybody from using it, nothing overflows, nothing is refused."""

import json
import re
from pathlib import Path

import pytest

from tests.console.screens import NOT_SHOWN, PAGES, screens
from tests.flows.storages import STORAGES

AXE = Path(__file__).parents[2] / ".venv/axe/node_modules/axe-core/axe.min.js"
# Wide and light, narrow and dark: between them everything that a screen can look like.
LOOKS = {"wide": (1280, "light"), "narrow": (320, "dark")}


@pytest.fixture
def axe():
    if not AXE.exists():
        pytest.skip("axe is not installed here (script/bootstrap takes it with npm)")
    return AXE.read_text()


def violations(tab, axe):
    tab.run(axe)
    tab.run("window.found = null; axe.run().then(done => { window.found = done.violations; }); 0")
    tab.wait("window.found !== null")
    node = "n => n.target.join(' ') + ' ' + n.html.slice(0, 90)"
    return json.loads(tab.run(f"JSON.stringify(window.found.map(v => [v.id, v.help, v.nodes.map({node})]))"))


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_keeps_anybody_from_using_a_screen(owner, browse, axe, look):
    width, theme = LOOKS[look]
    tab = browse(width=width)
    tab.be_themed(theme)
    wrong = {}
    for screen in screens(owner):
        tab.open(f"{tab.server}{screen.at}")
        tab.wait("document.readyState == 'complete' && !!document.querySelector('h1')")
        found = violations(tab, axe)
        if tab.run("document.documentElement.scrollWidth > innerWidth"):
            found.append(["overflow", tab.run("document.documentElement.scrollWidth")])
        if found or tab.complaints:
            wrong[screen.page] = found, tab.complaints
            print(screen.page, json.dumps(found, indent=1), tab.complaints)
            tab.forget_complaints()
    assert wrong == {}


@pytest.mark.parametrize("storage", STORAGES, indirect=True)
def test_every_screen_works_without_scripts_and_has_a_twin(owner):
    for screen in screens(owner):
        page = owner.open(screen.at)
        assert page.status == 200, screen
        assert "<h1" in page.text, screen
        assert isinstance(owner.twin(screen.at), dict), screen


def test_no_screen_shows_a_token_or_the_secret_of_a_key(owner):
    for screen in screens(owner):
        found = f"{owner.open(screen.at).text}{owner.twin(screen.at)}"
        assert not re.search(r"mk_(live|test)_[0-9A-Za-z]{20}|1000\.[0-9a-f]{32}\.", found), screen


def test_every_page_is_looked_at(owner):
    assert {screen.page for screen in screens(owner)} == PAGES - NOT_SHOWN
