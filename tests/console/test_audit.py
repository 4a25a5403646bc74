"""The screen of the audit: the list, one entry, the chain, and the file."""

import json

import pytest

from moorage.console.audit import changes
from tests.console.test_requests import HOSTILE
from tests.flows.storages import each_storage


@pytest.fixture
def entry(owner):
    """Makes a key with a hostile name; gives the number of its entry."""
    owner.server.run("key", "create", "--name", HOSTILE)
    found = owner.twin("/console/audit?action=key.created")["entries"]
    assert found[0]["after"]["name"] == HOSTILE
    return found[0]["number"]


@each_storage
def test_the_list_shows_who_did_what_and_that_the_chain_is_whole(owner, entry):
    page = owner.open("/console/audit?action=key.created")
    assert f"console/audit/{entry}" in page.text
    assert "person.joined" not in page.words
    assert "are as they were written" in page.words
    whole = owner.twin("/console/audit?verify=1")["chain"]
    assert (whole["first"], whole["faults"], whole["next_cursor"]) == (1, [], None)
    assert whole["upto"] >= entry


def test_an_entry_shows_what_it_changed(owner, entry):
    page = owner.open(f"/console/audit/{entry}")
    assert HOSTILE in page.words
    assert "<img" not in page.text
    assert "<ins>" in page.text
    subject = owner.twin(f"/console/audit/{entry}")["entry"]["subject"]
    assert f'console/keys/{subject}">as it is now' in page.text
    assert owner.open(f"/console/keys/{subject}").status == 200
    for number in ("0", "999999999", "x", "9" * 40, "%00"):
        assert owner.open(f"/console/audit/{number}").status == 404


def test_a_filter_that_cannot_be_read_is_shown_with_what_would_be_right(owner):
    page = owner.open("/console/audit?since=soon")
    assert (page.status, "Use a time such as" in page.words) == (400, True)
    assert 'value="soon"' in page.text
    assert owner.open("/console/audit?verify=" + "9" * 30).status == 200


@each_storage
def test_the_file_has_all_entries_that_fit(owner, entry):
    answer = owner.ask("GET", "/console/audit/export?action=key.created")
    assert 'filename="audit.jsonl"' in answer.headers["content-disposition"]
    exported = [json.loads(line) for line in answer.body.splitlines()]
    assert {one["action"] for one in exported} == {"key.created"}
    assert [one["number"] for one in exported] == sorted(one["number"] for one in exported)
    assert exported[-1]["number"] == entry


def test_only_who_may_read_the_audit_sees_it(join, entry):
    approver = join("approver")
    for path in ("", "/export", f"/{entry}"):
        assert approver.ask("GET", f"/console/audit{path}").status == 403


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": False, "b": True}),
        (None, {"a": None}, {"a": True}),
        ({"a": 1}, None, {"a": True}),
        ("x", "y", {"value": True}),
        (None, None, {}),
    ],
    ids=str,
)
def test_changes_are_found_member_by_member(before, after, expected):
    assert {change["name"]: change["is_changed"] for change in changes(before, after)} == expected
