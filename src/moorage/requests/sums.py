"""Reads the request log to sum it up."""

from time import monotonic, sleep

import sqlalchemy as sa

from moorage.bounded import Bounded
from moorage.requests import store
from moorage.requests.blocks import errors_of
from moorage.requests.model import Call
from moorage.requests.service import Filter, calls_of, may_contain
from moorage.requests.summary import Summary, Tally, tally_of
from moorage.storage import Database

LONGEST_LOOK = 0.5  # Seconds after which no older calls are counted.
MOST_BLOCKS = 20_000  # That are counted.


class Sums:
    """Sums of calls. A block never changes, so its tally is remembered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tallies = Bounded[int, Tally](MOST_BLOCKS)

    async def of(
        self,
        account_id: str,
        wanted: Filter,
        now: int,
        *,
        groups: bool = False,
        longest: float = LONGEST_LOOK,
    ) -> Summary:
        """The calls over the time, and with `groups` the errors by kind. `now` is in microseconds since the epoch."""
        summary = Summary.of(wanted.since, wanted.until, now, groups=groups)
        count = self._count_all if wanted.only_times else _count_wanted

        def look(connection: sa.Connection) -> dict[int, Tally]:
            return count(connection, account_id, wanted, summary, monotonic() + longest)

        async with self._database.reading() as tx:
            new = await tx.connection.run(look)
        for first, tally in new.items():
            self._tallies[first] = tally
        return summary

    def _count_all(
        self, connection: sa.Connection, account_id: str, _wanted: Filter, summary: Summary, end: float
    ) -> dict[int, Tally]:
        """Count calls of which nothing has to be known but their times. Returns the tallies that are new."""
        firsts = store.firsts(connection, account_id, summary.since, MOST_BLOCKS)
        tallies = {first: tally for first in firsts if (tally := self._tallies.get(first)) is not None}
        new: dict[int, Tally] = {}
        for block in store.those(connection, [first for first in firsts if first not in tallies]):
            new[block.first] = tally_of(block)
            if monotonic() > end:
                summary.break_off(block.first)
                break
            sleep(0)  # The event loop goes first.
        if len(firsts) == MOST_BLOCKS:
            summary.break_off(firsts[-1])
        tallies |= new
        mixed = [first for first, tally in tallies.items() if not summary.takes(tally)]
        for block in store.those(connection, mixed):
            summary.add_endings(block)
        if summary.groups is not None:
            _group(connection, sorted(first for first in tallies if tallies[first].errors), summary, end)
        return new


def _group(connection: sa.Connection, firsts: list[int], summary: Summary, end: float) -> None:
    for block in store.those(connection, firsts[::-1]):
        for index, note in errors_of(block.content):
            summary.add_error(Call(block.first + index, block.epoch, note))
        if monotonic() > end:
            summary.break_off(block.first)
            return
        sleep(0)


def _count_wanted(
    connection: sa.Connection, account_id: str, wanted: Filter, summary: Summary, end: float
) -> dict[int, Tally]:
    for block in store.newest(connection, account_id, None):
        if block.first < summary.since:
            break
        if may_contain(block.content, wanted):
            summary.add(call for call in calls_of(block) if wanted.accepts(call))
        if monotonic() > end:
            summary.break_off(block.first)
            break
        sleep(0)
    return {}
