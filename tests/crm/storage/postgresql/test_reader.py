"""One connection for reads, asked by the event loop itself."""

import asyncio
import contextlib

import psycopg
import pytest

from moorage.crm.storage.postgresql import reader as module
from moorage.crm.storage.postgresql.reader import Reader
from moorage.crm.storage.postgresql.session import connection_arguments, open_async

PATIENCE = 60.0
SLEEP = "SELECT pg_sleep(%s)"


@contextlib.asynccontextmanager
async def reader_of(url, patience=PATIENCE):
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    reader = Reader(connection, patience)
    try:
        yield reader
    finally:
        reader.close()


def run(url, use, **options):
    async def opened():
        async with reader_of(url, **options) as reader:
            return await use(reader)

    return asyncio.run(opened())


async def wait_until_nothing_sleeps(reader):
    running = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%%'"
    )
    async with asyncio.timeout(PATIENCE):
        while (await reader.fetch(running, ()))[0][0]:  # noqa: ASYNC110 (the event is in the server)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("times", [1, 2, 3], ids=["first time", "prepared", "again"])
def test_values_come_back_as_they_were_given(database_url, times):
    values = (2**62, "é%s\u3042", None, 0.1, True, [1, 2], ["a", 'b"'])

    async def use(reader):
        types = ("bigint", "text", "text", "float8", "bool", "bigint[]", "text[]")
        columns = ", ".join(f"%s::{kind}" for kind in types)
        for _ in range(times):
            rows = await reader.fetch(f"SELECT {columns}, '100%%' FROM generate_series(1, 2)", values)
        return rows

    assert run(database_url, use) == [(*values[:5], [1, 2], ["a", 'b"'], "100%")] * 2


def test_lists_of_large_numbers_may_follow_lists_of_small_ones(database_url):
    async def use():
        reader = Reader(await open_async(connection_arguments(database_url)), PATIENCE)
        numbers = ([1], [2**62], [40_000, 1], [])
        with contextlib.closing(reader):
            return numbers, [(await reader.fetch("SELECT %s::bigint[]", (each,)))[0][0] for each in numbers]

    given, read = asyncio.run(use())
    assert read == [*given]


def test_a_text_with_nul_finds_nothing(database_url):
    found = run(database_url, lambda reader: reader.fetch("SELECT 'a' = %s, 'a' = ANY(%s)", ("a\0", ["a\0"])))
    assert found == [(False, False)]


def test_a_column_may_get_another_type_under_a_prepared_statement(database_url):
    async def use(reader):
        shown = []
        for kind, value in (("bigint", 1), ("text", "'a'"), ("float8", 0.5)):
            await reader.fetch("DROP TABLE IF EXISTS berths", ())
            await reader.fetch(f"CREATE TABLE berths AS SELECT {value}::{kind} AS name", ())
            shown += [await reader.fetch("SELECT name FROM berths", ()) for _ in range(3)]
        return shown

    assert run(database_url, use) == [[(1,)]] * 3 + [[("a",)]] * 3 + [[(0.5,)]] * 3


def test_a_statement_is_prepared_when_it_comes_back(database_url):
    async def use(reader):
        prepared = []
        for _ in range(3):
            await reader.fetch("SELECT %s + 1", (1,))
            rows = await reader.fetch(
                "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%%+ 1'", ()
            )
            prepared.append([row[0] for row in rows])
        return prepared

    assert run(database_url, use) == [[], ["SELECT $1 + 1"], ["SELECT $1 + 1"]]


def test_a_connection_that_has_prepared_many_statements_ends(database_url, monkeypatch):
    monkeypatch.setattr(module, "MOST_PREPARED", 3)

    async def use(reader):
        usable = []
        for number in range(3):
            for _ in range(2):
                await reader.fetch(f"SELECT {number}", ())
            usable.append(reader.is_usable())
        return usable

    assert run(database_url, use) == [True, True, False]


@pytest.mark.parametrize("times", [1, 2])
def test_an_error_is_that_of_the_statement_alone(database_url, times):
    async def use(reader):
        for _ in range(times):
            with pytest.raises(psycopg.errors.DivisionByZero):
                await reader.fetch("SELECT 1 / %s", (0,))
        with pytest.raises(psycopg.errors.UndefinedTable):
            await reader.fetch("SELECT * FROM nowhere", ())
        return reader.is_usable(), await reader.fetch("SELECT 1 / %s", (1,))

    assert run(database_url, use) == (True, [(1,)])


def test_a_parameter_and_an_answer_may_be_larger_than_what_a_socket_takes_at_once(database_url):
    text = "0123456789" * 2_000_000
    assert run(database_url, lambda reader: reader.fetch("SELECT %s::text", (text,))) == [(text,)]


def test_a_cancelled_call_ends_its_statement(database_url):
    async def use(reader):
        call = asyncio.create_task(reader.fetch(SLEEP, (PATIENCE,)))
        await asyncio.sleep(0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with reader_of(database_url) as other:
            await wait_until_nothing_sleeps(other)
        return reader.is_usable()

    assert run(database_url, use) is False


def test_a_statement_that_the_server_does_not_end_in_time_is_ended(database_url):
    async def use(reader):
        with pytest.raises(TimeoutError):
            await reader.fetch(SLEEP, (PATIENCE,))
        async with reader_of(database_url) as other:
            await wait_until_nothing_sleeps(other)
        return reader.is_usable()

    assert run(database_url, use, patience=0.1) is False


@pytest.mark.parametrize("is_asked", [True, False], ids=["while it is asked", "while it is idle"])
def test_a_connection_that_the_server_ends_is_not_used_again(database_url, is_asked):
    async def use(reader):
        own = (await reader.fetch("SELECT pg_backend_pid()", ()))[0][0]
        call = asyncio.create_task(reader.fetch(SLEEP, (PATIENCE,))) if is_asked else None
        await asyncio.sleep(0.05)
        async with reader_of(database_url) as other:
            await other.fetch("SELECT pg_terminate_backend(%s, 10000)", (own,))
        if call is not None:
            with pytest.raises(psycopg.OperationalError):
                await call
        usable = reader.is_usable()
        with pytest.raises(psycopg.OperationalError):
            await reader.fetch("SELECT 1", ())
        return usable

    assert run(database_url, use) is False


def test_a_call_fails_when_the_connection_is_closed(database_url):
    async def use(reader):
        call = asyncio.create_task(reader.fetch(SLEEP, (PATIENCE,)))
        await asyncio.sleep(0.05)
        reader.close()
        with pytest.raises(psycopg.OperationalError, match="closed"):
            await call

    run(database_url, use)
