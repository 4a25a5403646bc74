"""Notes on their way to the sheets of their accounts."""

import sqlite3
from contextlib import closing

import pytest

from moorage.requests import Notes
from moorage.requests.bodies import Bodies, WaitingBodies, body_of
from moorage.requests.notes import LONGEST_SHEET
from moorage.requests.place import prepare
from moorage.requests.writer import Writer
from moorage.settings import load
from tests.calls import add, calls_on, noted


@pytest.mark.parametrize("accounts", [("a",), ("a", "b", "a", "c")])
@pytest.mark.parametrize("count", [1, 15, 16, 1203])
def test_each_account_has_its_calls_in_their_order(accounts, count):
    notes, wanted = Notes(), {}
    for index in range(count):
        account = accounts[index % len(accounts)]
        note = noted(account, path=f"/crm/v8/Leads/{index % 3}", request_id=f"r{index}")
        add(notes, note)
        wanted.setdefault(account, []).append((note.native, note.request_id))
    assert len(notes) == count
    found = {}
    for sheet in notes.take():
        assert len(sheet) <= LONGEST_SHEET
        calls = [(call.native, call.request_id) for call in calls_on(sheet)]
        found[sheet.account_id] = found.get(sheet.account_id, []) + calls
    assert found == wanted
    assert (len(notes), notes.take()) == (0, [])


def test_bodies_stay_with_their_calls():
    notes = Notes(WaitingBodies(100))
    for index in range(150):
        add(notes, noted("ab"[index % 2], request_id=f"r{index}"))
        if index % 5 == 0:
            notes.keep(Bodies(body_of((), 3, b"%03d" % index), None, ()))
    found = {}
    for sheet in notes.take():
        calls = calls_on(sheet)
        found |= {calls[place].request_id: one.request.start for place, one in sheet.bodies.items()}
    assert found == {b"r%d" % index: b"%03d" % index for index in range(0, 150, 5)}


def test_calls_that_differ_in_an_id_are_looked_at_once():
    looked_at, notes = [], Notes()

    def classify(*call):
        looked_at.append(call)
        return Classified

    writer = Writer(None, notes, classify)
    for index in range(3):
        add(notes, noted("a", path=f"/crm/v8/Leads/72434850000005970{index:02}?fields=City"))
    [sheet] = notes.take()
    paths = [writer._called(what).native for what in sheet.places]
    assert paths == [b"/crm/v8/Leads/72434850000005970%02d?fields=City" % index for index in range(3)]
    assert len(looked_at) == 1


class Classified:
    name, kind, modules = "get a record", "read", ("Leads",)


def test_a_new_file_has_large_pages(tmp_path):
    prepare(load({"MOORAGE_HOME": str(tmp_path)}))
    file = tmp_path / "requests.db"
    assert file.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (16 * 1024,)
