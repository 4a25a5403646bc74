"""What the scripts of the console do in a real browser."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_links_change_the_page_without_loading_it_anew_and_keys_lead_on(browse):
    tab = browse()
    tab.open(f"{tab.server}/console/find")
    tab.wait_for("Find")
    tab.wait("!!document.querySelector('m-palette dialog')")
    tab.run("window.mark = 1")
    tab.press("g", 71, "g")
    tab.press("l", 76, "l")
    tab.wait_for("Lab")
    assert (tab.run("window.mark"), tab.url) == (1, f"{tab.server}/console/lab")
    tab.back()
    tab.wait_for("Find")
    tab.click("Lab")
    tab.wait_for("Lab")
    assert tab.run("window.mark") == 1
    tab.press("j", 74, "j")
    assert tab.run("document.activeElement.closest('[data-row]') != null")
    tab.press(".", 190, ".")
    tab.wait("document.querySelectorAll('.palette li').length > 5")
    assert tab.complaints == []


def test_a_form_that_is_clicked_twice_is_sent_once(browse):
    tab = browse()
    tab.open(f"{tab.server}/console/lab")
    tab.wait_for("Lab")
    tab.run("document.querySelector('#slug').value = 'twice'")
    tab.click("Make it", times=2)
    tab.wait("document.querySelector('[role=status]')?.innerText == 'The organisation twice is there.'")
    assert tab.complaints == []


def test_the_editor_asks_completes_and_marks_the_fault(browse):
    tab = browse()
    tab.open(f"{tab.server}/console/query")
    tab.wait("!!document.querySelector('m-editor')?.view")
    tab.run("document.querySelector('m-editor').text = 'select Last_Name form Leads'")
    tab.click("Ask")
    tab.wait(
        "document.querySelector('m-editor').shadowRoot.querySelector('.cm-fault')?.textContent == 'form'"
    )
    tab.run(
        "document.querySelector('m-editor').text = 'select Last_Name from Leads where id is not null limit 1'"
    )
    tab.click("Ask")
    tab.wait("document.querySelector('main').innerText.includes('1 row')")
    tab.wait("document.querySelector('m-history li')?.innerText.includes('limit 1')")
    assert tab.run("document.querySelector('m-editor').shadowRoot.querySelector('.cm-fault')") is None
    options = tab.run(
        "document.querySelector('m-editor').names('Leads').then(names => window.names = names.length) && 0"
    )
    assert options == 0
    tab.wait("window.names > 20")
    tab.run("document.querySelector('m-editor').text = ''; document.querySelector('m-editor').view.focus()")
    for letter, code in (("e", 69), (".", 190), ("c", 67), ("g", 71), ("/", 191)):
        tab.press(letter, code, letter)  # It is a key of the page, but not in a field.
    assert tab.run("document.querySelector('m-editor').text") == "e.cg/"
    # A query that is refused is an answer with status 400, which browsers note.
    assert [entry for entry in tab.complaints if "400 (Bad Request)" not in entry] == []


@pytest.mark.slow
def test_the_bundle_is_made_of_the_packages_that_are_pinned():
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed here")
    made = subprocess.run(
        [ROOT / "script" / "bundle", "--check"], capture_output=True, text=True, check=False
    )
    if "npm" in made.stderr and "network" in made.stderr.lower():
        pytest.skip("npm reaches no registry here")
    assert made.returncode == 0, made.stderr + made.stdout


def test_the_query_screen_stays_within_its_size(owner):
    """200 kB compressed: the first load, and the editor."""
    names = ("moorage.css", "moorage.js", "keys.js", "vendor/htmx-4.0.1.min.js", "vendor/hx-csp-4.0.1.min.js")
    own = ("elements/editor.js", "elements/history.js", "vendor/codemirror.js")
    digest = owner.open("/console/query").text.partition("assets/")[2][:12]
    packed = {"Accept-Encoding": "gzip"}
    sizes = [
        len(owner.ask("GET", f"/assets/{digest}/{name}", headers=packed).body) for name in (*names, *own)
    ]
    assert sum(sizes) < 200_000
    assert min(sizes) > 100
