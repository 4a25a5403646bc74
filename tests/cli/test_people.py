"""`moorage people`, on a data folder without a server."""

import re

import pytest

LINK = re.compile(r"http://127\.0\.0\.1:8787/welcome\?token=[\w-]{43}")


@pytest.fixture
def grace(moorage, home):
    invited = moorage(
        "people", "invite", "Grace@example.com", "--name", "Grace Hopper", "--role", "owner", "--json"
    )
    assert invited.status == 0 and LINK.fullmatch(invited.json["link"])
    return invited.json["person"]


def test_whoever_is_invited_is_listed_and_the_link_is_not(moorage, grace):
    assert (grace["email"], grace["role"], grace["has_joined"]) == ("grace@example.com", "owner", False)
    assert moorage("people", "list", "--json").json["people"] == [grace]
    table = moorage("people", "list").out
    assert "grace@example.com" in table and "invited" in table and "token" not in table


def test_an_owner_of_a_folder_that_was_there_before_gets_a_link(moorage, home):
    outcome = moorage("people", "invite", "--role", "owner")
    assert LINK.fullmatch(outcome.out.strip()) and "works once" in outcome.err
    assert moorage("people", "list", "--json").json["people"] == []


def test_people_are_changed_by_their_address_or_id(moorage, grace):
    changed = moorage("people", "role", "GRACE@example.com", "support", "--json").json["person"]
    assert changed["role"] == "support"
    link = moorage("people", "reset", grace["id"], "--yes").out.strip()
    assert LINK.fullmatch(link)
    assert "Removed grace@example.com" in moorage("people", "remove", grace["id"], "--yes").out
    assert moorage("people", "list", "--json").json["people"] == []


def test_an_address_is_found_in_the_spelling_that_it_was_invited_with(moorage, grace):
    moorage("people", "invite", "Äda@example.com", "--role", "support")
    outcome = moorage("people", "remove", "ÄDA@Example.com", "--yes")
    assert outcome.status == 0 and "Äda@example.com" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("role", "grac@example.com", "owner"), "person_unknown", "Did you mean"),
        (("role", "grace@example.com", "ownr"), "person_invalid", "Did you mean owner"),
        (("invite", "grace@example.com", "--role", "owner"), "person_exists", "already"),
        (("invite", "grace", "--role", "owner"), "person_invalid", "ada@example.com"),
        (("invite", "x@example.com", "--role", "owner", "--name", "\x1b[31m"), "person_invalid", "printable"),
        (("remove", "nobody", "--yes"), "person_unknown", "people list"),
    ],
)
def test_mistakes_are_named(moorage, grace, arguments, code, says):
    outcome = moorage("people", *arguments, "--json")
    status = {"person_unknown": 5, "person_invalid": 2}.get(code, 1)
    assert (outcome.status, outcome.error["code"]) == (status, code)
    assert says in str(outcome.err)
