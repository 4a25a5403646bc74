"""An organisation goes to another CRM of the same operator, such as one in PostgreSQL, with all that belongs to it.

At each moment it is whole in one of the two, and used in one of them at most:

1. The target makes a copy, which is unfinished. Nobody writes to the organisation meanwhile.
2. The organisation is closed at its source.
3. The target's registry gets it, with its accounts, in one transaction. From here on it is at the target.
4. The source's registry gives it up, and what it has of it is removed.

If a process dies before the third step, the organisation stays where it is, and may be closed; after it, the source has
an organisation that is closed. Whoever repeats the move reopens the one, or gives up the other.
"""

import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from moorage.crm.errors import OrganisationExists
from moorage.crm.organisations.registry import OrganisationRow
from moorage.storage.database import Transaction
from moorage.storage.trouble import disk_trouble

if TYPE_CHECKING:
    from moorage.crm.organisations.service import Organisations

# Told of each step that begins.
Tell: TypeAlias = Callable[[str], None]
# Copies what other rooms have of an organisation, from one transaction to the other.
CopyOthers: TypeAlias = Callable[[Transaction, Transaction, int], Awaitable[None]]


class Departure:
    """`folder` is for the file through which an organisation goes. It needs room for it."""

    def __init__(
        self,
        source: "Organisations",
        target: "Organisations",
        folder: Path,
        copy_others: CopyOthers,
        tell: Tell,
    ) -> None:
        self._source = source
        self._target = target
        self._folder = folder
        self._copy_others = copy_others
        self._tell = tell

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
                await self._copy(row)
                await self._hand_over(row)
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
            with disk_trouble(f"{self._folder}"):
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                with tempfile.TemporaryDirectory(dir=self._folder, prefix=".move-") as folder:
                    file = Path(folder) / "organisation.db"
                    await self._source.in_thread(self._copy_held, row, file)
        except BaseException:
            await self._abandon()
            raise

    async def _abandon(self) -> None:
        """Remove the copy."""
        await self._target.remove_unfinished()

    async def _copy_snapshots(self, row: OrganisationRow) -> None:
        source, target = self._source.snapshots_of, self._target.snapshots_of
        for name in await source.names(row.place):
            self._tell(f"Copying the snapshot {name}")
            async with source.read(row.place, name) as before, target.written(row.place, name) as after:
                await self._source.in_thread(shutil.copyfile, before, after)
                after.chmod(0o600)

    def _copy_held(self, row: OrganisationRow, file: Path) -> None:
        self._tell("Copying its records, while nobody writes")
        with self._source.stored.hold(row.place) as held:
            held.snapshot(file)
            self._target.stored.restore(self._arrived(row).place, file)
            held.close()

    async def _hand_over(self, row: OrganisationRow) -> None:
        self._tell("Copying its clients and tokens")
        source, target = self._source.registry, self._target.registry
        try:
            spec, sample = await source.made_from(row.id)
            async with source.writing() as out, target.writing() as into:
                await target.add_in(into, self._arrived(row), spec, sample=sample)
                await self._copy_others(out, into, row.id)
        except BaseException:
            if await target.get(row.id) is None:
                await self._source.in_thread(self._source.stored.reopen, row.place)
                await self._abandon()
            raise

    def _arrived(self, row: OrganisationRow) -> OrganisationRow:
        return replace(row, server=None)
