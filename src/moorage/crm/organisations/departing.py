"""An organisation goes to another CRM of the same operator, such as one in PostgreSQL, with all that belongs to it.

At each moment it is whole in one of the two, and used in one of them at most:

1. The target makes a copy, which is unfinished, while the organisation is used. What changes meanwhile is written down
   and copied again, in rounds. At last writers are held, and the last changes are copied.
2. The organisation is closed at its source. From here on its calls are answered 503.
3. The target's registry gets it, with its accounts, in one transaction. From here on it is at the target.
4. The source's registry gives it up, and what it has of it is removed.

If a process dies before the third step, the organisation stays where it is, and may be closed; after it, the source has
an organisation that is closed. Whoever repeats the move reopens the one, or gives up the other.
"""

import shutil
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from moorage.crm.errors import OrganisationExists
from moorage.crm.organisations.moves import MoveStopped
from moorage.crm.organisations.registry import OrganisationRow
from moorage.crm.organisations.snapshots import names_of
from moorage.crm.organisations.threads import to_its_end
from moorage.crm.storage.carried import copy_unchanged
from moorage.crm.storage.contract.departures import Arriving, Departing, Progress
from moorage.storage.database import Transaction
from moorage.storage.errors import DatabaseUnusable

if TYPE_CHECKING:
    from moorage.crm.organisations.service import Organisations

# Told of each step that begins.
Tell: TypeAlias = Callable[[str], None]
# Copies what other rooms have of an organisation, from one transaction to the other.
CopyOthers: TypeAlias = Callable[[Transaction, Transaction, int], Awaitable[None]]

SHORT = 0.1  # Seconds. After a round that takes no longer, writers can be made to wait.
MOST_ROUNDS = 30  # Then they wait, whatever the last changes take.
TOLD_EVERY = 20_000  # Records.


class Departure:
    def __init__(
        self, source: "Organisations", target: "Organisations", copy_others: CopyOthers, tell: Tell
    ) -> None:
        self._source = source
        self._target = target
        self._copy_others = copy_others
        self._tell = tell
        self._held_since = self._held = 0.0  # Of `time.monotonic`; seconds.
        self._stopped = threading.Event()

    async def check(self, slug: str) -> OrganisationRow:
        """Raises OrganisationUnknown, OrganisationDamaged, OrganisationExists, DatabaseUnusable."""
        row = await self._source.find(slug)
        if not await self._is_left(row):
            await self._require_free(row)
            if not await self._source.in_thread(self._source.stored.is_closed, row.place):
                await self._source.in_thread(self._open_once, row)
        return row

    async def run(self, slug: str) -> OrganisationRow:
        """Raises as `check`."""
        async with AsyncExitStack() as locks:
            # Always in the same order, so that two moves in opposite directions don't wait for each other.
            sides = sorted((self._source, self._target), key=lambda side: side.is_shared)
            for side in sides:
                await locks.enter_async_context(side.locked())
            row = await self.check(slug)
            if not await self._is_left(row):
                async with self._source.departures.of(row.place):
                    await self._copy(row)
                    await self._hand_over(row)
                self._tell(f"Writes waited for {self._held:.2f} seconds")
            self._tell("Removing it from its old place")
            await self._source.give_up(row)
        return row

    async def _is_left(self, row: OrganisationRow) -> bool:
        """Whether an earlier move has brought it to the target, and only the source has to give it up."""
        is_closed = await self._source.in_thread(self._source.stored.is_closed, row.place)
        return is_closed and await self._target.registry.get(row.id) is not None

    async def _require_free(self, row: OrganisationRow) -> None:
        for other in (await self._target.registry.find(row.slug), await self._target.registry.get(row.id)):
            if other is not None:
                raise OrganisationExists(
                    f"At the target there is an organisation {other.slug!r} with the id {other.id}.",
                    help="Delete it there, if nobody needs it. Two organisations can't have the same name or id.",
                )

    def _open_once(self, row: OrganisationRow) -> None:
        self._source.stored.open(row.place).store.close()

    async def _copy(self, row: OrganisationRow) -> None:
        place = row.place
        if await self._source.in_thread(self._source.stored.is_closed, place):
            await self._source.in_thread(self._source.stored.reopen, place)
        await self._target.registry.begin(self._arrived(row).place)
        try:
            await self._copy_snapshots(row)
            await to_its_end(self._source.in_thread(self._copy_records, row), self._stopped)
        except BaseException:
            await self._undo(row)
            raise

    async def _undo(self, row: OrganisationRow) -> None:
        """Let the organisation be used where it is, and remove the copy."""
        if await self._source.in_thread(self._source.stored.is_closed, row.place):
            await self._source.in_thread(self._source.stored.reopen, row.place)
        await self._target.remove_unfinished()

    async def _copy_snapshots(self, row: OrganisationRow) -> None:
        source, target = self._source.snapshots_of, self._target.snapshots_of
        for name in await names_of(source, row.place):
            self._tell(f"Copying the snapshot {name}")
            async with source.read(row.place, name) as before, target.written(row.place, name) as after:
                await self._source.in_thread(shutil.copy2, before, after)
                after.chmod(0o600)

    def _copy_records(self, row: OrganisationRow) -> None:
        """Raises OrganisationInvalid if its fields are changed again and again."""
        copy_unchanged(
            partial(self._copy_once, row),
            lambda: self._tell("Its fields were changed: copying it once more"),
        )

    def _copy_once(self, row: OrganisationRow) -> None:
        with self._source.stored.depart(row.place) as departure, ExitStack() as holding:
            with self._target.stored.arrive(self._arrived(row).place) as arrival:
                self._tell("Copying its records")
                with departure.everything() as rows:
                    arrival.fill(rows, self._count())
                self._tell("Copying what has changed meanwhile")
                _round(departure, arrival)
                arrival.index()
                for _ in range(MOST_ROUNDS):
                    if _round(departure, arrival) <= SHORT:
                        break
                self._tell("Copying the last changes, while nobody writes")
                held = holding.enter_context(departure.hold())
                self._held_since = time.monotonic()
                arrival.change(held.rows, held.changed)
            held.close()

    def _count(self) -> Progress:
        """Tells now and then how many records are copied. Raises MoveStopped."""
        count = 0

        def progress(more: int) -> None:
            nonlocal count
            if self._stopped.is_set():
                raise MoveStopped
            before, count = count, count + more
            if before // TOLD_EVERY != count // TOLD_EVERY:
                self._tell(f"Copied {count:,} records")

        return progress

    async def _hand_over(self, row: OrganisationRow) -> None:
        self._tell("Copying its clients and tokens")
        source, target = self._source.registry, self._target.registry
        try:
            spec, sample = await source.made_from(row.id)
            async with source.writing() as out, target.writing() as into:
                await self._finish(into, row)
                await target.add_in(into, self._arrived(row), spec, sample=sample)
                await self._copy_others(out, into, row.id)
        except BaseException:
            if await target.get(row.id) is None:
                await self._undo(row)
            raise
        self._held = time.monotonic() - self._held_since

    async def _finish(self, tx: Transaction, row: OrganisationRow) -> None:
        """The copy is not unfinished any more. Raises DatabaseUnusable if it is gone, as the lock was lost."""
        if not await self._target.registry.finish_in(tx, self._arrived(row).place):
            raise DatabaseUnusable(
                "Another process has taken the copy away, because this one could not reach the database.",
                help="Repeat the command.",
                kind="busy",
            )

    def _arrived(self, row: OrganisationRow) -> OrganisationRow:
        return replace(row, server=None)


def _round(departure: Departing, arrival: Arriving) -> float:
    """Copy what has changed since the last round. Gives the seconds that it took."""
    began = time.monotonic()
    with departure.changes() as (rows, changed):
        arrival.change(rows, changed)
    return time.monotonic() - began
