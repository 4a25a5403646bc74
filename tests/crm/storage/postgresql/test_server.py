"""The connections to a server: who waits for whom, what is cancelled, and what comes back by itself."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from moorage.crm.storage.contract.records import StoreClosed, TookTooLong
from moorage.crm.storage.postgresql import lent_connections, read_connections, session
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.storage.errors import DatabaseUnusable
from tests.waiting import wait_until

ORG = "org_7243485"
MINE = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
AWAY = "postgresql://moorage:secret-word@127.0.0.1:1/moorage"


def sessions(asked):
    return {pid for (pid,) in asked(MINE)}


def running(asked, sql):
    active = "datname = current_database() AND state = 'active'"
    return len(asked(f"SELECT 1 FROM pg_stat_activity WHERE {active} AND query = '{sql}'"))


def fetched(server, *args, **options):
    return asyncio.run(server.fetch(ORG, *args, **options))


def test_rows_are_tuples_of_the_values_in_the_columns(server):
    sql = "SELECT 1::smallint, %s::bigint, 0.1::double precision, NULL, 'É'"
    assert fetched(server, sql, (2**63 - 1,)) == [(1, 2**63 - 1, 0.1, None, "É")]


def test_nothing_is_opened_before_it_is_used(server, asked):
    assert sessions(asked) == set()
    fetched(server, "SELECT 1")
    assert len(sessions(asked)) == 1


def test_a_connection_is_named_and_set_for_short_statements(server):
    names = ("application_name", "jit", "max_parallel_workers_per_gather", "statement_timeout")
    sql = "SELECT current_setting(%s), current_setting(%s), current_setting(%s), current_setting(%s)"
    expected = ("moorage", "off", "0", "30s")
    assert fetched(server, sql, names) == [expected]
    with server.lend(ORG) as connection:
        assert connection.execute(sql, names).fetchone() == expected


def test_a_url_has_the_last_word(database_url):
    server = PostgresqlServer(f"{database_url}?application_name=other")
    assert fetched(server, "SELECT current_setting('application_name')") == [("other",)]
    server.close()


def test_an_organisation_keeps_to_a_few_connections(server):
    async def counted():
        sql = "SELECT pg_backend_pid() FROM (SELECT pg_sleep(0.01)) s"
        one_by_one = {(await server.fetch(ORG, sql))[0] for _ in range(10)}
        at_once = await asyncio.gather(*(server.fetch(ORG, sql) for _ in range(40)))
        return len(one_by_one), len({rows[0] for rows in at_once})

    assert asyncio.run(counted()) == (1, read_connections.SPREAD)


def test_slow_reads_leave_connections_for_the_others(server):
    async def run():
        slow = [
            asyncio.ensure_future(server.fetch(ORG, "SELECT pg_sleep(60)", slow=True))
            for _ in range(read_connections.SPREAD)
        ]
        rows = await asyncio.wait_for(server.fetch(ORG, "SELECT 1"), 20)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        return rows

    assert asyncio.run(run()) == [(1,)]


def test_whoever_waits_gets_a_connection_in_turn(database_url):
    server, done = PostgresqlServer(database_url, reads=1), []

    async def read(number):
        await server.fetch(ORG, "SELECT 1")
        done.append(number)

    async def together():
        await asyncio.gather(*map(read, range(20)))

    asyncio.run(together())
    server.close()
    assert done == list(range(20))


def test_a_caller_that_goes_ends_its_statement(server, asked):
    sql = "SELECT pg_sleep(50)"

    async def run():
        task = asyncio.ensure_future(server.fetch(ORG, sql))
        await asyncio.to_thread(wait_until, lambda: running(asked, sql))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await server.fetch(ORG, "SELECT 1")

    assert asyncio.run(run()) == [(1,)]
    wait_until(lambda: not running(asked, sql))


def test_a_caller_that_goes_while_it_waits_takes_no_connection_along(database_url):
    server = PostgresqlServer(database_url, reads=1)

    async def run():
        tasks = [asyncio.ensure_future(server.fetch(ORG, "SELECT pg_sleep(0.05)")) for _ in range(3)]
        await asyncio.sleep(0.02)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return await asyncio.wait_for(server.fetch(ORG, "SELECT 1"), 20)

    assert asyncio.run(run()) == [(1,)]
    server.close()


@pytest.mark.parametrize("ours", [True, False])
def test_a_read_that_takes_too_long_is_given_up(database_url, asked, monkeypatch, ours):
    """By the server, and by this process where a pooler has lost the server's limit."""
    if ours:
        monkeypatch.setattr(session, "_SETTINGS", "SELECT 1")
        monkeypatch.setattr(read_connections, "READ_SECONDS", -0.9)
    else:
        settings = "SELECT set_config('statement_timeout', '100', false), pg_backend_pid()"
        monkeypatch.setattr(session, "_SETTINGS", settings)
    server = PostgresqlServer(database_url)
    with pytest.raises(TookTooLong):
        fetched(server, "SELECT pg_sleep(50)")
    wait_until(lambda: not running(asked, "SELECT pg_sleep(50)"))
    server.close()


def test_a_table_that_is_gone_is_an_organisation_that_is_gone(server):
    for sql in ("SELECT id FROM org_7243485.m1", "SELECT missing FROM pg_class"):
        with pytest.raises(StoreClosed):
            fetched(server, sql)
    assert fetched(server, "SELECT 1") == [(1,)]


def test_a_read_that_yields_to_a_removal_begins_again(server, asked, database_url):
    waiting = "SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted"
    with psycopg.connect(database_url) as removing, ThreadPoolExecutor(1) as pool:
        removing.execute("CREATE TABLE first (id int)")
        removing.execute("CREATE TABLE second (id int)")
        removing.commit()
        removing.execute("LOCK TABLE second IN ACCESS EXCLUSIVE MODE")
        read = pool.submit(fetched, server, "SELECT 1 FROM first, second")
        wait_until(lambda: asked(f"{waiting} AND datname = current_database()"))
        removing.execute("LOCK TABLE first IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreClosed):
            read.result()


def test_a_server_that_is_away_is_said_without_its_password():
    server = PostgresqlServer(AWAY)
    for call in (lambda: fetched(server, "SELECT 1"), lambda: server.lend(ORG).__enter__()):
        with pytest.raises(DatabaseUnusable) as caught:
            call()
        assert "secret-word" not in f"{caught.value.message} {caught.value.help}"
    assert "secret-word" not in repr(server)
    server.close()


def test_all_who_wait_learn_at_once_that_the_server_is_away():
    server = PostgresqlServer(AWAY, reads=1)

    async def run():
        reads = [server.fetch(ORG, "SELECT 1") for _ in range(50)]
        return await asyncio.gather(*reads, return_exceptions=True)

    assert {type(outcome) for outcome in asyncio.run(run())} == {DatabaseUnusable}
    server.close()


def test_connections_that_the_server_ended_are_opened_anew(server, asked):
    async def run():
        await server.fetch(ORG, "SELECT 1")
        before = sessions(asked)
        asked(f"SELECT pg_terminate_backend(pid) FROM ({MINE}) mine")
        wait_until(lambda: not sessions(asked))
        return before, await server.fetch(ORG, "SELECT pg_backend_pid()")

    before, ((pid,),) = asyncio.run(run())
    assert pid not in before
    with server.lend(ORG) as connection:
        lent = connection.info.backend_pid
    asked(f"SELECT pg_terminate_backend({lent})")
    wait_until(lambda: lent not in sessions(asked))
    with server.lend(ORG) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_connection_ends_after_its_time(server, monkeypatch):
    monkeypatch.setattr(session, "LIFETIME", 0.0)

    async def run():
        return [await server.fetch(ORG, "SELECT pg_backend_pid()") for _ in range(3)]

    assert len({rows[0] for rows in asyncio.run(run())}) == 3
    lent = []
    for _ in range(3):
        with server.lend(ORG) as connection:
            lent.append(connection.info.backend_pid)
    assert len(set(lent)) == 3


def test_a_connection_comes_back_with_nothing_begun(server):
    with server.lend(ORG) as connection:
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE begun ()")
    with server.lend(ORG) as connection:
        assert connection.execute("SELECT to_regclass('begun')").fetchone() == (None,)


def test_lent_connections_are_few_and_waited_for(database_url, monkeypatch):
    server = PostgresqlServer(database_url, writers=1)
    limit = 1 + 2
    free = [server.lend(ORG) for _ in range(limit)]
    pids = {lending.__enter__().info.backend_pid for lending in free}
    assert len(pids) == limit
    monkeypatch.setattr(lent_connections, "PATIENCE", 0.05)
    with pytest.raises(DatabaseUnusable) as caught, server.lend(ORG):
        pass
    assert caught.value.kind == "busy"
    monkeypatch.setattr(lent_connections, "PATIENCE", 30)
    threading.Timer(0.05, free[0].__exit__, (None, None, None)).start()
    with server.lend(ORG) as connection:
        assert connection.info.backend_pid in pids
    for lending in free[1:]:
        lending.__exit__(None, None, None)
    server.close()


def test_work_runs_in_a_few_threads(server):
    names, barrier = set(), threading.Barrier(4)

    def work():
        names.add(threading.current_thread().name)
        barrier.wait(20)

    for _ in range(8):
        server.start(work)
    end = time.monotonic() + 20
    while len(names) < 4 and time.monotonic() < end:
        time.sleep(0.01)
    server.close()
    assert len(names) == 4


@pytest.mark.parametrize("pooled", [False, True])
def test_statements_are_prepared_unless_a_pooler_is_between(server, monkeypatch, pooled):
    """A pooler tells another number than that of the server's process."""
    if pooled:
        monkeypatch.setattr(session, "_SETTINGS", "SELECT 0")
    prepared = "SELECT count(*) FROM pg_prepared_statements"

    async def run():
        return [(await server.fetch(ORG, prepared))[0][0] for _ in range(8)]

    assert any(asyncio.run(run())) is not pooled
    with server.lend(ORG) as connection:
        counts = [connection.execute(prepared).fetchone()[0] for _ in range(8)]
    assert any(counts) is not pooled
