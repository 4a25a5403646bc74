"""Rate limits that several processes hold together. Each has a limiter and a `Database` of its own, over one file."""

import asyncio
import random
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.clock import FrozenClock
from moorage.keys.level_store import CLOCKS_DIFFER
from moorage.keys.limits import RateLimiter
from moorage.keys.settling import SETTLE_SECONDS, Settling
from moorage.storage import Database
from moorage.storage.errors import DatabaseUnusable
from tests.control import migrated

START = datetime(2026, 2, 7, tzinfo=UTC)
RATE = 10
BURST = 2 * RATE


class Ahead:
    """The clock of a machine whose clock goes ahead of another one."""

    def __init__(self, clock, seconds):
        self._clock = clock
        self.seconds = seconds

    def timestamp(self):
        return self._clock.timestamp() + self.seconds


class Process:
    def __init__(self, database, rate, clock):
        self.database = database
        self.limiter = RateLimiter(rate, clock)
        self.settling = Settling(database, self.limiter)

    def call(self, account="a"):
        return self.limiter.take(account) is None

    async def settle(self):
        await self.settling.settle()


@asynccontextmanager
async def processes(url, clocks, rate=RATE):
    async with AsyncExitStack() as stack:
        started = []
        for clock in clocks:
            database = Database(url, clock)
            stack.push_async_callback(database.close)
            started.append(Process(database, rate, clock))
        yield started


async def levels(database):
    async with database.reading() as tx:
        rows = await tx.connection.exec_driver_sql(
            "SELECT account_id, level FROM rate_levels ORDER BY account_id"
        )
        return [tuple(row) for row in rows]


async def offer(url, count, *, seconds=30, offered=400, ahead=lambda number: 0.0, only_first=False):
    """What processes allow in each second, if so many calls a second are made. They settle at moments of their own."""
    chance, clock = random.Random(1), FrozenClock(START)
    allowed = [0] * seconds
    async with processes(url, [Ahead(clock, ahead(number)) for number in range(count)]) as all_of_them:
        due = [chance.random() * SETTLE_SECONDS for _ in all_of_them]
        for call in range(seconds * offered):
            now = call / offered
            for number, process in enumerate(all_of_them):
                if due[number] <= now:
                    due[number] += SETTLE_SECONDS
                    await process.settle()
            allowed[int(now)] += (all_of_them[0] if only_first else chance.choice(all_of_them)).call()
            clock.advance(1 / offered)
    return allowed


@pytest.mark.parametrize(("count", "most_at_first"), [(1, 31), (2, 52), (4, 92)])
def test_the_average_is_that_of_one_and_each_process_allows_one_burst_at_most(
    control_url, count, most_at_first
):
    allowed = asyncio.run(offer(control_url, count))
    assert allowed[0] <= most_at_first
    # Whatever is too much at first is paid back: what is left is less than one settlement of each process.
    exact = BURST + RATE * len(allowed)
    assert exact * 0.98 <= sum(allowed) <= exact + count * RATE * SETTLE_SECONDS + 1
    assert sum(allowed[10:]) == pytest.approx(RATE * (len(allowed) - 10), rel=0.08)


def test_who_is_answered_by_one_of_several_gets_the_whole_rate(control_url):
    allowed = asyncio.run(offer(control_url, 4, only_first=True))
    assert sum(allowed) == pytest.approx(BURST + RATE * len(allowed), abs=RATE * SETTLE_SECONDS + 1)


@pytest.mark.parametrize("ahead", [0.1, 1.5])
def test_clocks_that_differ_a_little_change_nothing(control_url, ahead):
    allowed = asyncio.run(offer(control_url, 2, ahead=lambda number: number * ahead))
    exact = BURST + RATE * len(allowed)
    assert exact * 0.95 <= sum(allowed) <= exact + 2 * RATE * (SETTLE_SECONDS + ahead) + 1


def test_a_clock_that_was_put_back_locks_nobody_out(control_url):
    async def scene():
        clock = FrozenClock(START)
        async with processes(control_url, [clock]) as [process]:
            clock.advance(2 * 86_400)
            while process.call():
                pass
            await process.settle()
            clock.advance(-2 * 86_400)
            seconds = 0
            while not process.call():
                clock.advance(SETTLE_SECONDS)
                seconds += SETTLE_SECONDS
                await process.settle()
            for _ in range(40):
                clock.advance(SETTLE_SECONDS)
                await process.settle()
            return seconds, sum(process.call() for _ in range(BURST + 5))

    seconds, allowed = asyncio.run(scene())
    assert seconds <= CLOCKS_DIFFER / 1_000_000
    assert allowed == BURST


def test_accounts_have_levels_of_their_own_and_those_without_calls_have_none(control_url):
    async def scene():
        clock = FrozenClock(START)
        async with processes(control_url, [clock, clock]) as [one, other]:
            one.call("a"), one.call("b"), one.call("b"), other.call("b"), other.call("c")
            await one.settle()
            await other.settle()
            return await levels(one.database)

    assert asyncio.run(scene()) == [("a", BURST - 1), ("b", BURST - 3), ("c", BURST - 1)]


def test_what_is_allowed_during_a_settlement_belongs_to_the_next_one(control_url):
    async def scene():
        clock = FrozenClock(START)
        async with processes(control_url, [clock, clock]) as [one, other]:
            assert one.call() and one.call()
            async with other.database.transaction():
                settling = asyncio.ensure_future(one.settle())
                await asyncio.sleep(0.05)
                assert one.call() and not settling.done()
            await settling
            before = await levels(one.database)
            left = sum(one.call() for _ in range(BURST))
            await one.settle()
            return before, left, await levels(one.database)

    assert asyncio.run(scene()) == ([("a", BURST - 2)], BURST - 3, [("a", 0)])


def test_while_nothing_is_allowed_nothing_is_written_and_no_process_notices_a_settlement(control_url):
    async def scene():
        clock = FrozenClock(START)
        async with processes(control_url, [clock, clock]) as [one, other]:
            one.call()
            version = await other.database.latest_version()
            await one.settle()
            assert await levels(other.database) == [("a", BURST - 1)]
            is_unnoticed = await other.database.latest_version() == version
            before = await levels(other.database)
            clock.advance(5)
            await one.settle()
            return is_unnoticed, before == await levels(other.database)

    assert asyncio.run(scene()) == (True, True)


def test_an_account_pays_back_what_was_too_much_and_nothing_of_an_outage(control_url, monkeypatch):
    async def scene():
        clock = FrozenClock(START)
        async with processes(control_url, [clock]) as [process]:
            process.call()
            await process.settle()

            async def away(*_):
                raise DatabaseUnusable("It is away.")

            with monkeypatch.context() as patch:
                patch.setattr("moorage.keys.level_store.settle", away)
                allowed = 0
                for _ in range(400):
                    clock.advance(SETTLE_SECONDS)
                    allowed += sum(process.call() for _ in range(RATE))
                    with pytest.raises(DatabaseUnusable):
                        await process.settle()
            assert BURST + RATE * 100 - RATE <= allowed <= BURST + RATE * 100
            clock.advance(SETTLE_SECONDS)
            assert process.call()
            await process.settle()
            return await levels(process.database)

    [(_, level)] = asyncio.run(scene())
    assert level >= 0


def test_a_limit_that_a_reload_brings_is_settled_and_one_that_it_takes_away_is_not(control_url):
    async def scene():
        async with processes(control_url, [FrozenClock(START)], None) as [process]:
            assert all(process.call() for _ in range(100))
            await process.settle()
            without = await levels(process.database)
            process.limiter.use(RATE)
            process.call()
            await process.settle()
            process.limiter.use(None)
            assert all(process.call() for _ in range(100))
            await process.settle()
            return without, await levels(process.database)

    assert asyncio.run(scene()) == ([], [("a", BURST - 1)])


def test_the_loop_settles_and_goes_on_after_trouble(control_url, monkeypatch):
    monkeypatch.setattr("moorage.keys.settling.SETTLE_SECONDS", 0.01)

    async def scene():
        clock = FrozenClock(START)
        async with processes(control_url, [clock]) as [process]:
            settled = asyncio.Event()
            settle, failures = process.settling.settle, iter([DatabaseUnusable("It is away.")])

            async def observed():
                if failure := next(failures, None):
                    raise failure
                await settle()
                settled.set()

            monkeypatch.setattr(process.settling, "settle", observed)
            process.call()
            [loop] = process.settling.background()
            running = asyncio.ensure_future(loop.run())
            await asyncio.wait_for(settled.wait(), 60)
            running.cancel()
            await asyncio.wait([running])
            return await levels(process.database)

    assert asyncio.run(scene()) == [("a", BURST - 1)]


@settings(max_examples=30, deadline=None)
@given(
    st.floats(0.5, 50),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.floats(0, 3)), min_size=1, max_size=40),
)
def test_no_more_pass_than_one_burst_of_each_process_and_the_rate_allow(tmp_path_factory, rate, steps):
    """A step: the process that is called, how often, and the seconds until the next step. Each step ends settled."""
    path = tmp_path_factory.mktemp("levels") / "moorage.db"
    migrated(path)

    async def scene():
        clock, passed = FrozenClock(START), 0
        async with processes(f"sqlite:///{path}", [clock] * 3, rate) as all_of_them:
            for number, calls, seconds in steps:
                passed += sum(all_of_them[number].call() for _ in range(calls))
                await all_of_them[number].settle()
                clock.advance(seconds)
            return passed

    burst, seconds = max(1.0, 2 * rate), sum(pause for _, _, pause in steps)
    assert asyncio.run(scene()) <= 3 * burst + rate * seconds + 1e-6
