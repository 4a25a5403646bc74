"""The documents say what is there, and only that."""

import ast
import re
from pathlib import Path

import msgspec
import pytest

from moorage.cli.failures import Exit
from moorage.cli.help import pages
from moorage.oauth.apps.files import read_provider
from moorage.oauth.apps.model import DataCentre, Identity, Instance, Provider
from moorage.oauth.apps.providers import SHIPPED
from tests.cli.commands import COMMANDS as BY_WORDS

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

# The list of promises numbers those of each letter from 1.
PROMISES = {"E": 7, "K": 9, "P": 14, "R": 17, "S": 10}
SECURITY = (ROOT / "docs" / "security.md").read_text()

COMMANDS = {f"moorage {words}": command for words, command in BY_WORDS.items()}


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_and_option_is_documented(words):
    sections = re.split(r"^### ", (ROOT / "docs" / "cli.md").read_text(), flags=re.MULTILINE)
    [section] = [section for section in sections if re.match(rf"`{words}( |`)", section)]
    options = [
        name for parameter in COMMANDS[words].params for name in parameter.opts if name.startswith("--")
    ]
    shared = {"--json", "--home", "--url", "--yes", "--help"}
    assert [option for option in options if option not in shared and f"`{option}" not in section] == []


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_speaks_json(words):
    assert "--json" in [name for parameter in COMMANDS[words].params for name in parameter.opts]


def test_every_exit_status_is_documented():
    page = (ROOT / "docs" / "cli.md").read_text()
    assert [int(number) for number in re.findall(r"^\| (\d+) \|", page, flags=re.MULTILINE)] == [
        int(e) for e in Exit
    ]


def test_every_finding_of_a_diagnosis_is_documented():
    source = (ROOT / "src" / "moorage" / "oauth" / "diagnosis" / "findings.py").read_text()
    codes = set(re.findall(r'Finding\(\s*"(\w+)"', source))
    codes |= {f"{side}_{fate}" for side in ("accounts", "api") for fate in ("unreachable", "failing")}
    page = (ROOT / "docs" / "api.md").read_text()
    assert len(codes) > 10 and [code for code in sorted(codes) if f"`{code}`" not in page] == []


def test_every_event_that_deserves_an_alarm_is_documented():
    sources = [source.read_text() for source in (ROOT / "src" / "moorage").rglob("*.py")]
    events = {
        event
        for text in sources
        for event in re.findall(r'log\.(?:error|exception|critical)\(\s*"([^"]+)"', text)
    }
    page = (ROOT / "docs" / "operations.md").read_text()
    assert len(events) > 5 and [event for event in sorted(events) if f"`{event}`" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (page.parent / link).exists()] == []


def anchors(page):
    """What links to a section of a page call it: its heading in lower case, without signs, with hyphens for spaces."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_section_leads_to_one(page):
    links = re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text())
    targets = [(page.parent / name if name else page, section) for name, section in links]
    assert [section for target, section in targets if section not in anchors(target)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_shows_exists(page):
    shown = re.findall(r"^\$ (moorage .*)", page.read_text(), re.MULTILINE)
    for block in re.findall(r"^```sh\n(.*?)```", page.read_text(), re.MULTILINE | re.DOTALL):
        shown += re.findall(r"\b(moorage [a-z].*)", block)
    known = tuple(COMMANDS)
    assert [line for line in shown if not line.startswith(known)] == []


def test_every_page_that_the_code_points_to_exists():
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "src").rglob("*.toml"), *(ROOT / "script").iterdir()]
    named = {page for source in sources for page in re.findall(r"docs/[\w/-]+\.md", source.read_text())}
    assert named and [page for page in named if not (ROOT / page).exists()] == []


def texts(source):
    """The texts that code can show somebody: all but docstrings."""
    tree = ast.parse(source.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_nobody_is_sent_to_a_file_that_an_installed_package_has_not():
    sources = (ROOT / "src" / "moorage").rglob("*.py")
    assert [text for source in sources for text in texts(source) if re.search(r"docs/\w+\.md", text)] == []


def test_every_page_that_moorage_help_is_said_to_show_exists():
    named = {
        topic
        for source in (ROOT / "src" / "moorage").rglob("*.py")
        for topic in re.findall(r"`moorage help ([a-z ]+)`", source.read_text())
    }
    assert named and named <= set(pages())


def test_the_readme_leads_to_every_page():
    readme = (ROOT / "README.md").read_text()
    shown = [f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")]
    assert [page for page in (*shown, "docs/crm/README.md") if f"]({page})" not in readme] == []


def test_the_readme_of_the_crm_leads_to_its_other_pages():
    readme, *others = sorted((ROOT / "docs" / "crm").glob("*.md"))
    assert [page.name for page in others if f"]({page.name})" not in readme.read_text()] == []


def test_every_decision_is_numbered_and_says_what_it_decides():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(numbers) == len(set(numbers)), "Two decisions have one number."
    for number, page in zip(numbers, pages, strict=True):
        assert number.isdecimal() and page.read_text().startswith(f"# {number}: ")


def kept_promises():
    """The rows of the security page's tables: an id, and who is said to hold the promise."""
    for row in re.findall(r"^\| ([A-Z]\d.*) \|$", SECURITY, re.MULTILINE):
        ids, _, held_by = row.split(" | ", 2)
        yield from ((promise, held_by) for promise in ids.split(", "))


def test_every_promise_is_listed():
    listed = {promise for promise, _ in kept_promises()}
    assert [
        f"{letter}{number}"
        for letter, most in PROMISES.items()
        for number in range(1, most + 1)
        if f"{letter}{number}" not in listed
    ] == []


def test_every_promise_is_held_by_a_test_or_says_why_not():
    rows = [(promise, held_by) for promise, held_by in kept_promises() if promise[0] in PROMISES]
    assert [promise for promise, held_by in rows if not re.search(r"`\w+/(\w+\.py)?|\bleft\b", held_by)] == []


def test_every_test_that_the_security_page_names_exists():
    named = set(re.findall(r"`((?:\w+/)+(?:test_\w+\.py)?)`", SECURITY))
    assert len(named) > 40 and [name for name in named if not (ROOT / "tests" / name).exists()] == []


def declared(struct, prefix=""):
    """The keys of an app's file, as its page writes them."""
    for field in msgspec.structs.fields(struct):
        inner = {"data_centres": (DataCentre, "data_centres.{name}."), "instance": (Instance, "instance.")}
        inner["identity"] = (Identity, "identity.")
        yield from declared(*inner[field.name]) if field.name in inner else [prefix + field.name]


def test_every_key_of_an_apps_file_is_documented():
    page = (ROOT / "docs" / "apps.md").read_text().partition("## Every key")[2]
    assert sorted(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)) == sorted(declared(Provider))


def test_every_shipped_app_is_documented():
    page = (ROOT / "docs" / "apps.md").read_text().partition("## An app of your own")[0]
    apps = [read_provider(file) for file in SHIPPED.glob("*.toml")]
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (.+?) \| (.+?) \| documentation, .+ \|$", page, re.MULTILINE)
    assert sorted(rows) == sorted(
        (
            app.name,
            app.title,
            ", ".join(app.data_centres),
            f"`{app.client_name}`" if app.signs_in else "none: a key is pasted",
        )
        for app in apps
    )


def test_the_app_that_the_page_shows_is_sound(tmp_path):
    example = re.search(r"```toml\n(.+?)```", (ROOT / "docs" / "apps.md").read_text(), re.DOTALL).group(1)
    (tmp_path / "example-crm.toml").write_text(example)
    assert read_provider(tmp_path / "example-crm.toml").signs_in
