"""Who comes into the console, what every page has around it, and what browsers may do on it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from moorage.console.filters import ago
from tests.console.visitor import FORM

ROLES = ("owner", "operator", "approver", "support")


def test_a_browser_is_led_to_the_console_and_a_program_is_not(visitor):
    assert visitor.ask("GET", "/").headers["location"] == "./console"
    assert visitor.ask("GET", "/", headers={"Accept": "application/json"}).status == 404
    assert visitor.ask("GET", "/", headers={"Authorization": "Bearer x"}).status == 404


@pytest.mark.parametrize("path", ["/console", "/console/nothing", "/console/keys/1"])
def test_a_stranger_signs_in_first_and_comes_back(visitor, path):
    found = visitor.ask("GET", f"{path}?state=a%26b")
    assert found.status == 303
    assert found.headers["location"].endswith(f"sign-in?next={path}%3Fstate%3Da%2526b")
    assert visitor.ask("GET", f"{path}?format=json").json["error"]["code"] == "person_needed"
    by_script = visitor.ask("GET", path, headers={"HX-Request": "true"})
    assert (by_script.status, "sign-in" in by_script.headers["hx-redirect"]) == (204, True)


@pytest.mark.parametrize(
    ("sent", "page"),
    [
        ("/console/approvals/an-id/approve", "/console/approvals/an-id"),
        ("/console/people", "/console/people"),
        ("/console/nowhere/at/all", "/console"),
    ],
)
def test_who_sends_a_form_without_a_session_comes_back_to_a_page(visitor, sent, page):
    found = visitor.ask("POST", sent, b"", FORM)
    assert (found.status, found.headers["location"].partition("?")[2]) == (303, f"next={page}")


def test_an_api_key_is_nobody_in_the_console(visitor, server):
    key = {"Authorization": f"Bearer {server.api_key}"}
    assert visitor.ask("GET", "/console?format=json", headers=key).status == 401


def test_pages_say_where_calls_go(owner):
    page = owner.open("/console")
    assert 'data-environment="embedded"' in page.text
    assert "Calls go to Harbour & Pine embedded" in page.words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(30 * 86_400 - 2, "in 30 d"), (3600 - 2, "in 60 min"), (-7199, "1 h ago"), (-0.5, "0 s ago")],
)
def test_times_are_said_in_one_unit(seconds, said):
    assert ago((datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()) == said


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_its_sections_and_no_others(member, role):
    sections = set(re.findall(r'data-key="\w"[^>]*>(\w+)[ <]', member(role).open("/console").text))
    beyond = {
        "owner": set(),
        "operator": set(),
        "approver": {"Lab", "Audit"},
        "support": {"Lab", "CRM", "Query"},
    }
    everything = {"Home", "Connections", "Requests", "CRM", "Approvals", "Keys", "Query", "Lab", "Limits"}
    assert sections == (everything | {"Apps", "Audit", "People"}) - beyond[role]


def test_pages_forbid_what_they_do_not_need(owner):
    first, second = owner.open("/console"), owner.open("/console")
    policy = first.headers["content-security-policy"]
    [nonce] = re.findall(r"'nonce-([^']+)'", policy)
    assert f'nonce="{nonce}"' in first.text
    assert nonce not in second.text
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert first.headers["cache-control"] == "no-store"


def test_the_first_load_is_small_and_comes_from_here(owner):
    page = owner.open("/console")
    links = set(re.findall(r'(?:src|href)="([^"#?]*assets/[^"]+)"', page.text))
    size = 0
    for link in links:
        found = owner.ask("GET", f"/{link.lstrip('./')}", headers={"Accept-Encoding": "gzip"})
        assert (found.status, found.headers["content-encoding"]) == (200, "gzip"), link
        assert "immutable" in found.headers["cache-control"]
        size += len(found.body)
    assert len(links) >= 4
    assert size < 60_000
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', page.text)


@pytest.mark.parametrize("path", ["/assets/0/moorage.css", "/assets/0/../pages/base.html", "/assets/x"])
def test_only_the_files_of_pages_are_there(owner, visitor, path):
    digest = re.search(r"assets/(\w+)/", owner.open("/console").text)[1]
    assert visitor.ask("GET", path).status == 404
    assert visitor.ask("GET", path.replace("/0/", f"/{digest}/x/../")).status == 404


def test_a_page_says_what_a_form_did_and_nothing_for_others(owner):
    assert "Send money" not in owner.open("/console?note=Send+money&proof=x").words


def test_what_is_not_there_is_a_page_with_its_status(owner):
    missing = owner.open("/console/nothing")
    assert (missing.status, "no such page" in missing.words) == (404, True)
    wrong = owner.ask("PUT", "/console")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET")


def test_the_palette_finds_pages_connections_and_keys(owner):
    found = owner.twin("/console/find?q=harbour")["found"]
    assert {entry["kind"] for entry in found} == {"connection of zoho-crm"}  # Other tests may have made more.
    assert owner.twin("/console/find?q=audit")["found"] == [
        {"title": "Audit", "kind": "section", "href": "../console/audit"}
    ]
