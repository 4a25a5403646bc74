"""What a record store promises of events: written with their change, and dealt with in order, by one at a time."""

import asyncio
import random
from functools import partial

import pytest

from moorage.crm.storage.contract.outbox import LONGEST_LEASE
from tests.contracts.opened import Suite

LEASE = 60


def emit(opened, *names, kind="k"):
    def job(transaction):
        for name in names:
            transaction.emit(kind, name)

    opened.write(job)


class Outbox:
    """The calls of an outbox, as jobs."""

    @staticmethod
    def claim(transaction, most=100, lease=LEASE, kind="k"):
        return transaction.outbox.claim(kind, most, lease)

    @staticmethod
    def settle(transaction, held, done=None, pause=0):
        return transaction.outbox.settle(held, len(held.events) if done is None else done, pause)


def claim(opened, **how):
    return opened.write(partial(Outbox.claim, **how))


def settle(opened, held, **how):
    return opened.write(partial(Outbox.settle, held=held, **how))


def due(opened):
    return opened.write(lambda transaction: list(transaction.outbox.due()))


def rest(opened, seconds):
    return opened.write(lambda transaction: transaction.outbox.rest(seconds))


def names(held):
    return [event.payload for event in held.events]


async def _attempt(store, chance, deal_with):
    """Claim some events, and give them back, deal with them, or say nothing of them any more."""
    lease, most, way = chance.choice((0, LEASE)), chance.randint(1, 4), chance.random()
    held = await store.write(partial(Outbox.claim, most=most, lease=lease))
    if held is None or not held.events:
        return
    await asyncio.sleep(0)
    if way < 0.3:
        await store.write(partial(Outbox.settle, held=held, done=0))
    elif way < 0.9 or lease:
        await store.write(partial(deal_with, held=held))


class RecordOutbox(Suite):
    def test_events_come_in_the_order_of_their_commits(self, here, there):
        assert claim(here).events == []
        for n in range(10):
            emit((here, there)[n % 2], f"a{n}", f"b{n}")
        held = claim(there)
        assert names(held) == [f"{letter}{n}" for n in range(10) for letter in "ab"]
        ids = [event.id for event in held.events]
        assert ids == sorted(set(ids))
        assert {record // 10**12 for record in ids} == {here.organisation.prefix}
        assert here.write(lambda transaction: transaction.new_ids(1)[0]) > ids[-1]

    def test_a_payload_is_any_json_value(self, here):
        payloads = [None, 7, "\x00é", [1.5, {"a": [True]}], {"id": 10**18}]
        here.write(lambda transaction: [transaction.emit("k", payload) for payload in payloads])
        assert [event.payload for event in claim(here).events] == payloads

    def test_a_job_that_raises_leaves_no_event_and_the_others_of_its_group_do(self, here):
        failing = {0, 1, 2, 3, 6, 9}  # The first of a group, too, that makes the table of events.

        def job(number):
            def work(transaction):
                transaction.emit("k", f"e{number}")
                (record,) = transaction.new_ids(1)
                row = here.row("Leads", record, Email=f"{number}@a.example")
                # Written at once, as the value may not repeat.
                transaction.insert(here.module("Leads"), [row])
                transaction.emit("k", f"f{number}")
                if number in failing:
                    raise ArithmeticError

            return work

        async def together():
            writes = [here.store.write(job(number)) for number in range(12)]
            return await asyncio.gather(*writes, return_exceptions=True)

        done = asyncio.run(together())
        assert sum(isinstance(outcome, ArithmeticError) for outcome in done) == len(failing)
        left = [number for number in range(12) if number not in failing]
        assert names(claim(here)) == [f"{letter}{number}" for number in left for letter in "ef"]
        assert here.count("Leads") == len(left)

    def test_a_job_sees_the_events_it_wrote(self, here):
        def job(transaction):
            transaction.emit("k", "mine")
            return transaction.outbox.claim("k", 1, LEASE)

        assert names(here.write(job)) == ["mine"]

    def test_one_holder_at_a_time_has_the_oldest(self, here, there):
        emit(here, "a", "b", "c")
        held = claim(here, most=2)
        assert names(held) == ["a", "b"]
        assert claim(there) is None
        assert settle(here, held)
        assert names(claim(there)) == ["c"]
        assert claim(here) is None

    def test_whoever_lost_the_events_can_say_nothing_about_them(self, here, there):
        emit(here, "a", "b")
        lost = claim(here, lease=0)
        held = claim(there, most=1)
        assert not settle(here, lost)
        assert not settle(here, lost, done=0)
        assert claim(here) is None
        assert settle(there, held)
        assert not settle(there, held)
        assert names(claim(here)) == ["b"]

    def test_a_holder_whose_lease_has_ended_may_acknowledge_until_another_claims(self, here):
        emit(here, "a")
        assert settle(here, claim(here, lease=0))
        assert claim(here).events == []

    def test_what_is_released_is_claimed_again(self, here, there):
        emit(here, "a", "b")
        held = claim(here)
        assert settle(here, held, done=0)
        assert not settle(here, held)
        assert names(claim(there)) == ["a", "b"]

    def test_each_kind_is_a_line_of_its_own(self, here, there):
        emit(here, "a1", "a2", kind="a")
        emit(here, "b1", kind="b")
        held = claim(here, kind="a", most=1)
        assert due(there) == ["b"]
        assert claim(there, kind="a") is None
        later = claim(there, kind="b")
        assert names(later) == ["b1"]
        assert settle(there, later)
        assert settle(here, held)
        assert due(there) == ["a"]
        assert names(claim(there, kind="a")) == ["a2"]

    def test_what_pauses_is_not_due_and_counts_its_failures(self, here, there, clock):
        emit(here, "a", "b", "c")
        for failures in range(2):
            held = claim(here)
            assert held.failures == failures
            assert settle(here, held, done=0, pause=10)
            assert claim(there) is None
            assert due(there) == []
            clock.advance(10)
            assert due(there) == ["k"]
        assert settle(here, claim(here), done=1, pause=10)
        clock.advance(10)
        held = claim(here)
        assert (names(held), held.failures) == (["b", "c"], 1)
        assert settle(here, held, done=1)
        assert (claim(here).failures, due(here)) == (0, [])

    def test_an_organisation_is_watched_until_a_time(self, here, there, clock):
        def is_watched(opened):
            return opened.write(lambda transaction: transaction.is_watched)

        def fail(transaction):
            transaction.watch(transaction.now + 100)
            raise ArithmeticError

        assert not is_watched(here)
        with pytest.raises(ArithmeticError):
            here.write(fail)
        assert not is_watched(here)
        here.write(lambda transaction: transaction.watch(transaction.now + 10))
        assert is_watched(here)
        assert is_watched(there)
        clock.advance(10)
        assert not is_watched(there)

    def test_a_lease_ends_by_the_clock_even_if_it_is_put_back(self, here, there, clock):
        emit(here, "a")
        assert names(claim(here, lease=10 * LONGEST_LEASE)) == ["a"]
        clock.advance(LONGEST_LEASE - 1)
        assert claim(there) is None
        clock.advance(1)
        assert names(claim(there)) == ["a"]
        clock.advance(-LEASE - LONGEST_LEASE)
        assert names(claim(here)) == ["a"]

    def test_a_change_of_the_metadata_ends_no_claim(self, here, reopen):
        emit(here, "a")
        held = claim(here)
        here.change(lambda change: change.put(here.organisation.metadata.all("user")[0]))
        again = reopen()
        assert claim(again) is None
        assert settle(again, held)
        again.store.close()

    def test_an_outbox_rests_some_time_after_its_last_event(self, here, there, clock):
        assert rest(here, LEASE)
        emit(here, "a")
        clock.advance(LEASE)
        assert not rest(here, LEASE)
        assert settle(here, claim(here))
        clock.advance(LEASE - 1)
        assert not rest(there, LEASE)
        clock.advance(1)
        assert rest(there, LEASE)

    @pytest.mark.parametrize("seed", range(3))
    def test_claimants_who_meet_deal_with_all_in_order(self, here, there, seed):
        """Some are slow and lose what they hold, some give it back."""
        chance, dealt_with, most = random.Random(seed), [], 40

        async def write():
            for n in range(most):
                await (here, there)[n % 2].store.write(lambda transaction, n=n: transaction.emit("k", n))

        def deal_with(transaction, held):
            if transaction.outbox.settle(held, len(held.events)):
                dealt_with.extend(event.payload for event in held.events)

        async def take(opened):
            while len(dealt_with) < most:
                await _attempt(opened.store, chance, deal_with)

        async def together():
            async with asyncio.timeout(60):
                await asyncio.gather(write(), take(here), take(there), take(here))

        asyncio.run(together())
        assert dealt_with == list(range(most))
