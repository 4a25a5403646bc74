"""Whoever changes the audit past Moorage is found out."""

import hashlib
import json

import pytest
import sqlalchemy as sa

from moorage.audit import note
from moorage.audit.canonical import canonical
from moorage.audit.chain import Chains
from moorage.audit.model import hash_of
from moorage.audit.service import Audit
from moorage.audit.store import Filter
from moorage.storage.backend import backend_of
from tests.audit.entries import run
from tests.control import migrated


@pytest.fixture
def url(tmp_path):
    """A control database with five entries of an account, and two of another one."""
    migrated(tmp_path / "moorage.db")
    return filled(f"sqlite:///{tmp_path / 'moorage.db'}")


def filled(url):
    async def work(database):
        async with database.transaction() as tx:
            for number in range(1, 6):
                await note(tx, "key.created", f"k{number}", account="a", after={"name": f"ä{number}"})
            for _ in range(2):
                await note(tx, "key.created", "k", account="b")

    run(url, work)
    return url


def verified(url, *anchors):
    """The faults by account, and the anchors that fit nowhere."""
    chains, missing = run(url, lambda database: Audit(database).verify(anchors))
    return {chain.account: chain.faults for chain in chains}, missing


def anchor(url, account="a"):
    chains, _ = run(url, lambda database: Audit(database).verify())
    return next(chain.anchor for chain in chains if chain.account == account)


def tamper(url, *statements):
    """Do what only the owner of the database can do: switch the triggers off, and change what is there."""
    engine = backend_of(url).writing()
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                names = connection.exec_driver_sql(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                ).all()
                for (name,) in names:
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.execute(sa.text(statement))
    finally:
        engine.dispose()


OF_A = "account_id = 'a' AND number"
LAST = f"SELECT hash FROM audit_entries WHERE {OF_A} = 4"


def test_what_nobody_has_touched_is_whole_and_fits_its_anchor(url):
    early = anchor(url)
    assert verified(url) == ({"a": [], "b": []}, [])

    async def more(database):
        async with database.transaction() as tx:
            await note(tx, "key.revoked", "k1", account="a")

    run(url, more)
    assert verified(url, early, anchor(url)) == ({"a": [], "b": []}, [])


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["UPDATE audit_entries SET subject = 'x' WHERE {} = 3"], "entry 3 was changed"),
        (["UPDATE audit_entries SET at = at + 1 WHERE {} = 3"], "entry 3 was changed"),
        (["UPDATE audit_entries SET actor_name = 'x' WHERE {} = 3"], "entry 3 was changed"),
        (["UPDATE audit_entries SET after = '{{' WHERE {} = 3"], "entry 3 was changed"),
        (["DELETE FROM audit_entries WHERE {} = 3"], "entries 3 to 3 are missing"),
        (["DELETE FROM audit_entries WHERE {} = 1"], "entries 1 to 1 are missing"),
        (["DELETE FROM audit_entries WHERE {} > 3"], "entries 4 to 5 are missing at the end"),
        (["DELETE FROM audit_entries WHERE {} > 0"], "entries 1 to 5 are missing at the end"),
        (["DELETE FROM audit_heads WHERE {} = 5"], "the note of its last entry is missing"),
        (
            [
                "UPDATE audit_entries SET number = 9 WHERE {} = 2",
                "UPDATE audit_entries SET number = 2 WHERE {} = 4",
            ],
            "entry 2 was changed",
        ),
        (
            ["UPDATE audit_entries SET number = 6 WHERE {} = 5"],
            "its last entry is 6, but 5 is noted as the last one",
        ),
    ],
)
def test_each_way_to_change_the_past_is_found(url, statements, fault):
    tamper(url, *(statement.format(OF_A) for statement in statements))
    faults, _ = verified(url)
    assert any(fault in found for found in faults["a"]), faults
    assert faults["b"] == []


def test_an_end_that_was_cut_off_with_its_note_is_found_by_an_anchor(control_url):
    url = filled(control_url)
    kept = anchor(url)
    tamper(
        url,
        f"DELETE FROM audit_entries WHERE {OF_A} = 5",
        f"UPDATE audit_heads SET number = 4, hash = ({LAST}) WHERE account_id = 'a'",
    )
    assert verified(url) == ({"a": [], "b": []}, [])
    assert verified(url, kept)[1] == [kept]


def documents(url):
    async def work(database):
        return [document async for document in Audit(database).whole(Filter())]

    return run(url, work)


def looked_at(entries, *anchors):
    chains = Chains(anchors)
    for entry in entries:
        chains.add(entry)
    found, missing = chains.found()
    return [fault for chain in found for fault in chain.faults], missing


def test_an_entry_that_was_inserted_or_moved_is_found(url):
    first, second, third, *_ = documents(url)
    inserted = {**second, "subject": "x"} | {"number": 3, "previous": second["hash"]}
    inserted["hash"] = hash_of(inserted)
    assert looked_at([first, second, third]) == ([], [])
    assert looked_at([first, second, inserted, {**third, "number": 4}])[0] == [
        "entry 4 was changed: its hash is not that of its content",
        "entry 4 does not follow the entry before it: one of the two is another one",
    ]
    assert looked_at([first, third, second])[0][:2] == [
        "entries 2 to 2 are missing",
        "entry 2 stands after entry 3",
    ]


def test_a_past_that_was_written_anew_with_new_hashes_is_found_by_an_anchor(url):
    kept, previous, forged = anchor(url), "0" * 64, []
    for document in documents(url)[:5]:
        entry = {**document, "subject": "x", "previous": previous}
        previous = entry["hash"] = hash_of(entry)
        forged.append(entry)
    assert looked_at(forged, kept) == ([], [kept])


def test_another_program_can_make_the_hash_from_a_line_of_an_export(url):
    """As docs/audit.md says it: the members but `hash`, sorted, without spaces, in UTF-8."""
    line = canonical(documents(url)[0])
    entry = json.loads(line)
    given = entry.pop("hash")
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == given
    assert line.replace(f'"hash":"{given}",', "") == text
