"""An organisation that moves is used meanwhile, and loses nothing."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from msgspec.structs import replace

from moorage.crm.errors import OrganisationInvalid
from moorage.crm.organisations import departing
from moorage.crm.storage import carried
from moorage.crm.storage.postgresql import schema_rows
from moorage.crm.storage.sqlite import file_rows
from tests.contracts import record_files
from tests.contracts.opened import Opened
from tests.contracts.record_files import parts_of, remove
from tests.contracts.record_outbox import claim, emit, names, settle
from tests.crm.conftest import Caller
from tests.crm.departing.moved import (
    CATCHING_UP,
    COPYING,
    HOLDING,
    arrive,
    move,
    slugs,
    what_is_left,
)
from tests.crm.settings.making_fields import field, made
from tests.crm.whole import contents


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("fixed", ["followed", "whole"])
def test_whatever_is_written_meanwhile_arrives(
    crm, service, way, beside, fixed, monkeypatch, tmp_path, database_url
):
    made(
        crm,
        field("Berth", unique={"case_sensitive": False}),
        field("Number", "autonumber", auto_number=NUMBERS),
    )
    berths = [{"Last_Name": f"berth {n}", "Berth": f"{n}"} for n in range(4)]
    kept = crm.insert("Leads", *berths, *({"Last_Name": f"goes {n}"} for n in range(10)))
    if fixed == "whole":
        for module in (schema_rows, file_rows):
            monkeypatch.setattr(module, "FOLLOWED", set())
    source, target = way
    arrive(crm, source, service)
    writer, before = Caller(beside(source), crm.token, crm.organisation), {}
    written, claimed, files = [], [], []

    def write(step):
        if step not in (COPYING, "Copied 3 records", "Copied 9 records", CATCHING_UP, HOLDING):
            return
        number = len(written)
        written.extend(writer.insert("Leads", {"Last_Name": f"new {step}", "Tag": [{"name": f"t {number}"}]}))
        claimed.append(write_events(Opened(writer.service.organisations.open(crm.organisation)), number))
        organisation = Opened(writer.service.organisations.open(crm.organisation))
        if step == CATCHING_UP:
            files.append(record_files.keep(organisation, step.encode(), owner=number))
        else:
            files.append(record_files.write(organisation, [step.encode()], owner=number))
        if step == "Copied 9 records":  # A module's first record.
            writer.insert("Vendors", {"Vendor_Name": "first"})
            remove(Opened(writer.service.organisations.open(crm.organisation)), files[0])
        assert writer.delete(f"Leads/{kept.pop()}").status == 200
        # No two may have a value at the same time.
        for berth, value in ((0, "x"), (1, "0"), (0, "1"), (1, f"y {number}"), (0, "0"), (1, "1")):
            changed = writer.put(
                f"Leads/{kept[berth]}", {"data": [{"Berth": value, "City": f"quay {number}"}]}
            )
            assert changed.status == 200, changed.body
        if step == HOLDING:
            writer.insert("Campaigns", {"Campaign_Name": "first"})
            before.update(everything(writer, tmp_path / "before.db"))

    assert HOLDING in move(source, "acme", target, write)
    assert len(written) == 5
    arrived = Caller(target, crm.token, crm.organisation)
    assert everything(arrived, tmp_path / "after.db") == before
    if target is not service:
        assert without_indexes(database_url) == []
    organisation = Opened(target.organisations.open(crm.organisation))
    assert [parts_of(organisation, file.content) for file in files[1:]] == [
        [b"Copied 3 records"],
        [b"Copied 9 records"],
        [CATCHING_UP[:-1].encode(), CATCHING_UP[-1:].encode()],
        [HOLDING.encode()],
    ]
    assert names(claimed[-1]) == ["b 1", "a 2"]
    companions = Opened(target.organisations.open(crm.organisation)).companions
    assert companions("lock")[0] == [(3, "changed"), (4, "new")]
    assert companions("share", owner=5)[0] == [(5, number) for number in range(5)]
    assert crm.organisation in asyncio.run(target.organisations.waiting.all())
    assert settle(Opened(target.organisations.open(crm.organisation)), claimed[-1])
    (last,) = arrived.insert("Leads", {"Last_Name": "goes on", "Tag": [{"name": "t 0"}]})
    assert int(last) > max(map(int, written))
    assert arrived.only(f"Leads/{last}")["Number"] == "20"
    refused = arrived.post("Leads", {"data": [{"Last_Name": "a", "Berth": "1"}]})
    assert refused.data[0]["code"] == "DUPLICATE_DATA"


def write_events(opened, number):
    """Two events, of which some are dealt with later; gives the claim of those that nobody has dealt with."""
    emit(opened, f"a {number}", f"b {number}")
    change_companions(opened, number)
    if number == 3:
        assert settle(opened, claim(opened, most=3))
    return claim(opened, most=2) if number == 4 else None


def change_companions(opened, number):
    """Each time there is one more; the one before is changed, and the one before that is removed."""

    def job(transaction):
        for owner in range(number - 2, number):
            for companion in transaction.companions.of("lock", [owner]).get(owner, ()):
                if owner == number - 1:
                    transaction.companions.put([replace(companion, body="changed")])
                else:
                    transaction.companions.remove([companion.id])

    opened.write(job)
    opened.put_companions(("lock", number, "", "new"), ("share", 5, "", number))


def without_indexes(url):
    """The tables of modules that have no more than the index of their key."""
    sql = (
        "SELECT tablename FROM pg_indexes WHERE schemaname LIKE 'org%' AND tablename ~ '^m[0-9]+$'"
        " GROUP BY 1 HAVING count(*) < 2"
    )
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


NUMBERS = {"prefix": "", "start_number": 1}


def everything(caller, file):
    """All rows, and what some words find."""
    organisations = caller.service.organisations
    organisations.wrapped.stored.snapshot(organisations.find("acme").place, file)
    with file_rows.rows_of(file) as rows:
        found = contents(rows)
    del found["version"]
    for word in ("quay", "berth", "goes", "new", "first"):
        for module in ("Leads", "Vendors"):
            found[word, module] = caller.get(f"{module}/search", word=word, fields="id").body
    return found


def test_nothing_that_was_settled_is_lost_and_who_waits_is_answered(crm, service, way, beside):
    source, target = way
    arrive(crm, source, service)
    writer, settled, moved = Caller(beside(source), crm.token, crm.organisation), {}, threading.Event()

    def write():
        answer = None
        while not (moved.is_set() and answer is not None and answer.status == 401):
            name = f"lead {len(settled)}"
            answer = writer.post("Leads", {"data": [{"Last_Name": name}]})
            assert answer.status in (201, 401, 503), answer.body
            if answer.status == 201:
                assert settled.setdefault(answer.data[0]["details"]["id"], name) == name

    def wait(step):
        if step in (COPYING, CATCHING_UP):
            before = len(settled)
            while len(settled) < before + 3 and not writing.done():
                pass

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        try:
            steps = move(source, "acme", target, wait)
        finally:
            moved.set()
        source.organisations.forget()
        writing.result()
    arrived = Caller(target, crm.token, crm.organisation)
    records = {
        record["id"]: record["Last_Name"]
        for record in arrived.get("Leads", fields="Last_Name", per_page=200).data
    }
    assert records == dict(sorted(settled.items())) or len(settled) > 200
    assert next(step for step in steps if step.startswith("Writes waited for "))


def test_a_writer_that_never_rests_is_held_after_some_rounds(crm, service, way, beside, monkeypatch):
    source, target = way
    arrive(crm, source, service)
    monkeypatch.setattr(departing, "SHORT", -1)
    rounds, copy = [], departing._round

    def counted(*arguments):
        rounds.append(1)
        return copy(*arguments)

    monkeypatch.setattr(departing, "_round", counted)
    move(source, "acme", target)
    assert len(rounds) == 1 + departing.MOST_ROUNDS


def test_a_change_of_the_fields_meanwhile_lets_the_copy_begin_again(crm, service, way, beside):
    source, target = way
    arrive(crm, source, service).insert("Leads", {"Last_Name": "kept"})
    writer = Caller(beside(source), crm.token, crm.organisation)

    def add(step):
        if step == CATCHING_UP and not added:
            added.extend(made(writer, field("Berth")))
            writer.insert("Leads", {"Last_Name": "new", "Berth": "seven"})

    added = []
    steps = move(source, "acme", target, add)
    assert steps.count(COPYING) == 2
    arrived = Caller(target, crm.token, crm.organisation)
    found = arrived.get("Leads", fields="Last_Name,Berth").data
    assert {record["Last_Name"]: record["Berth"] for record in found} == {"kept": None, "new": "seven"}


def test_fields_that_change_again_and_again_end_the_move_and_nothing_else(
    crm, service, way, beside, monkeypatch, database_url, tmp_path
):
    source, target = way
    caller = arrive(crm, source, service)
    monkeypatch.setattr(carried, "MOST_TRIES", 2)
    writer, added = Caller(beside(source), crm.token, crm.organisation), []

    def add(step):
        if step == CATCHING_UP:
            added.extend(made(writer, field(f"Field {len(added)}")))

    with pytest.raises(OrganisationInvalid, match="again and again"):
        move(source, "acme", target, add)
    assert (slugs(source), slugs(target)) == (["acme"], [])
    caller.insert("Leads", {"Last_Name": "goes on"})
    assert what_is_left(tmp_path / "crm", database_url) == []


def test_who_stops_a_move_has_the_organisation_as_it_was(crm, service, way, tmp_path, database_url, in_parts):
    source, target = way
    caller = arrive(crm, source, service)
    caller.insert("Leads", *({"Last_Name": f"lead {n}"} for n in range(9)))

    async def stop():
        def cancel(step):
            if step == COPYING:
                asyncio.run_coroutine_threadsafe(cancelled(), loop).result()

        async def cancelled():
            task.cancel()
            for _ in range(20):  # Turns of the loop, in which the move learns of it.
                await asyncio.sleep(0)

        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(source.wrapped.move("acme", target.wrapped, cancel, dry_run=False))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stop())
    assert (slugs(source), slugs(target)) == (["acme"], [])
    caller.insert("Leads", {"Last_Name": "goes on"})
    assert what_is_left(tmp_path / "crm", database_url) == []
