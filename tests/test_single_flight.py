"""Work that several callers want at the same time."""

import asyncio

import pytest

from moorage.single_flight import SingleFlight


class Work:
    def __init__(self) -> None:
        self.begun = 0
        self.result = asyncio.get_running_loop().create_future()

    async def __call__(self):
        self.begun += 1
        return await self.result


async def _begin(flights, work, key="key"):
    caller = asyncio.create_task(flights.do(key, work))
    await asyncio.sleep(0)
    return caller


def test_callers_of_one_key_share_one_result_and_later_ones_begin_anew():
    async def run():
        flights, work = SingleFlight(), Work()
        callers = [await _begin(flights, work) for _ in range(3)]
        work.result.set_result(7)
        assert await asyncio.gather(*callers) == [7, 7, 7] and work.begun == 1
        assert await flights.do("key", work) == 7 and work.begun == 2

    asyncio.run(run())


def test_other_keys_are_other_work():
    async def run():
        flights, work, other = SingleFlight(), Work(), Work()
        first, second = await _begin(flights, work, "a"), await _begin(flights, other, "b")
        work.result.set_result(1)
        other.result.set_result(2)
        assert (await first, await second) == (1, 2)

    asyncio.run(run())


def test_a_caller_that_goes_leaves_the_work_to_the_others():
    async def run():
        flights, work = SingleFlight(), Work()
        goes, stays = await _begin(flights, work), await _begin(flights, work)
        goes.cancel()
        with pytest.raises(asyncio.CancelledError):
            await goes
        work.result.set_result(7)
        assert await stays == 7

    asyncio.run(run())


def test_what_fails_fails_for_all_and_is_not_remembered():
    async def run():
        flights, work = SingleFlight(), Work()
        callers = [await _begin(flights, work) for _ in range(2)]
        work.result.set_exception(KeyError("x"))
        told = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(error) for error in told] == [KeyError, KeyError] and not flights.under_way()

    asyncio.run(run())


def test_what_is_forgotten_ends_for_those_who_wait_and_is_begun_anew_for_others():
    async def run():
        flights, old, new = SingleFlight(), Work(), Work()
        early = await _begin(flights, old)
        flights.forget()
        late = await _begin(flights, new)
        old.result.set_result("old")
        assert await early == "old"
        await asyncio.sleep(0)
        assert len(flights.under_way()) == 1  # The end of the old one leaves the new one alone.
        new.result.set_result("new")
        assert await late == "new"

    asyncio.run(run())
