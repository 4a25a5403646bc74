import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import IntegrityError

from moorage.clock import FrozenClock
from moorage.storage import Database
from moorage.storage.database import READERS
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.threads import ConnectionThread
from tests import forked
from tests.control import NOW, migrated
from tests.storage.descriptors import none_left


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "moorage.db"
    migrated(path)
    return path


@asynccontextmanager
async def opened(path):
    database = Database(f"sqlite:///{path}", FrozenClock(NOW))
    try:
        yield database
    finally:
        await database.close()


def run(path, act):
    async def main():
        async with opened(path) as database:
            return await act(database)

    return asyncio.run(main())


def add_account(path, name):
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("INSERT INTO accounts VALUES (?, ?, 0)", (name, name))
    connection.close()


async def names(tx):
    return [row.name for row in await tx.connection.exec_driver_sql("SELECT name FROM accounts")]


async def insert(tx, name):
    await tx.connection.exec_driver_sql("INSERT INTO accounts VALUES (?, ?, ?)", (name, name, tx.now))


def test_a_transaction_is_kept_whole_or_not_at_all(path):
    async def fail(database):
        async with database.transaction() as tx:
            await insert(tx, "lost")
            raise RuntimeError

    async def act(database):
        async with database.transaction() as tx:
            await insert(tx, "kept")
        with pytest.raises(RuntimeError):
            await fail(database)
        async with database.transaction() as tx:
            return await names(tx)

    assert run(path, act) == ["kept"]


def test_time_stands_still_in_a_transaction(path):
    async def act(database):
        async with database.transaction() as tx:
            database._clock.advance(5)
            return tx.now

    assert run(path, act) == int(NOW.timestamp() * 1_000_000)


def test_transactions_of_one_process_wait_for_each_other(path):
    async def act(database):
        async def add(number):
            async with database.transaction() as tx:
                before = await names(tx)
                await asyncio.sleep(0)
                await insert(tx, f"{len(before):02}")

        await asyncio.gather(*(add(number) for number in range(20)))
        async with database.transaction() as tx:
            return await names(tx)

    assert run(path, act) == [f"{number:02}" for number in range(20)]


def test_a_change_is_noticed_once_whoever_made_it(path):
    async def act(database):
        seen = [database.changed()]  # What was before nobody has seen yet.
        seen.append(database.changed())
        add_account(path, "elsewhere")
        seen += [database.changed(), database.changed()]
        async with database.transaction() as tx:
            await insert(tx, "here")
        seen += [database.changed(), database.changed()]
        async with database.transaction() as tx:
            await names(tx)
        return [*seen, database.changed()]

    assert run(path, act) == [True, False, True, False, True, False, False]


def test_a_quiet_transaction_is_kept_and_not_noticed(path):
    async def act(database):
        async with opened(path) as other:
            seen = [database.changed()]
            for quiet in (True, True, False, True):
                async with other.transaction(quiet=quiet) as tx:
                    await insert(tx, f"{len(seen)}")
                seen.append(database.changed())
            async with other.transaction() as tx:
                await insert(tx, "noticed")
            async with other.transaction(quiet=True) as tx:
                await insert(tx, "right after it")
            seen.append(database.changed())
            add_account(path, "another program")
            seen.append(database.changed())
        async with database.reading() as tx:
            return seen, len(await names(tx))

    assert run(path, act) == ([True, False, False, True, False, True, True], 7)


def test_a_roll_back_counts_for_nothing(path):
    async def fail(database):
        async with database.transaction() as tx:
            await insert(tx, "lost")
            raise RuntimeError

    async def act(database):
        database.changed()
        with pytest.raises(RuntimeError):
            await fail(database)
        return database.changed()

    assert run(path, act) is False


@pytest.mark.parametrize("number", [0x7FFF_FFFF, 0x7FFF_0000, 0xFFFF])
def test_numbers_of_transactions_begin_again(path, number):
    async def act(database):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {number}")
        seen = [database.changed()]
        for quiet in (True, False, True):
            async with database.transaction(quiet=quiet) as tx:
                await insert(tx, f"{len(seen)}")
            seen.append(database.changed())
        return seen

    assert run(path, act) == [True, False, True, False]


def test_what_can_not_be_asked_is_told_apart_and_counts_as_changed_once_it_can(path):
    async def act(database):
        seen = [database.changed(), database.changed()]
        database._watch._connection.close()
        return [*seen, database.changed(), database.changed(), database.changed()]

    assert run(path, act) == [True, False, None, True, False]


def held(path):
    """Another program's write lock."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_readers_wait_for_no_writer_and_take_no_lock(path):
    async def act(database):
        other = held(path)
        async with database.reading() as tx:
            before = await names(tx)
        other.execute("ROLLBACK")
        async with database.reading() as tx:
            await names(tx)
            add_account(path, "meanwhile")  # Nobody waits for a reader either.
        return before

    assert run(path, act) == []


def test_readers_write_nothing(path):
    async def act(database):
        with pytest.raises(DatabaseUnusable, match="read-only"):
            async with database.reading() as tx:
                await insert(tx, "one")

    run(path, act)


@pytest.mark.parametrize(
    ("pragma", "kind", "advice"),
    [
        (
            "max_page_count = 1",
            "full",
            "Make room",
        ),  # It says "full" from the next page on that it would need.
        ("query_only = ON", "read_only", "read-only"),
    ],
)
def test_each_kind_of_trouble_has_its_words(path, pragma, kind, advice):
    async def act(database):
        with pytest.raises(DatabaseUnusable) as caught:
            await fill(database)
        return caught.value

    async def fill(database):
        async with database.transaction() as tx:
            await tx.connection.exec_driver_sql(f"PRAGMA {pragma}")
            for number in range(200):
                await insert(tx, f"{number}" * 1000)

    error = run(path, act)
    assert error.kind == kind and advice in error.help and "good copy" not in error.help


def test_a_lock_that_another_program_holds_is_told_as_that(path):
    async def act(database):
        other, database.patience = held(path), 0.1
        with pytest.raises(DatabaseUnusable, match="another program") as caught:
            async with database.transaction() as tx:
                await tx.connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        other.close()
        return caught.value

    assert run(path, act).retry_after


def test_want_of_descriptors_is_told_as_that(path):
    async def act(database):
        with none_left(), pytest.raises(DatabaseUnusable, match="descriptors") as caught:
            await database.check()
        await database.check()
        return caught.value

    error = run(path, act)
    assert error.kind == "descriptors" and "ulimit" in error.help


def test_a_sound_one_passes_its_check(path):
    run(path, lambda database: database.check())


@pytest.mark.parametrize("content", [b"not a database, and longer than the header of one would be" * 99, b""])
def test_a_damaged_one_does_not(path, content):
    async def act(database):
        await database.check()
        await database.close()
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(content)
        with pytest.raises(DatabaseUnusable, match="can't be used"):
            await database.check()

    run(path, act)


def test_a_statement_at_fault_is_not_blamed_on_the_file(path):
    async def act(database):
        async with database.transaction() as tx:
            await insert(tx, "one")
        with pytest.raises(IntegrityError):
            async with database.transaction() as tx:
                await insert(tx, "one")

    run(path, act)


# The threads: one visit to a connection's thread for each statement.


@pytest.fixture
def visits(monkeypatch):
    """The visits to threads that somebody waits for, as they are made."""
    visits_made, ask = [], ConnectionThread.run

    def counted(thread, work):
        visits_made.append(work)
        return ask(thread, work)

    monkeypatch.setattr(ConnectionThread, "run", counted)
    return visits_made


def test_a_reading_of_one_statement_takes_one_visit(path, visits):
    async def act(database):
        async with database.reading() as tx:
            await names(tx)
        visits.clear()
        async with database.reading() as tx:
            await names(tx)
        return len(visits)

    assert run(path, act) == 1


def test_whoever_goes_while_they_wait_to_write_leaves_no_lock_behind(path):
    async def act(database):
        other = held(path)
        for _ in range(3):
            waiting = asyncio.ensure_future(write(database))
            await asyncio.sleep(0.05)
            waiting.cancel()
            await asyncio.wait([waiting])
        other.close()
        await asyncio.wait_for(write(database), 5)
        with contextlib.closing(sqlite3.connect(path, timeout=5)) as another, another:
            another.execute("BEGIN IMMEDIATE")

    async def write(database):
        async with database.transaction() as tx:
            await tx.connection.exec_driver_sql("SELECT 1")

    run(path, act)


def test_a_statement_whose_caller_has_gone_is_rolled_back_with_its_transaction(path):
    async def act(database):
        begun, held_up = asyncio.Event(), threading.Event()

        async def leave():
            async with database.transaction() as tx:
                begun.set()
                await tx.connection.run(lambda connection: insert_when(connection, held_up, "left"))

        leaving = asyncio.ensure_future(leave())
        await begun.wait()
        await asyncio.sleep(0)
        next_one = asyncio.ensure_future(stay(database))
        leaving.cancel()
        await asyncio.wait([leaving])
        assert not next_one.done()
        held_up.set()
        await next_one
        async with database.reading() as tx:
            return leaving.cancelled(), await names(tx)

    async def stay(database):
        async with database.transaction() as tx:
            await insert(tx, "stayed")

    assert run(path, act) == (True, ["stayed"])


def insert_when(connection, held_up, name):
    held_up.wait(60)
    connection.exec_driver_sql("INSERT INTO accounts VALUES (?, ?, 0)", (name, name))


def test_a_statement_after_the_end_of_its_transaction_is_refused(path):
    async def act(database):
        async with database.transaction() as kept:
            await names(kept)
        async with database.transaction():
            with pytest.raises(RuntimeError, match="transaction of this connection has ended"):
                await insert(kept, "late")
        async with database.reading() as tx:
            return await names(tx)

    assert run(path, act) == []


def test_what_was_to_be_committed_is_committed_though_its_caller_goes(path, visits):
    async def act(database):
        async def write():
            async with database.transaction() as tx:
                await insert(tx, "kept")

        writing = asyncio.ensure_future(write())
        while database._commit not in visits:  # noqa: ASYNC110 (a visit sets no event)
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        async with database.transaction() as tx:
            return await names(tx)

    assert run(path, act) == ["kept"]


def test_readers_do_not_wait_behind_writers(path):
    async def act(database):
        other = held(path)
        writers = [asyncio.ensure_future(database.transaction().__aenter__()) for _ in range(20)]
        await asyncio.sleep(0)
        async with database.reading() as tx:
            await names(tx)
        assert not any(writer.done() for writer in writers)
        for writer in writers:
            writer.cancel()
        await asyncio.wait(writers)
        other.close()

    run(path, act)


def own_threads():
    """Those of all databases: other tests may keep some open."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("database")}


def test_more_readers_than_threads_get_their_turns_and_who_goes_takes_none(path):
    async def act(database):
        async def read(number):
            async with database.reading() as tx:
                await names(tx)
                turns.append(number)

        turns, stop, before = [], asyncio.Event(), own_threads()

        async def stay():
            async with database.reading():
                await stop.wait()

        staying = [asyncio.ensure_future(stay()) for _ in range(READERS)]
        await asyncio.sleep(0)
        reading = [asyncio.ensure_future(read(number)) for number in range(9)]
        await asyncio.sleep(0)
        assert len(own_threads() - before) == READERS
        reading[0].cancel()
        stop.set()
        await asyncio.wait([*staying, *reading])
        return turns

    assert sorted(run(path, act)) == list(range(1, 9))


def test_whoever_waits_too_long_for_their_turn_is_told(path):
    async def act(database):
        database.patience = 0.05
        async with database.transaction():
            with pytest.raises(DatabaseUnusable, match="too many calls wait") as caught:
                await database.transaction().__aenter__()
        database.patience = 10.0
        async with database.transaction() as tx:
            await insert(tx, "later")
        return caught.value.retry_after

    assert run(path, act)


def test_there_is_no_thread_before_the_first_transaction_and_none_after_the_end(path):
    async def act(database):
        before = own_threads() - others
        async with database.transaction() as tx:
            await insert(tx, "one")
            async with database.reading() as other:
                await names(other)
        during = own_threads() - others
        await database.close()
        for thread in during:
            thread.join(10)
        return before, len(during), all(thread.daemon for thread in during), own_threads() - others

    others = own_threads()
    assert run(path, act) == (set(), 2, True, set())


COUNTER = """
import asyncio, sys
from moorage.clock import SystemClock
from moorage.storage import Database

async def main():
    database = Database(sys.argv[1], SystemClock())
    for _ in range(25):
        async with database.transaction() as tx:
            row = await tx.connection.exec_driver_sql("SELECT created_at FROM accounts WHERE id = 'counter'")
            number = row.first().created_at
            await asyncio.sleep(0.001)
            await tx.connection.exec_driver_sql("UPDATE accounts SET created_at = ?", (number + 1,))
    await database.close()

asyncio.run(main())
"""


def test_no_other_transaction_lies_between_a_read_and_a_write_in_any_process(path):
    add_account(path, "counter")
    command = [sys.executable, "-c", COUNTER, f"sqlite:///{path}"]
    running = [forked.popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=60)[1] for process in running] == [""] * 4
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT created_at FROM accounts").fetchall() == [(100,)]


def test_a_statement_tells_what_it_did(path):
    async def act(database):
        async with database.transaction() as tx:
            await insert(tx, "one")
            await insert(tx, "two")
            sql = "UPDATE accounts SET created_at = 1 WHERE name = ?"
            changed = await tx.connection.exec_driver_sql(sql, ("one",))
            many = await tx.connection.exec_driver_sql(sql, [("one",), ("two",), ("three",)])
            gone = await tx.connection.exec_driver_sql("DELETE FROM accounts RETURNING name")
            return changed.rowcount, many.rowcount, sorted(row.name for row in gone), await names(tx)

    assert run(path, act) == (1, 2, ["one", "two"], [])


def test_what_fails_is_rolled_back_and_the_connection_goes_on(path):
    async def act(database):
        with pytest.raises(DatabaseUnusable):
            await fail(database)
        async with database.transaction() as tx:
            await insert(tx, "kept")
        async with database.reading() as tx:
            return await names(tx)

    async def fail(database):
        async with database.transaction() as tx:
            await insert(tx, "lost")
            await tx.connection.exec_driver_sql("SELECT nonsense")

    assert run(path, act) == ["kept"]
