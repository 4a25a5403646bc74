"""The organisations of one CRM: create, list, open, copy, reset and delete them.

The folder of the CRM has these files, and those of its storage (`storage/sqlite/storage.py`):

secret.key           signs page tokens; client secrets are derived from it
openid.key           signs ID tokens; it is made for the first ID token
snapshots/           snapshots that have a name, in a folder for each organisation (`snapshots.py`)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from moorage.clock import Clock
from moorage.crm.errors import (
    OrganisationDamaged,
    OrganisationExists,
    OrganisationInvalid,
    OrganisationUnknown,
    SnapshotExists,
)
from moorage.crm.metadata.standard import OrganisationSpec
from moorage.crm.organisations.departures import Departures
from moorage.crm.organisations.moves import Moves
from moorage.crm.organisations.new import documents_of, new_id
from moorage.crm.organisations.registry import OrganisationRow, Registry
from moorage.crm.organisations.sample.populate import populate
from moorage.crm.organisations.shared_snapshots import SharedSnapshots
from moorage.crm.organisations.snapshots import NAME, Snapshot, SnapshotFiles, names_of
from moorage.crm.organisations.threads import ServerThreads
from moorage.crm.organisations.unfinished import remove_unfinished
from moorage.crm.organisations.waiting import EventListener, Waiting
from moorage.crm.organisations.witness import Witness
from moorage.crm.storage.contract.organisations import Fill, Organisation
from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.storage.contract.storage import CrmStorage
from moorage.crm.storage.contract.transfers import Report
from moorage.near import did_you_mean
from moorage.single_flight import SingleFlight

__all__ = ["OrganisationRow", "Organisations"]

T = TypeVar("T")


class Organisations:
    """`snapshots` is the folder of the snapshots that have a name. All methods raise DatabaseUnusable.

    Work that waits for a lock or a disk is done in threads, so that the event loop does not wait.
    """

    def __init__(self, storage: CrmStorage, snapshots: Path, clock: Clock) -> None:
        self._clock = clock
        self._storage = storage
        self.stored = storage.organisations
        self.is_shared = storage.is_shared
        self.registry = Registry(storage.database)
        self.waiting = Waiting(storage.database)
        self.witness = Witness()
        files = SnapshotFiles(snapshots)
        self.snapshots_of = SharedSnapshots(storage.database, snapshots) if storage.is_shared else files
        self._open: dict[int, Organisation] = {}
        self._generations: dict[int, int] = {}
        self._opening = SingleFlight[Organisation | None]()
        self._threads = ServerThreads()
        self.in_thread = self._threads.run
        # Told the id of an organisation after each commit of events here, in the thread that writes.
        self.on_event: Callable[[int], None] = lambda _: None
        self.moves = Moves(storage.database, self.registry, storage.transfers, self.in_thread, self.forget)
        self.departures = Departures(storage.database, self.stored, self.in_thread)

    async def check(self) -> None:
        """Raises DatabaseUnusable if the registry can't be read."""
        await self.registry.get(0)  # Any read is enough. A list of all organisations may be long.

    async def list(self) -> list[OrganisationRow]:
        """All organisations, the oldest first."""
        return await self.registry.all()

    async def find(self, slug: str) -> OrganisationRow:
        """Raises OrganisationUnknown."""
        row = await self.registry.find(slug)
        if row is None:
            slugs = [other.slug for other in await self.list()]
            raise OrganisationUnknown(
                f"There is no organisation {slug!r}.{did_you_mean(slug, slugs)}",
                help=f"Known: {', '.join(slugs) or 'none yet'}.",
            )
        return row

    async def choose(self, slug: str | None) -> OrganisationRow:
        """The organisation with this slug; without a slug, the oldest. Raises OrganisationUnknown."""
        if slug is not None:
            return await self.find(slug)
        rows = await self.list()
        if not rows:
            raise OrganisationUnknown(
                "There is no organisation yet.", help="`moorage crm org create NAME` creates an organisation."
            )
        return rows[0]

    async def create(self, slug: str, spec: OrganisationSpec, *, sample: bool) -> OrganisationRow:
        """Create an organisation; `sample` adds sample records. Raises OrganisationExists, OrganisationInvalid."""
        if not NAME.fullmatch(slug):
            raise OrganisationInvalid(
                f"{slug[:64]!r} can't be the name of an organisation.",
                help="Use 1 to 40 of a-z, 0-9 and -, such as acme-test.",
            )
        return await self._exclusively(partial(self._create, slug, spec, sample=sample))

    async def _create(self, slug: str, spec: OrganisationSpec, *, sample: bool) -> OrganisationRow:
        if await self.registry.find(slug) is not None:
            raise OrganisationExists(
                f"There is an organisation {slug!r} already.",
                help="Choose another name, or delete it first.",
            )
        identity = new_id(await self.registry.used_ids())
        transfers = self._storage.transfers
        server = await self.in_thread(transfers.roomiest) if transfers is not None else None
        row = OrganisationRow(identity, slug, spec.name, self._clock.now(), spec.data_centre, server)
        facts = {"name": spec.name, "data_centre": spec.data_centre, "sample": sample}
        async with self.witness.of("created", slug, **facts):
            await self.registry.begin(row.place)
            await self.in_thread(self._make, row, spec, sample=sample)
            await self.registry.add(row, spec, sample=sample)
        return row

    async def delete(self, slug: str) -> None:
        """Delete an organisation. This method and those below raise OrganisationUnknown."""
        await self._exclusively_on(slug, self.give_up, "deleted")

    async def give_up(self, row: OrganisationRow) -> None:
        """Remove an organisation from the registry, and what is stored of it. The caller holds the lock."""
        await self.registry.remove(row)
        await self.forget(row.id)
        await self.remove_unfinished()

    async def snapshot(self, slug: str, target: Path) -> None:
        """Copy an organisation as it is now to a file. It may be used meanwhile. Raises SnapshotUnwritable."""

        await self._exclusively_on(slug, partial(self._copy, target=target), "saved", file=f"{target}")

    async def _copy(self, row: OrganisationRow, target: Path) -> None:
        await self.in_thread(self.stored.snapshot, row.place, target)

    async def restore(self, slug: str, source: Path) -> None:
        """Put an organisation back into the state of a snapshot of it, in one step. Raises OrganisationInvalid.

        New records get new ids: an id that a record got after the snapshot is never used again.
        """

        await self._exclusively_on(slug, partial(self._put_back, source=source), "restored", file=f"{source}")

    async def _put_back(self, row: OrganisationRow, source: Path) -> None:
        await self.waiting.wake(row.id)  # It may bring events, and this process may be killed before the end.
        await self.in_thread(self.stored.restore, row.place, source)
        await self._changed(row)

    async def reset(self, slug: str) -> None:
        """Put an organisation back into the state in which it was created, with the same ids."""

        async def make_again(row: OrganisationRow) -> None:
            spec, sample = await self.registry.made_from(row.id)
            await self.in_thread(self._make, row, spec, sample=sample)
            await self._changed(row)

        await self._exclusively_on(slug, make_again, "reset")

    async def check_move(self, slug: str, server: str) -> tuple[int, int]:
        """About how many rows and bytes a move would copy. Raises OrganisationInvalid if it can't be moved there."""
        return await self.moves.check(await self.find(slug), server)

    async def move(self, slug: str, server: str, report: Report) -> None:
        """Move an organisation to another server, by its name, while it is used. Raises OrganisationInvalid.

        `report` is called in a thread. An organisation is whole, and in one place, whatever happens meanwhile.
        """

        async def move_there() -> None:
            row = await self.find(slug)
            async with self.witness.of("moved", slug, server=server):
                await self.moves.run(row, server, report)

        await self._exclusively(move_there, stop=True)

    # Snapshots that have a name

    async def snapshots(self, slug: str) -> Sequence[Snapshot]:
        """An organisation's snapshots, sorted by their names."""
        return await self.snapshots_of.all_of((await self.find(slug)).place)

    async def keep_snapshot(self, slug: str, name: str, *, replace: bool = True) -> None:
        """Copy an organisation as it is now. An older snapshot with this name is replaced.

        Raises SnapshotInvalid, and SnapshotExists if there is one that is not to be replaced.
        """

        async def keep(row: OrganisationRow) -> None:
            if not replace and name in await names_of(self.snapshots_of, row.place):
                raise SnapshotExists(
                    f"{slug} has a snapshot {name!r} already.",
                    help="Use another name, or let the snapshot be replaced.",
                )
            async with self.snapshots_of.written(row.place, name) as target:
                await self._copy(row, target)

        await self._exclusively_on(slug, keep, "saved", snapshot=name)

    async def restore_kept(self, slug: str, name: str) -> None:
        """Put an organisation back into the state of a snapshot. Raises SnapshotUnknown, OrganisationInvalid."""

        async def put_back(row: OrganisationRow) -> None:
            async with self.snapshots_of.read(row.place, name) as source:
                await self._put_back(row, source)

        await self._exclusively_on(slug, put_back, "restored", snapshot=name)

    async def remove_snapshot(self, slug: str, name: str) -> None:
        """Delete a snapshot. Raises SnapshotUnknown."""

        async def remove(row: OrganisationRow) -> None:
            await self.snapshots_of.remove(row.place, name)

        await self._exclusively_on(slug, remove, "snapshot_deleted", snapshot=name)

    # Organisations that are open

    def opened(self, identity: int) -> Organisation | None:
        """An organisation that is open; None if it has to be opened first, or does not exist."""
        organisation = self._open.get(identity)
        return organisation if organisation is not None and not organisation.store.closed else None

    def in_use(self) -> Sequence[Organisation]:
        """All that are open."""
        return [organisation for organisation in self._open.values() if not organisation.store.closed]

    async def open(self, identity: int) -> Organisation | None:
        """Open an organisation. It stays open. None if it does not exist. Raises OrganisationDamaged."""
        return self.opened(identity) or await self._opening.do(identity, partial(self._load, identity))

    async def open_as_it_is_now(self, identity: int) -> Organisation | None:
        """Like `open`, but with the metadata of now, which another process may have changed while it was open."""
        while (organisation := await self.open(identity)) is not None:
            if organisation.store.confirm is None:
                break
            with suppress(StoreClosed):
                await organisation.store.confirm()
                break
        return organisation

    async def _load(self, identity: int) -> Organisation | None:
        listener = EventListener(self.waiting, identity, self._told)
        for tries in count():
            await self.forget(identity)
            # The generation is read before the organisation, so that a change between the two is noticed later.
            generations = await self.registry.generations([identity])
            row = await self.registry.get(identity)
            if row is None:
                return None
            try:
                opened = await self._threads.run_for(row.server, self.stored.open, row.place, listener)
            except (StoreClosed, OrganisationDamaged):
                if await self.registry.get(identity) != row:
                    continue  # It was deleted meanwhile, and its file with it.
                if not await self.moves.concerns(row):
                    raise
                await self.moves.wait(row, tries, partial(self._exclusively, self.check))
            else:
                self._open[identity], self._generations[identity] = opened, generations.get(identity, 0)
                return opened
        raise AssertionError

    def _told(self, identity: int) -> None:
        self.on_event(identity)

    async def forget(self, identity: int | None = None) -> None:
        """Close an organisation, or all of them, so that the next use opens it again."""
        for open_id in [identity] if identity is not None else list(self._open):
            organisation = self._open.pop(open_id, None)
            if organisation is not None:
                await self.in_thread(organisation.store.close)

    async def forget_changed(self) -> None:
        """Close the organisations that another process has deleted, restored or reset."""
        before = {identity: self._generations[identity] for identity in self._open}
        generations = await self.registry.generations(before) if before else {}
        for identity, generation in before.items():
            if generations.get(identity) != generation:
                await self.forget(identity)

    async def close(self) -> None:
        """Close all organisations. The storage stays open."""
        await self.forget()
        self._threads.close()

    async def _exclusively_on(
        self, slug: str, work: Callable[[OrganisationRow], Awaitable[T]], change: str, **facts: str
    ) -> T:
        """Do work on an organisation, of which the witness is told. Raises OrganisationUnknown."""

        async def found() -> T:
            row = await self.find(slug)
            async with self.witness.of(change, slug, **facts):
                return await work(row)

        return await self._exclusively(found)

    async def _exclusively(self, work: Callable[[], Awaitable[T]], *, stop: bool = False) -> T:
        """Do work on whole organisations while no other process does.

        If the caller is cancelled, the work goes on, or it is cancelled, too (`stop`).
        """

        async def alone() -> T:
            async with self.locked():
                return await work()

        return await (alone() if stop else asyncio.shield(asyncio.ensure_future(alone())))

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """The lock for work on whole organisations. What processes that died have left is brought to its end first."""
        async with self._storage.exclusively():
            for settle in (self.moves.settle, self.departures.settle, self.remove_unfinished):
                await settle()
            yield

    async def remove_unfinished(self) -> None:
        await remove_unfinished(self.registry, self.stored, self.snapshots_of, self.in_thread)

    async def _changed(self, row: OrganisationRow) -> None:
        await self.registry.announce(row.id)
        await self.forget(row.id)

    def _make(self, row: OrganisationRow, spec: OrganisationSpec, *, sample: bool) -> None:
        created = self._clock.now()
        documents = documents_of(spec, row.id, created)
        fill: Fill | None = None
        if sample:
            fill = lambda organisation, begin: populate(organisation, begin, created)  # noqa: E731
        self.stored.make(row.place, documents, fill)
