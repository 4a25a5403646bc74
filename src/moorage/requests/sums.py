"""Reads the request log to sum it up."""

from collections.abc import Mapping
from time import monotonic, sleep

import msgspec
import sqlalchemy as sa

from moorage.bounded import Bounded
from moorage.requests import store
from moorage.requests.kinds import Groups, Remembered, groups_of
from moorage.requests.service import Filter, may_contain, wanted_of
from moorage.requests.summary import Summary, Tally, tally_of
from moorage.storage import Database

LONGEST_LOOK = 0.5  # Seconds after which no older calls are counted.
MOST_BLOCKS = 20_000  # That are counted.
_AT_ONCE = 100  # Blocks between two looks at the time.


class Sums:
    """Sums of calls. A block never changes, so its tally and its errors by kind are remembered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tallies = Bounded[int, Tally](MOST_BLOCKS)
        self._groups = Remembered()

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

        def look(connection: sa.Connection) -> _New:
            return count(connection, account_id, wanted, summary, monotonic() + longest)

        async with self._database.reading() as tx:
            new = await tx.connection.run(look)
        for first, tally in new.tallies.items():
            self._tallies[first] = tally
        self._groups.keep(new.groups)
        return summary

    def _count_all(
        self, connection: sa.Connection, account_id: str, _wanted: Filter, summary: Summary, end: float
    ) -> "_New":
        """Count calls of which nothing has to be known but their times."""
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
        for block in store.those(connection, summary.count(tallies)):
            summary.add_endings(block)
        groups = {} if summary.groups is None else self._group(connection, tallies, summary, end)
        return _New(new, groups)

    def _group(
        self, connection: sa.Connection, tallies: Mapping[int, Tally], summary: Summary, end: float
    ) -> dict[int, Groups]:
        """Count the errors of these blocks by kind. Returns what is new of whole blocks."""
        failed = [first for first in sorted(tallies, reverse=True) if tallies[first].errors]
        new: dict[int, Groups] = {}
        for index in range(0, len(failed), _AT_ONCE):
            few = failed[index : index + _AT_ONCE]
            whole = {first for first in few if summary.has_all_of(tallies[first])}
            known = {first: groups for first in whole if (groups := self._groups.get(first)) is not None}
            for groups in known.values():
                summary.add_groups(groups)
            for block in store.those(connection, [first for first in few if first not in known]):
                found = groups_of(block, summary.since, summary.until)
                summary.add_groups(found.items())
                if block.first in whole:
                    new[block.first] = found
            if monotonic() > end:
                summary.break_off(few[-1])
                break
            sleep(0)
        return new


class _New(msgspec.Struct, frozen=True):
    """What was found out about blocks, by their first numbers."""

    tallies: Mapping[int, Tally] = msgspec.field(default_factory=dict)
    groups: Mapping[int, Groups] = msgspec.field(default_factory=dict)


def _count_wanted(
    connection: sa.Connection, account_id: str, wanted: Filter, summary: Summary, end: float
) -> _New:
    for block in store.newest(connection, account_id, None):
        if block.first < summary.since:
            break
        if may_contain(block.content, wanted):
            summary.add(wanted_of(block, wanted))
        if monotonic() > end:
            summary.break_off(block.first)
            break
        sleep(0)
    return _New()
