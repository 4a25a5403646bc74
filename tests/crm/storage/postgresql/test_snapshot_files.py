"""Snapshots are the same file on SQLite and PostgreSQL, and a schema is replaced in one step."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from moorage.crm.errors import OrganisationDamaged, OrganisationInvalid, SnapshotUnwritable
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.postgresql import replacing, schema_rows, snapshot_files
from moorage.crm.storage.postgresql.replacing import remove_schema
from moorage.crm.storage.postgresql.schema import schema_of
from moorage.storage.errors import DatabaseUnusable
from tests.crm.whole import answers
from tests.waiting import wait_until


@pytest.fixture
def place(crm):
    return Place("acme", crm.organisation)


@pytest.fixture
def snapshot(crm, service, tmp_path):
    crm.insert("Leads", {"Last_Name": "kept", "Tag": [{"name": "hot"}]})
    service.organisations.snapshot("acme", tmp_path / "snap.db")
    return tmp_path / "snap.db"


def counters(server, place):
    schema = schema_of(place.identity)
    with server.lend(schema) as connection:
        return dict(connection.execute(f"SELECT name, value FROM {schema}.counters").fetchall())


def schemas(server):
    with server.lend("") as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'org%'").fetchall()
        return [name for (name,) in rows]


def test_a_snapshot_of_sqlite_restored_in_postgresql_and_back_is_the_same(
    crm, service, server, place, snapshot, tmp_path
):
    before = answers(crm)
    snapshot_files.restore(server, place, snapshot)
    snapshot_files.snapshot(server, place, tmp_path / "back.db")
    service.organisations.reset("acme")
    service.organisations.restore("acme", tmp_path / "back.db")
    assert answers(crm) == before
    assert (tmp_path / "back.db").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.glob("*.db*")) == ["back.db", "snap.db"]


def test_a_table_with_many_rows_is_looked_at_before_it_is_read(server, place, snapshot, monkeypatch):
    monkeypatch.setattr(schema_rows, "MANY", 1)
    snapshot_files.restore(server, place, snapshot)
    with server.lend("") as connection:
        sql = "SELECT count(*) FROM pg_stats WHERE schemaname = %s AND attname = 'id'"
        assert connection.execute(sql, (schema_of(place.identity),)).fetchone() > (0,)


def test_ids_go_on_and_the_version_rises_with_a_restore(server, place, snapshot):
    snapshot_files.restore(server, place, snapshot)
    first = counters(server, place)
    with server.lend("") as connection:
        connection.execute(
            f"UPDATE {schema_of(place.identity)}.counters SET value = value + 7 WHERE name = 'id'"
        )
    snapshot_files.restore(server, place, snapshot)
    second = counters(server, place)
    assert (second["id"], second["version"] > first["version"]) == (first["id"] + 7, True)
    assert schemas(server) == [schema_of(place.identity)]


def test_what_is_no_snapshot_of_it_is_refused_and_changes_nothing(server, place, snapshot, tmp_path):
    snapshot_files.restore(server, place, snapshot)
    before, whole = counters(server, place), snapshot.read_bytes()
    half = len(whole) // 8192 * 4096
    (tmp_path / "text").write_text("no snapshot")
    (tmp_path / "half").write_bytes(whole[:half])
    (tmp_path / "overwritten").write_bytes(whole[:half] + b"\xff" * (len(whole) - half))
    for name in ("text", "half", "overwritten", "missing"):
        with pytest.raises(
            OrganisationInvalid, match=rf"{name} is damaged, or is not a snapshot of 'acme'\."
        ):
            snapshot_files.restore(server, place, tmp_path / name)
    with pytest.raises(OrganisationInvalid):
        snapshot_files.restore(server, Place("acme", place.identity + ID_SPACE), snapshot)
    assert counters(server, place) == before
    assert schemas(server) == [schema_of(place.identity)]


def test_one_that_is_missing_or_can_not_be_written_says_so(server, place, snapshot, tmp_path):
    with pytest.raises(OrganisationDamaged):
        snapshot_files.snapshot(server, place, tmp_path / "new.db")
    snapshot_files.restore(server, place, snapshot)
    for target in (tmp_path / "missing" / "snap.db", tmp_path):
        with pytest.raises(SnapshotUnwritable):
            snapshot_files.snapshot(server, place, target)


def test_a_connection_that_dies_in_the_middle_leaves_what_was(server, place, snapshot, monkeypatch):
    snapshot_files.restore(server, place, snapshot)
    before = counters(server, place)
    fill = snapshot_files.schema_rows.fill_schema

    def fill_and_die(connection, *arguments):
        fill(connection, *arguments)
        with server.lend("other") as other:
            other.execute("SELECT pg_terminate_backend(%s::integer)", (connection.info.backend_pid,))

    with monkeypatch.context() as patch:
        patch.setattr(snapshot_files.schema_rows, "fill_schema", fill_and_die)
        with pytest.raises(DatabaseUnusable):
            snapshot_files.restore(server, place, snapshot)
    assert counters(server, place) == before
    assert schemas(server) == [schema_of(place.identity)]
    snapshot_files.restore(server, place, snapshot)


def test_who_writes_is_waited_for_and_who_comes_later_finds_no_counter(
    server, place, snapshot, database_url, monkeypatch
):
    snapshot_files.restore(server, place, snapshot)
    counters_table = f"{schema_of(place.identity)}.counters"
    locked = f"SELECT value FROM {counters_table} WHERE name = 'id' FOR UPDATE"
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    retired, goes_on, retire = threading.Event(), threading.Event(), replacing._retire

    def retire_and_wait(*arguments):
        values = retire(*arguments)
        retired.set()
        goes_on.wait(30)
        return values

    monkeypatch.setattr(replacing, "_retire", retire_and_wait)
    with (
        ThreadPoolExecutor() as threads,
        psycopg.connect(database_url) as writer,
        psycopg.connect(database_url, autocommit=True) as later,
        psycopg.connect(database_url, autocommit=True) as watcher,
    ):
        last = writer.execute(locked).fetchone()[0]
        later.execute("SET lock_timeout = '40s'")
        restoring = threads.submit(snapshot_files.restore, server, place, snapshot)
        wait_until(lambda: watcher.execute(waiting).fetchone()[0] == 1, 30)
        writer.execute(f"UPDATE {counters_table} SET value = value + 1 WHERE name = 'id'")
        writer.commit()
        assert retired.wait(30)
        late = threads.submit(lambda: later.execute(locked).fetchone())
        wait_until(lambda: watcher.execute(waiting).fetchone()[0] == 1, 30)
        goes_on.set()
        restoring.result()
        assert late.result() is None
    assert counters(server, place)["id"] == last + 1


def test_what_is_removed_is_gone_with_what_was_left_beside(server, place, snapshot):
    snapshot_files.restore(server, place, snapshot)
    with server.lend("") as connection:
        connection.execute(f"CREATE SCHEMA {schema_of(place.identity)}_old")
        remove_schema(connection, schema_of(place.identity))
        remove_schema(connection, schema_of(place.identity))
    assert schemas(server) == []


def test_a_removal_waits_for_those_who_read_and_holds_up_nobody(server, place, snapshot, database_url):
    snapshot_files.restore(server, place, snapshot)
    schema = schema_of(place.identity)
    with (
        server.lend("") as removing,
        psycopg.connect(database_url) as reading,
        ThreadPoolExecutor(1) as pool,
    ):
        tables = [
            name
            for (name,) in reading.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))
        ]
        reading.execute(f"SELECT 1 FROM {schema}.{tables[0]}")
        removal = pool.submit(remove_schema, removing, schema)
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %s"
        wait_until(lambda: reading.execute(waiting, (removing.info.backend_pid,)).fetchall())
        for table in tables:
            reading.execute(f"SELECT 1 FROM {schema}.{table}")
        reading.commit()
        removal.result()
    assert schemas(server) == []
