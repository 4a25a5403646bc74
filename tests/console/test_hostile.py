"""Hostile texts in everything that people can name, and in every address: shown as text, and never an error of ours."""

import json
import os
import re
from urllib.parse import quote, urlencode

import pytest

from tests.console.hostile import HOSTILE, seen_as_text
from tests.console.screens import NOT_SHOWN, PAGES, at, screens, values_of
from tests.console.visitor import Visitor

MARKUP = "<img src=x onerror=alert(1)>\"'{{7*7}}"
SLUG = f"hostile-{os.getpid()}"
# What no text of Python's can be, and what leads elsewhere, already in the form of a path.
IN_PATHS = (
    *(quote(text, safe="") for text in HOSTILE),
    "..%2f..%2fme",
    "%ED%A0%80%FF",
    "9" * 400,
)
# All that pages read from their addresses.
NAMES = (
    "access", "after", "app", "call", "columns", "connection", "count", "counts", "cursor", "diagnosis", "end",
    "example", "field", "find", "format", "ids", "is", "join", "layout", "leads", "module", "note", "of", "order",
    "page", "proof", "q", "sort", "start", "state", "tab", "try", "value", "verify", "view", "whole", "word",
)  # fmt: skip
STREAMS = {"/console/requests/tail"}  # It does not end.


def made(server, path, body, **headers):
    status, _, answer = server.call("POST", path, body, headers)
    assert status in {200, 201}, answer
    return json.loads(answer)


@pytest.fixture
def named(server):
    """One of everything that people can name, with names that harm; by the parameters of paths."""
    made(server, "/organisations", {"slug": SLUG, "name": MARKUP})
    labels = {"alias": SLUG, "tags": [f"a:b=c_{SLUG}"], "end_user": MARKUP.replace(" ", "_")}
    body = {"app": "zoho-crm", "organisation": SLUG, **labels}
    connection = made(server, "/connections", body)["connection"]["connection_id"]
    through = {"Maton-Connection": connection}
    lead = {"Last_Name": MARKUP, "City": MARKUP, "Description": "\n".join(HOSTILE[:5])}
    answer = made(server, "/zoho-crm/crm/v8/Leads", {"data": [lead]}, **through)
    record = answer["data"][0]["details"]["id"]
    note = {"Note_Title": MARKUP, "Note_Content": "\n".join(HOSTILE[:5])}
    made(server, f"/zoho-crm/crm/v8/Leads/{record}/Notes", {"data": [note]}, **through)
    key = made(server, "/keys", {"name": MARKUP, "policy": {"mode": "strict"}})
    secret = {"Authorization": f"Bearer {key['secret']}", **through}
    status, _, held = server.call("POST", "/zoho-crm/crm/v8/Leads", {"data": [lead]}, secret)
    assert status == 403, held
    yield {
        "connection": connection,
        "slug": SLUG,
        "record": record,
        "approval_id": json.loads(held)["error"]["id"],
        "key_id": key["key"]["id"],
    }
    server.call("DELETE", f"/connections/{connection}")
    server.call("DELETE", f"/organisations/{SLUG}")


@pytest.fixture
def person(server):
    """An owner whose own name harms."""
    return Visitor(server).join("owner", MARKUP, email=f"{SLUG}@example.com")


def test_what_people_name_is_shown_as_text_on_every_screen(person, named):
    shown = 0
    for screen in screens(person, **named):
        more = f"{'&' if '?' in screen.at else '?'}connection={named['connection']}&tab=Notes&state=waiting"
        for address in (screen.at, screen.at + more):
            page = person.open(address)
            assert page.status == 200, address
            assert seen_as_text(page), address
            assert "{{7*7}}" in page.text, address  # The person's name is on all of them.
            shown += page.words.count("onerror=alert(1)")
    assert shown > 3 * len(PAGES - NOT_SHOWN)


def test_no_address_makes_an_error_of_ours(server, owner):
    values, wrong = values_of(owner) | {"{attachment}": "1"}, {}
    addresses = []
    for number, page in enumerate(sorted(PAGES - STREAMS)):
        for name in re.findall(r"\{\w+\}", page):
            # Each text at some page, and each parameter with three of them.
            chosen = [IN_PATHS[(number + step) % len(IN_PATHS)] for step in (0, 3, 7)]
            addresses += [at(page, values | {name: text}) for text in chosen]
        for text in (HOSTILE[number % 5], HOSTILE[6], "9" * 400):
            addresses.append(f"{at(page, values)}?{urlencode(dict.fromkeys(NAMES, text))}")
    for address in addresses:
        answer = owner.ask("GET", address)
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        if answer.status >= 500 or (is_page and not seen_as_text(answer)):
            wrong[address] = answer.status
    assert wrong == {}
    server.process.stderr.seek(0)
    assert [line for line in server.process.stderr if "Traceback" in line] == []
