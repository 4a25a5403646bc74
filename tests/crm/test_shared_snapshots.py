"""Snapshots that have a name and lie in the database: on every machine the same."""

import os
import shutil

import pytest

from moorage.crm.errors import SnapshotInvalid, SnapshotUnknown
from moorage.crm.organisations import shared_snapshots
from moorage.crm.organisations.shared_snapshots import SharedSnapshots
from moorage.crm.organisations.snapshots import Snapshot, names_of, saved_at
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.migrations import CRM
from moorage.storage.database import Database
from moorage.storage.migrate import migrate
from tests.waited import wait

ACME, OTHER = Place("acme", 1), Place("other", 2)


@pytest.fixture(params=["sqlite", "postgresql"])
def machines(request, tmp_path, clock, monkeypatch):
    """The snapshots as two machines have them."""
    monkeypatch.setattr(shared_snapshots, "PART", 1000)
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'crm.db'}" if is_file else request.getfixturevalue("database_url")
    migrate(url, history=CRM)
    databases = [Database(url, clock, schema=CRM.schema) for _ in range(2)]
    yield [SharedSnapshots(database, tmp_path / f"{n}") for n, database in enumerate(databases)]
    for database in databases:
        wait(database.close())


async def keep(snapshots, place, name, content):
    async with snapshots.written(place, name) as path:
        path.write_bytes(content)


async def content_of(snapshots, place, name):
    async with snapshots.read(place, name) as path:
        return path.read_bytes()


async def time_of(snapshots, place, name):
    async with snapshots.read(place, name) as path:
        return saved_at(path)


def run(*steps):
    """Everything of one event loop, as a server has it."""

    async def in_turn():
        return [await step for step in steps]

    return wait(in_turn())


def test_what_one_machine_keeps_another_one_reads_replaces_and_removes(machines, tmp_path):
    one, two = machines
    content = bytes(range(256)) * 20
    *_, names, read = run(
        keep(one, ACME, "first", content),
        keep(one, OTHER, "first", b"of another"),
        names_of(two, ACME),
        content_of(two, ACME, "first"),
    )
    assert (names, read) == (["first"], content)
    *_, read, of_other = run(
        keep(two, ACME, "first", b"newer"),
        content_of(one, ACME, "first"),
        content_of(one, OTHER, "first"),
    )
    assert (read, of_other) == (b"newer", b"of another")
    assert run(one.remove(ACME, "first"), names_of(two, ACME), names_of(two, OTHER))[1:] == [[], ["first"]]
    assert [path.name for n in range(2) for path in (tmp_path / f"{n}").iterdir()] == []


def test_what_is_not_there_or_not_allowed_is_refused(machines, monkeypatch):
    one, _ = machines
    for call in (content_of(one, ACME, "none"), one.remove(ACME, "none")):
        with pytest.raises(SnapshotUnknown, match="acme has no snapshot 'none'"):
            run(call)
    with pytest.raises(SnapshotInvalid):
        run(keep(one, ACME, "../x", b""))
    monkeypatch.setattr("moorage.crm.organisations.snapshots.MAX_SNAPSHOTS", 1)
    run(keep(one, ACME, "one", b""))
    with pytest.raises(SnapshotInvalid, match="1 snapshots already"):
        run(keep(one, ACME, "two", b""))
    run(keep(one, ACME, "one", b"again"))


def test_a_snapshot_that_did_not_end_leaves_the_older_one_and_no_parts(machines):
    one, two = machines

    async def parts():
        async with one._database.reading() as tx:
            rows = await tx.connection.exec_driver_sql("SELECT count(*) FROM snapshot_parts")
            return rows.scalar()

    run(keep(one, ACME, "one", b"o" * 2500))

    class Killed(SharedSnapshots):
        async def _write(self, path, number):
            await super()._write(path, number)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(keep(Killed(two._database, two._folder), ACME, "one", b"n" * 2500))
    assert run(content_of(two, ACME, "one"), parts()) == [b"o" * 2500, 6]
    run(keep(two, OTHER, "other", b"x"))
    assert run(parts()) == [4]
    run(one.remove_all(ACME), one.remove_all(ACME))
    assert run(names_of(one, ACME), parts()) == [[], 1]


def test_when_a_snapshot_was_saved_goes_along_with_its_content(machines, tmp_path):
    one, two = machines
    copied = tmp_path / "of-another-storage.db"
    copied.write_bytes(b"content")
    os.utime(copied, ns=(1_700_000_000_123_456_000,) * 2)

    async def keep_copy():
        async with one.written(ACME, "copied") as path:
            shutil.copy2(copied, path)

    *_, listed, read = run(keep_copy(), two.all_of(ACME), time_of(two, ACME, "copied"))
    assert (listed, read) == ([Snapshot("copied", 1_700_000_000_123_456)], 1_700_000_000_123_456)


def test_a_snapshot_of_before_times_were_kept_has_none(machines):
    one, two = machines
    run(keep(one, ACME, "old", b"content"))

    async def forget_time():
        async with one._database.transaction() as tx:
            await tx.connection.execute(shared_snapshots.snapshots.update().values(saved_at=None))

    *_, listed, read = run(forget_time(), two.all_of(ACME), time_of(two, ACME, "old"))
    assert (listed, read) == ([Snapshot("old", None)], None)
