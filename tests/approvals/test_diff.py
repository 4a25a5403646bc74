"""What a person is shown of a held call, before it is sent."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.approvals.contents import call_document
from moorage.approvals.diff import LONGEST_VALUE, diff_of
from moorage.approvals.model import Answer, Approval, HeldCall
from moorage.approvals.sending import Unsent
from moorage.crm import Trial, TriedRecord
from moorage.keys.errors import KeyInvalid
from tests.approvals.conftest import asked

LEAD = {
    "id": "1",
    "Full_Name": "Ada Marsh",
    "City": "Leeds",
    "Owner": {"name": "Jo", "id": "7"},
    "Modified_Time": "2026-01-01T00:00:00Z",
    "$editable": True,
    "Tag": [],
}


class Looking:
    """Plays an app. `found` has what is at each path."""

    def __init__(self, found=None, trial=None, error=None):
        self.found, self.trial, self.error = found or {}, trial, error
        self.asked = []

    async def read(self, approval, native):
        self.asked.append(native.decode())
        if self.error is not None:
            raise self.error
        document = self.found.get(native.decode())
        return Answer(404 if document is None else 200, [], json.dumps(document).encode())

    async def try_out(self, approval, call):
        if self.error is not None:
            raise self.error
        return self.trial


def diff(looking, method, native, body=None, environment="live", kind="write"):
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    approval = Approval("a1", asked(environment=environment, kind=kind), method, "/", 0, b"", "waiting", 0, 0)
    call = HeldCall(method, native.encode("latin-1"), [], data)
    return asyncio.run(diff_of(looking, approval, call, 5))


def rows(change):
    return [(field.name, field.old, field.new) for field in change.fields]


def lead(**changes):
    return {"/crm/v8/Leads/1": {"data": [LEAD | changes]}}


def test_an_update_of_a_live_record_shows_what_is_there_and_what_the_body_says():
    looking = Looking(lead())
    body = {
        "data": [{"id": "1", "City": "York", "Owner": {"id": "7"}, "Phone": "5", "Tag": [{"name": "hot"}]}]
    }
    shown = diff(looking, "PUT", "/crm/v8/Leads", body)
    [change] = shown.records
    assert (change.what, change.module, change.id, change.name) == ("changed", "Leads", "1", "Ada Marsh")
    assert rows(change) == [
        ("City", "Leeds", "York"),
        ("Tag", None, "hot"),
        ("Phone", None, "5"),
    ]
    assert (looking.asked, shown.notes, shown.at) == (["/crm/v8/Leads/1"], [], 5)


@pytest.mark.parametrize("native", ["/crm/v8/Leads?ids=1,2", "/crm/v8/Leads?ids=1&ids=2"])
def test_a_deletion_shows_what_will_be_lost(native):
    shown = diff(Looking(lead()), "DELETE", native)
    first, second = shown.records
    assert (first.what, first.name) == ("deleted", "Ada Marsh")
    assert ("City", "Leeds", None) in rows(first)
    assert ("Owner", "Jo (7)", None) in rows(first)
    assert {name for name, _, _ in rows(first)} == {"Full_Name", "City", "Owner"}
    assert second.id == "2"
    assert shown.notes == ["The record 2 of Leads can't be read, or does not exist."]


def test_no_spelling_of_a_body_hides_what_it_changes():
    path = diff(Looking(lead()), "PUT", "/crm/v8/Leads/1", {"data": [{"id": "2", "City": "York"}]})
    twice = diff(
        Looking(lead()), "PUT", "/crm/v8/Leads", {"data": [{"id": "1", "City": "York"}, {"id": "1"}]}
    )
    assert rows(path.records[0]) == [("id", "1", "2"), ("City", "Leeds", "York")]
    assert rows(twice.records[0]) == [("City", "Leeds", "York")]
    unclear = diff(Looking(lead()), "PUT", "/crm/v8/Leads/1", b'{"data":[{"City":"York"}],"data":[{}]}')
    assert "in one way only" in unclear.notes[-1]
    shown = call_document(HeldCall("PUT", b"/x", [], b'{"a":1,"a":2}'))
    assert shown["body"] == '{"a":1,"a":2}'


def test_new_records_show_their_fields_and_are_not_asked_for():
    looking = Looking()
    shown = diff(looking, "POST", "/crm/v8/Leads/upsert", {"data": [{"Last_Name": "N"}] * 12})
    assert (len(shown.records), shown.beyond, looking.asked) == (10, 2, [])
    assert rows(shown.records[0]) == [("Last_Name", None, "N")]
    assert "known" not in shown.notes[0].lower() or "changed" in shown.notes[0]


def test_another_app_is_read_at_the_same_path():
    contact = {"id": "9", "properties": {"firstname": "Ada", "city": "Leeds"}, "name": "Ada"}
    looking = Looking({"/crm/v3/objects/contacts/9": contact})
    shown = diff(looking, "PATCH", "/crm/v3/objects/contacts/9?x=1", {"properties": {"city": "York"}})
    [change] = shown.records
    assert rows(change) == [("properties.city", "Leeds", "York")]
    assert change.name == "Ada"
    [gone] = diff(looking, "DELETE", "/crm/v3/objects/contacts/9").records
    assert gone.what == "deleted"


def test_only_ids_are_read():
    looking = Looking()
    body = {"data": [{"id": "../../users"}, {"id": "1?a=b"}, {"id": 5}, {"City": "York"}]}
    shown = diff(looking, "PUT", "/crm/v8/Leads", body)
    assert looking.asked == ["/crm/v8/Leads/5"]
    assert len(shown.records) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KeyInvalid(), "its API key was revoked"),
        (Unsent("no route"), "no route"),
        (RuntimeError("secret"), "server's log"),
    ],
)
def test_without_a_diff_there_is_a_sentence(error, words):
    for environment in ("live", "embedded"):
        shown = diff(Looking(error=error), "PUT", "/crm/v8/Leads/1", {"data": [{}]}, environment)
        assert shown.records == []
        assert words in shown.notes[0]
        assert "secret" not in shown.notes[0]


@pytest.mark.parametrize("environment", ["live", "embedded"])
def test_a_call_that_only_reads_is_told_as_such_and_not_made(environment):
    looking = Looking(error=RuntimeError())
    [note] = diff(looking, "GET", "/crm/v8/Leads", environment=environment, kind="read").notes
    assert note.startswith("This call only reads") and looking.asked == []


def test_a_call_that_was_tried_out_shows_all_records_that_it_touches():
    records = [
        TriedRecord("Leads", "1", "Ada Marsh", LEAD, LEAD | {"City": "York", "Modified_Time": "later"}),
        TriedRecord("Deals", "3", "Big", {"Deal_Name": "Big"}, None),
        TriedRecord("Accounts", "4", "Same", {"Name": "Same", "Modified_Time": "a"}, {"Name": "Same"}),
    ]
    shown = diff(Looking(trial=Trial(200, b"", records, 3)), "PUT", "/x", environment="embedded")
    assert [(change.what, change.name, rows(change)) for change in shown.records] == [
        ("changed", "Ada Marsh", [("City", "Leeds", "York")]),
        ("deleted", "Big", [("Deal_Name", "Big", None)]),
    ]
    assert shown.beyond == 3
    for answer, said in (
        (b"", "status 400."),
        (b'{"code": "NO_PERMISSION", "message": "denied"}', "status 400: denied (NO_PERMISSION)."),
        (b'{"data": [{"code": "INVALID_DATA", "message": "no such id"}]}', "no such id (INVALID_DATA)."),
    ):
        refused = diff(Looking(trial=Trial(400, answer)), "PUT", "/x", environment="embedded")
        assert refused.notes[0].endswith(said)
    assert "too long" in diff(Looking(), "PUT", "/x", environment="embedded").notes[0]


def test_long_values_are_cut_with_their_length():
    long = "x" * (LONGEST_VALUE + 1)
    [change] = diff(Looking(lead()), "PUT", "/crm/v8/Leads/1", {"data": [{"City": long}]}).records
    assert change.fields[0].new == f"{long[:-1]}… (cut; it has {len(long)} characters)"


KEYS = st.sampled_from(["data", "id", "a"])
DOCUMENTS = st.recursive(
    st.none() | st.text(max_size=3),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner),
    max_leaves=4,
)


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    st.sampled_from(["/crm/v8/Leads", "/crm/v8/Leads/1", "/crm/v8/Leads/upsert", "/x/y", "/"]),
    st.binary(max_size=9) | DOCUMENTS,
    DOCUMENTS,
)
def test_any_body_and_any_answer_have_a_diff(method, native, body, found):
    shown = diff(Looking(dict.fromkeys([native, "/crm/v8/Leads/1"], found)), method, native, body)
    assert shown.records or shown.notes
    assert not any("log" in note for note in shown.notes)
