"""Reads aside have an end, whatever they read."""

import asyncio
import threading

import apsw
import pytest

from moorage.crm.storage.contract.records import TookTooLong
from moorage.crm.storage.sqlite import readers as reading_threads
from moorage.crm.storage.sqlite.readers import AsideReaders, ReadThreads

ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def threads():
    threads = ReadThreads()
    yield threads
    threads.close()


@pytest.fixture
def readers(threads):
    readers = AsideReaders(lambda: apsw.Connection(":memory:"), threads.are_stopped)
    yield readers
    readers.close()


def endless(connection: apsw.Connection) -> int:
    return connection.execute(ENDLESS).get


def test_a_read_ends_when_its_time_is_over(threads, readers, monkeypatch):
    monkeypatch.setattr(reading_threads, "THREAD_SECONDS", 0.1)

    async def read():
        with pytest.raises(TookTooLong):
            await readers.read(threads.scans, endless)
        monkeypatch.setattr(reading_threads, "THREAD_SECONDS", 60)
        return await readers.read(threads.scans, lambda connection: connection.execute("SELECT 7").get)

    assert asyncio.run(read()) == 7


def test_a_read_that_waits_for_its_turn_until_its_time_is_over_does_not_begin(threads, readers, monkeypatch):
    monkeypatch.setattr(reading_threads, "THREAD_SECONDS", 0.5)
    begun = []

    async def read():
        first = [readers.read(threads.scans, endless) for _ in range(2)]
        monkeypatch.setattr(reading_threads, "THREAD_SECONDS", 0.01)
        late = readers.read(threads.scans, begun.append)
        return await asyncio.gather(*first, late, return_exceptions=True)

    assert [type(outcome) for outcome in asyncio.run(read())] == [TookTooLong] * 3
    assert begun == []


def test_a_read_under_way_ends_when_the_threads_are_closed(threads, readers):
    begun = threading.Event()

    def query(connection: apsw.Connection) -> int:
        begun.set()
        return endless(connection)

    async def read():
        under_way = readers.read(threads.scans, query)
        assert await asyncio.to_thread(begun.wait, 10)
        await asyncio.to_thread(threads.close)
        with pytest.raises(TookTooLong):
            await under_way

    asyncio.run(read())


def test_a_read_ends_when_nobody_waits_for_it_any_more(threads, readers):
    begun, ended = threading.Event(), threading.Event()

    def query(connection: apsw.Connection) -> int:
        begun.set()
        try:
            return endless(connection)
        finally:
            ended.set()

    async def read():
        under_way = readers.read(threads.scans, query)
        assert await asyncio.to_thread(begun.wait, 10)
        under_way.cancel()
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(read())
