"""What is special about PostgreSQL as the control database. What holds for SQLite, too, is in `test_database.py`."""

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager

import psycopg
import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.exc import IntegrityError

from moorage.clock import FrozenClock
from moorage.errors import SettingsInvalid
from moorage.storage import Database, postgresql
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.lease import KeptConnection, Lease
from moorage.storage.migrate import CONTROL, HEAD, is_empty, migrate, revision
from moorage.storage.upsert import upsert
from tests import forked
from tests.control import NOW
from tests.control_database import control_in_postgresql, shared_control_database  # noqa: F401
from tests.waiting import wait_until

INSERT = sa.text("INSERT INTO accounts VALUES (:name, :name, 0)")
NAMES = sa.text("SELECT name FROM accounts ORDER BY name")


@pytest.fixture
def url(control_in_postgresql):  # noqa: F811
    return control_in_postgresql


@asynccontextmanager
async def opened(url, **options):
    database = Database(url, FrozenClock(NOW), **options)
    try:
        yield database
    finally:
        await database.close()


def run(url, act, **options):
    async def main():
        async with opened(url, **options) as database:
            return await act(database)

    return asyncio.run(main())


def ask(url, sql):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


async def add(database, name):
    async with database.transaction() as tx:
        await tx.connection.execute(INSERT, {"name": name})


async def names(database):
    async with database.reading() as tx:
        return [row.name for row in await tx.connection.execute(NAMES)]


def test_a_transaction_is_kept_whole_or_not_at_all(url):
    async def act(database):
        await add(database, "kept")
        with pytest.raises(IntegrityError):
            await fail(database)
        return await names(database)

    async def fail(database):
        async with database.transaction() as tx:
            await tx.connection.execute(INSERT, {"name": "lost"})
            await tx.connection.execute(INSERT, {"name": "kept"})

    assert run(url, act) == ["kept"]


def test_a_transaction_whose_failure_was_passed_over_is_not_said_to_be_kept(url):
    async def act(database):
        await add(database, "kept")
        with pytest.raises(RuntimeError, match="can't be committed"):
            await go_on(database)
        await add(database, "later")
        return await names(database)

    async def go_on(database):
        async with database.transaction() as tx:
            with pytest.raises(IntegrityError):
                await tx.connection.execute(INSERT, {"name": "kept"})

    assert run(url, act) == ["kept", "later"]


COUNTER = """
import asyncio, sys
import sqlalchemy as sa
from moorage.clock import SystemClock
from moorage.storage import Database, postgresql

async def main():
    database = Database(sys.argv[1], SystemClock())
    for _ in range(25):
        async with database.transaction() as tx:
            row = await tx.connection.execute(sa.text("SELECT created_at FROM accounts"))
            number = row.first().created_at
            await asyncio.sleep(0.001)
            await tx.connection.execute(sa.text("UPDATE accounts SET created_at = :number"), {"number": number + 1})
    await database.close()

asyncio.run(main())
"""


def in_processes(program, count, *arguments, popen=forked.popen):
    running = [
        popen([sys.executable, "-c", program, *arguments], stderr=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    return [process.communicate(timeout=60)[1] for process in running]


def test_no_other_transaction_lies_between_a_read_and_a_write_in_any_process(url):
    ask(url, "INSERT INTO moorage.accounts VALUES ('counter', 'counter', 0) RETURNING 1")
    assert in_processes(COUNTER, 4, url) == [""] * 4
    assert ask(url, "SELECT created_at FROM moorage.accounts") == [(100,)]


def test_readers_wait_for_no_writer_see_one_moment_and_write_nothing(url):
    async def act(database):
        async with database.transaction() as tx, database.reading() as reading:
            before = (await reading.connection.execute(NAMES)).all()
            await tx.connection.execute(INSERT, {"name": "meanwhile"})
            await tx.connection.run(sa.Connection.commit)
            assert (await reading.connection.execute(NAMES)).all() == before
        with pytest.raises(DatabaseUnusable, match="accepts no writes"):
            async with database.reading() as tx:
                await tx.connection.execute(INSERT, {"name": "one"})
        return await names(database)

    assert run(url, act) == ["meanwhile"]


def test_who_waits_too_long_for_the_turn_is_told(url):
    async def act(database):
        with psycopg.connect(url) as other:
            other.execute("UPDATE moorage.turn SET number = number")
            with pytest.raises(DatabaseUnusable, match="hold a lock") as caught:
                await add(database, "late")
        await add(database, "later")
        return caught.value, await names(database)

    error, kept = run(url, act, patience=0.1)
    assert (error.kind, error.retry_after, kept) == ("busy", 2.0, ["later"])


def test_text_is_in_the_order_of_code_points_whatever_the_database_was_made_with(url):
    async def act(database):
        for name in ("b", "a", "B", "é", "Z"):
            await add(database, name)
        return await names(database)

    assert run(url, act) == ["B", "Z", "a", "b", "é"]


def test_a_nul_in_a_text_is_no_error_and_finds_nothing(url):
    async def act(database):
        await add(database, "ab")
        async with database.reading() as tx:
            sql = sa.text("SELECT name FROM accounts WHERE name = :name")
            return (await tx.connection.execute(sql, {"name": "a\0b"})).all()

    assert run(url, act) == []


def test_a_row_is_inserted_once_and_changed_later(url):
    table = sa.table("oauth_clients", *map(sa.column, ("name", "data_centre", "client_id", "base_url")))

    async def act(database):
        key = {"name": "zoho", "data_centre": "us"}
        async with database.transaction() as tx:
            await tx.connection.execute(upsert(table, key, {"client_id": "1"}, {"base_url": "first"}))
            await tx.connection.execute(upsert(table, key, {"client_id": "2"}, {"base_url": "second"}))
            return (await tx.connection.execute(sa.select(table))).all()

    assert run(url, act) == [("zoho", "us", "2", "first")]


def test_a_row_that_counts_is_inserted_once_and_then_added_to(url):
    table = sa.table("accounts", *map(sa.column, ("id", "name", "created_at")))

    async def act(database):
        async with database.transaction() as tx:
            for name, number in (("first", 2), ("second", 3)):
                statement = upsert(table, {"id": "a"}, {}, {"name": name}, {"created_at": number})
                await tx.connection.execute(statement)
            await tx.connection.execute(upsert(table, {"id": "a"}, {}, {"name": "third", "created_at": 0}))
            return (await tx.connection.execute(sa.select(table))).all()

    assert run(url, act) == [("a", "first", 5)]


WITHOUT_DRIVER = """
import sys
sys.modules["psycopg"] = None
from moorage.storage.migrate import migrate
try:
    migrate(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error.message, error.help, file=sys.stderr)
"""
WITHOUT_USE = """
import sys
from moorage.storage.migrate import migrate
migrate(sys.argv[1])
assert "psycopg" not in sys.modules
"""


def test_without_the_driver_it_is_told_how_to_install_it():
    [told] = in_processes(WITHOUT_DRIVER, 1, "postgresql://db/moorage", popen=subprocess.Popen)
    assert told.startswith("DriverMissing") and "pip install 'moorage[postgresql]'" in told


def test_who_uses_sqlite_does_not_load_the_driver(tmp_path):
    url = f"sqlite:///{tmp_path}/moorage.db"
    assert in_processes(WITHOUT_USE, 1, url, popen=subprocess.Popen) == [""]


# How changes are noticed


def test_a_commit_is_noticed_by_this_process_at_once_and_by_another_within_a_second(url):
    async def act(database):
        async with opened(url) as other:
            assert await other.latest_version() is not None
            seen = [other.changed(), other.changed()]
            before = await database.latest_version()
            await add(database, "one")
            own = database.version(), await database.latest_version()
            assert own[0] != before
            end = time.monotonic() + 10
            while not (noticed := other.changed()) and time.monotonic() < end:  # noqa: ASYNC110 (a commit sets no event)
                await asyncio.sleep(0.01)
            async with database.transaction(quiet=True) as tx:
                await tx.connection.execute(INSERT, {"name": "quiet"})
            return seen, own[0] == own[1], noticed, await other.latest_version() == own[0]

    assert run(url, act) == ([True, False], True, True, True)


def test_there_is_no_thread_and_no_connection_before_the_first_question(url):
    async def act(database):
        [(begun,)] = ask(url, "SELECT clock_timestamp()::text")
        named = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'moorage control {}'"
            f" AND datname = current_database() AND backend_start > '{begun}'"
        )
        kinds = "writing", "reading", "watching"
        before = [ask(url, named.format(kind)) for kind in kinds]
        await add(database, "one")
        await names(database)
        await database.latest_version()
        return before, [ask(url, named.format(kind)) for kind in kinds]

    assert run(url, act) == ([[(0,)]] * 3, [[(1,)]] * 3)


# A server that goes away


def end_connections(url):
    own = "datname = current_database() AND application_name LIKE 'moorage %'"  # The server serves other tests, too.
    ask(url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {own}")


def test_connections_that_the_server_has_closed_are_opened_again_and_no_call_fails(url):
    async def act(database):
        await add(database, "one")
        await names(database)
        await database.latest_version()
        end_connections(url)
        await asyncio.sleep(0.1)
        await add(database, "two")
        return await names(database)

    assert run(url, act) == ["one", "two"]


def test_a_connection_that_breaks_in_a_transaction_is_told_and_nothing_is_half_written(url):
    async def act(database):
        with pytest.raises(DatabaseUnusable, match="can't be reached") as caught:
            await lose(database)
        await add(database, "kept")
        return caught.value, await names(database)

    async def lose(database):
        async with database.transaction() as tx:
            await tx.connection.execute(INSERT, {"name": "lost"})
            end_connections(url)

    error, kept = run(url, act)
    assert (error.kind, error.retry_after, kept) == ("unreachable", 2.0, ["kept"])


def test_a_server_that_starts_again_is_used_again_by_itself(new_postgresql):
    server = new_postgresql()
    migrate(server.url)

    async def act(database):
        await add(database, "one")
        await database.latest_version()
        await asyncio.to_thread(server.kill)
        while server.process_id is not None:  # noqa: ASYNC110 (the end of a process sets no event)
            await asyncio.sleep(0.05)
        for fails in (add(database, "two"), names(database), database.check()):
            with pytest.raises(DatabaseUnusable, match="can't be reached") as caught:
                await fails
            assert caught.value.kind == "unreachable" and caught.value.retry_after
        assert await database.latest_version() is None and database.changed() is None
        await asyncio.to_thread(server.start)
        await add(database, "three")
        assert await database.latest_version() is not None and database.changed()
        return await names(database)

    assert run(server.url, act) == ["one", "three"]


def test_after_a_fail_over_the_server_that_takes_writes_is_found_by_itself(new_postgresql):
    primary = new_postgresql()
    migrate(primary.url)
    standby = new_postgresql(primary)
    both = f"postgresql://postgres@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/postgres"

    async def on_standby(database):
        with pytest.raises(DatabaseUnusable, match="accepts no writes") as caught:
            await add(database, "refused")
        assert (caught.value.kind, caught.value.retry_after) == ("read_only", 2.0)
        # A new connection may lead elsewhere.
        writing = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'moorage control writing'"
        await asyncio.to_thread(wait_until, lambda: not ask(standby.url, writing))
        return await names(database)

    async def act(database):
        await add(database, "one")
        await asyncio.to_thread(
            wait_until, lambda: ("one",) in ask(standby.url, "SELECT name FROM moorage.accounts")
        )
        assert await asyncio.to_thread(run, standby.url, on_standby) == ["one"]
        await asyncio.to_thread(primary.stop, "immediate")
        with pytest.raises(DatabaseUnusable):
            await add(database, "meanwhile")
        await asyncio.to_thread(standby.promote)
        await add(database, "two")
        return await names(database)

    assert run(f"{both}?target_session_attrs=read-write", act) == ["one", "two"]


@pytest.mark.parametrize(
    ("other", "kind", "advice"),
    [
        ({"dbname": "nothing_of_this_name"}, "refused", "the name of the database"),
        ({"user": "nobody_of_this_name"}, "refused", "Check the user"),
        ({"port": "1"}, "unreachable", "Check that PostgreSQL runs"),
    ],
)
def test_a_server_that_lets_nobody_in_is_told_without_its_address_and_the_password(url, other, kind, advice):
    parameters = psycopg.conninfo.conninfo_to_dict(url) | {"password": "hush"} | other
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    with pytest.raises(DatabaseUnusable) as caught:
        migrate(f"postgresql:///?{query}")
    assert caught.value.kind == kind and advice in caught.value.help and caught.value.retry_after
    told = f"{caught.value.message} {caught.value.help}"
    # Everybody may ask `/readyz`, which shows it.
    shown = parameters["host"], parameters["port"], parameters["dbname"], parameters["user"]
    assert [secret for secret in ("hush", *shown) if secret != "1" and secret in told] == []


def test_a_url_that_can_not_be_read_is_refused_without_its_password():
    with pytest.raises(SettingsInvalid, match="can't be read") as caught:
        Database("postgresql://moorage:hu%zzsh@db/moorage", FrozenClock(NOW))
    assert "hu" not in caught.value.message


# Migrations

PROGRAM = "import sys; from moorage.storage.migrate import migrate; migrate(sys.argv[1])"


def test_processes_that_begin_on_an_empty_database_at_once_all_succeed(database_url):
    assert in_processes(PROGRAM, 4, database_url) == [""] * 4
    assert revision(database_url) == HEAD and is_empty(database_url, "accounts")
    assert ask(database_url, "SELECT id FROM moorage.turn") == [(1,)]


def test_doing_it_again_changes_nothing_and_needs_no_right_to_make_anything(url):
    before = ask(url, "SELECT number FROM moorage.turn")
    migrate(url)
    assert ask(url, "SELECT number FROM moorage.turn") == before


def test_a_newer_schema_is_refused(database_url):
    migrate(database_url)
    ask(database_url, "UPDATE moorage.alembic_version SET version_num = '9999' RETURNING 1")
    with pytest.raises(DatabaseUnusable, match="newer Moorage"):
        migrate(database_url)


def test_a_lost_database_does_not_look_like_a_first_start(database_url, tmp_path):
    (tmp_path / "vault.key").write_text("a key")
    with pytest.raises(DatabaseUnusable, match=r"vault\.key of an earlier start") as caught:
        migrate(database_url, [tmp_path / "vault.key"])
    assert "moorage move control" in caught.value.help
    assert ask(database_url, "SELECT count(*) FROM pg_namespace WHERE nspname = 'moorage'") == [(0,)]


def test_schemas_of_their_own_let_both_databases_be_one(database_url):
    other = replace(CONTROL, schema="moorage_other")
    migrate(database_url)
    migrate(database_url, history=other)
    ask(database_url, "INSERT INTO moorage.accounts VALUES ('a', 'a', 0) RETURNING 1")
    assert (is_empty(database_url, "accounts"), is_empty(database_url, "accounts", other)) == (False, True)


def test_a_server_that_is_too_old_is_refused(database_url, monkeypatch):
    monkeypatch.setattr(postgresql, "OLDEST", 99)
    with pytest.raises(DatabaseUnusable, match="needs 99 or a later one"):
        migrate(database_url)


# Leases


@contextmanager
def counting(seen):
    seen.append(1)
    assert len(seen) == 1
    yield
    seen.clear()


def test_one_at_a_time_holds_a_lease(url):
    async def act():
        seen = []

        async def hold():
            async with Lease(url, "moorage", "work") as lease:
                with counting(seen):
                    await asyncio.sleep(0.01)
                lease.require_held()

        await asyncio.gather(*(hold() for _ in range(4)))

    asyncio.run(act())
    assert ask(url, "SELECT * FROM moorage.leases") == []


def test_a_lease_uses_the_connection_of_the_one_before_if_it_is_still_there(url):
    session = "SELECT pid FROM pg_stat_activity WHERE application_name = 'moorage control holding'"

    async def act():
        seen, kept = [], KeptConnection()
        for _ in range(3):
            async with Lease(url, "moorage", "work", kept):
                seen.append(ask(url, session))
            if len(seen) == 2:
                ask(url, f"SELECT pg_terminate_backend({seen[1][0][0]}, 10000)")
        kept.close()
        return seen

    first, second, third = asyncio.run(act())
    assert first == second != third


def test_the_lease_of_a_holder_that_died_ends_by_itself(url):
    dead = "INSERT INTO moorage.leases VALUES ('work', 'dead', clock_timestamp() + interval '300 ms') RETURNING 1"

    async def act():
        ask(url, dead)
        async with Lease(url, "moorage", "work"):
            return ask(url, "SELECT count(*) FROM moorage.leases WHERE owner = 'dead'")

    assert asyncio.run(act()) == [(0,)]


def test_who_waits_for_a_lease_and_goes_takes_none(url):
    async def act():
        async with Lease(url, "moorage", "work"):
            waiting = asyncio.ensure_future(Lease(url, "moorage", "work").__aenter__())
            await asyncio.sleep(0.1)
            waiting.cancel()
            await asyncio.wait([waiting])
        async with asyncio.timeout(10), Lease(url, "moorage", "work"):
            pass

    asyncio.run(act())
