"""Every screen in a real browser: nothing keeps anybody from using it, nothing overflows, nothing is refused."""

import json
import re

import pytest

from tests.console import axe, tabbing
from tests.console.screens import NOT_SHOWN, PAGES, screens
from tests.flows.storages import each_storage

WIDE, NARROW = 1280, 320  # Pixels.
WHOLE = """document.readyState == 'complete' && document.querySelector('h1')
  && !document.querySelector(':not(:defined)')
  && [...document.querySelectorAll('m-editor')].every(editor => editor.view)"""


def faults(tab):
    """What is wrong with the page in a tab, in its four looks, and by keyboard."""
    found = {f"light {WIDE}": axe.violations(tab) + overflow(tab)}
    for theme, width in (("dark", WIDE), ("dark", NARROW), ("light", NARROW)):
        tab.be_themed(theme)
        tab.be_wide(width)
        # Contrast is all that the second theme of a width can change.
        is_seen = width == WIDE or theme == "light"
        look = f"{theme} {width}"
        found[look] = axe.violations_again(tab, look, contrast_only=is_seen) + overflow(tab)
    tab.be_wide(WIDE)
    found |= {"keyboard": tabbing.faults(tab), "complaints": tab.complaints}
    return {where: what for where, what in found.items() if what}


def overflow(tab):
    width = tab.run(
        "document.documentElement.scrollWidth > innerWidth && document.documentElement.scrollWidth"
    )
    return [f"it overflows: {width} pixels"] if width else []


def test_nothing_keeps_anybody_from_using_a_screen(owner, browse):
    """Wide and narrow, light and dark, and by keyboard alone. A page is opened once for all of it."""
    if not axe.AXE.exists():
        pytest.skip(axe.MISSING)
    tab, wrong = browse(), {}
    axe.bring(tab)
    for screen in screens(owner):
        tab.be_themed("light")
        tab.open(f"{tab.server}{screen.at}")
        tab.wait(WHOLE)
        if found := faults(tab):
            wrong[screen.page] = found
            print(screen.page, json.dumps(found, indent=1))
        tab.forget_complaints()
    assert wrong == {}


@each_storage
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
