"""Snapshots of organisations that have a name, which callers choose."""

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import msgspec

from moorage.crm.errors import SnapshotInvalid, SnapshotUnknown
from moorage.crm.storage.contract.organisations import Place

MAX_SNAPSHOTS = 100  # For each organisation. A snapshot is as large as the organisation.
# The names of organisations and snapshots. They are the names of files, so they can't lead to another folder.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


class Snapshot(msgspec.Struct, frozen=True):
    """`saved_at` is in microseconds since the epoch; None if it is not known."""

    name: str
    saved_at: int | None


class Snapshots(Protocol):
    """The snapshots of one CRM. All methods raise DatabaseUnusable.

    Those that change something are called with the lock for work on whole organisations.
    """

    async def all_of(self, place: Place) -> list[Snapshot]:
        """An organisation's snapshots, sorted by their names."""

    def written(self, place: Place, name: str) -> AbstractAsyncContextManager[Path]:
        """The path for a new snapshot, which is kept at the end. It may replace an older one. Raises SnapshotInvalid.

        The caller makes the file, and all of it at once. The snapshot was saved when the file was changed last.
        """

    def read(self, place: Place, name: str) -> AbstractAsyncContextManager[Path]:
        """The path at which a snapshot can be read. The file was changed last when the snapshot was saved.

        Raises SnapshotUnknown.
        """

    async def remove(self, place: Place, name: str) -> None:
        """Raises SnapshotUnknown."""

    async def remove_all(self, place: Place) -> None: ...


class SnapshotFiles:
    """`Snapshots` in a folder, which is made for the first snapshot. Only its owner can read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def all_of(self, place: Place) -> list[Snapshot]:
        return await asyncio.to_thread(lambda: sorted(self._all_of(place), key=lambda one: one.name))

    @contextlib.asynccontextmanager
    async def written(self, place: Place, name: str) -> AsyncIterator[Path]:
        require_room_for(place, name, await names_of(self, place))
        folder = self._of(place)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        yield folder / f"{name}.db"

    @contextlib.asynccontextmanager
    async def read(self, place: Place, name: str) -> AsyncIterator[Path]:
        yield await self._find(place, name)

    async def remove(self, place: Place, name: str) -> None:
        await asyncio.to_thread((await self._find(place, name)).unlink, missing_ok=True)

    async def remove_all(self, place: Place) -> None:
        await asyncio.to_thread(shutil.rmtree, self._of(place), ignore_errors=True)

    async def _find(self, place: Place, name: str) -> Path:
        names = await names_of(self, place)
        if name not in names:
            raise unknown(place, name, names)
        return self._of(place) / f"{name}.db"

    def _all_of(self, place: Place) -> Iterator[Snapshot]:
        for file in self._of(place).glob("*.db"):
            with contextlib.suppress(FileNotFoundError):  # It may be deleted meanwhile.
                yield Snapshot(file.stem, saved_at(file))

    def _of(self, place: Place) -> Path:
        return self._folder / place.slug


async def names_of(snapshots: Snapshots, place: Place) -> list[str]:
    return [snapshot.name for snapshot in await snapshots.all_of(place)]


def saved_at(file: Path) -> int | None:
    """When the snapshot in a file was saved. A backup of an older version has no times, so its files are of 1970."""
    return file.stat().st_mtime_ns // 1000 or None


def require_room_for(place: Place, name: str, names: list[str]) -> None:
    """Raises SnapshotInvalid if no snapshot of this name can be added to those that there are."""
    if not NAME.fullmatch(name):
        raise SnapshotInvalid(
            f"{name[:64]!r} can't be the name of a snapshot.",
            help="Use 1 to 40 of a-z, 0-9 and -, such as before-test.",
        )
    if name not in names and len(names) >= MAX_SNAPSHOTS:
        raise SnapshotInvalid(
            f"{place.slug} has {len(names)} snapshots already.",
            help="Delete a snapshot, or use the name of an existing snapshot.",
        )


def unknown(place: Place, name: str, names: list[str]) -> SnapshotUnknown:
    return SnapshotUnknown(
        f"{place.slug} has no snapshot {name[:64]!r}.", help=f"Known: {', '.join(names) or 'none yet'}."
    )
