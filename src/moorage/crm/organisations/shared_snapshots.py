"""Snapshots that have a name, in the CRM's database: processes on several machines have the same ones.

A snapshot is a file in parts. Its parts are written under a number that is new, one after the other, before the name
gets that number. So a name has a whole snapshot at each moment, and the parts of a process that died belong to no name.
"""

import asyncio
import contextlib
import itertools
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import sqlalchemy as sa

from moorage.crm.organisations.snapshots import Snapshot, names_of, require_room_for, saved_at, unknown
from moorage.crm.storage.contract.organisations import Place
from moorage.storage.database import Database
from moorage.storage.trouble import disk_trouble
from moorage.storage.upsert import upsert

PART = 1024 * 1024  # Bytes.

_metadata = sa.MetaData()
snapshots = sa.Table(
    "snapshots",
    _metadata,
    sa.Column("organisation", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger),
    sa.Column("saved_at", sa.BigInteger),
)
snapshot_parts = sa.Table(
    "snapshot_parts",
    _metadata,
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("bytes", sa.LargeBinary),
)
_belongs_to_no_name = snapshot_parts.c.number.not_in(sa.select(snapshots.c.number))


class SharedSnapshots:
    """`Snapshots` in a database. Each goes through a file in `folder`, which is made if it is missing."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    async def all_of(self, place: Place) -> list[Snapshot]:
        known = sa.select(snapshots.c.name, snapshots.c.saved_at).where(_is_of(place))
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(known)
            return sorted((Snapshot(*row) for row in rows), key=lambda snapshot: snapshot.name)

    @contextlib.asynccontextmanager
    async def written(self, place: Place, name: str) -> AsyncIterator[Path]:
        require_room_for(place, name, await names_of(self, place))
        await self._remove_what_has_no_name()
        async with self._file() as path:
            yield path
            number = 1 + secrets.randbits(62)
            await self._write(path, number)
            values = {"number": number, "saved_at": saved_at(path)}
        key = {"organisation": place.identity, "name": name}
        async with self._database.transaction() as tx:
            await tx.connection.execute(upsert(snapshots, key, values))
        await self._remove_what_has_no_name()

    @contextlib.asynccontextmanager
    async def read(self, place: Place, name: str) -> AsyncIterator[Path]:
        kept = sa.select(snapshots.c.number, snapshots.c.saved_at)
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(kept.where(_is_of(place), snapshots.c.name == name))
            found = rows.first()
        if found is None:
            raise unknown(place, name, await names_of(self, place))
        number, saved = found
        async with self._file() as path:
            await self._copy(number, path)
            os.utime(path, ns=(1000 * (saved or 0),) * 2)
            yield path

    async def remove(self, place: Place, name: str) -> None:
        names = await names_of(self, place)
        if name not in names:
            raise unknown(place, name, names)
        async with self._database.transaction() as tx:
            await tx.connection.execute(snapshots.delete().where(_is_of(place), snapshots.c.name == name))
        await self._remove_what_has_no_name()

    async def remove_all(self, place: Place) -> None:
        async with self._database.transaction() as tx:
            await tx.connection.execute(snapshots.delete().where(_is_of(place)))
        await self._remove_what_has_no_name()

    async def _write(self, path: Path, number: int) -> None:
        with disk_trouble(f"{path}"), path.open("rb") as file:
            parts = itertools.count()
            while content := await asyncio.to_thread(file.read, PART):
                async with self._database.transaction(quiet=True) as tx:
                    values = {"number": number, "part": next(parts), "bytes": content}
                    await tx.connection.execute(snapshot_parts.insert().values(values))

    async def _copy(self, number: int, path: Path) -> None:
        is_of_number = snapshot_parts.c.number == number
        count = sa.select(sa.func.count()).select_from(snapshot_parts).where(is_of_number)
        part = sa.select(snapshot_parts.c.bytes).where(is_of_number)
        # One transaction sees one moment, also if the snapshot is replaced meanwhile.
        async with self._database.reading() as tx:
            with disk_trouble(f"{path}"), path.open("wb") as file:
                for place in range((await tx.connection.execute(count)).scalar() or 0):
                    content = (
                        await tx.connection.execute(part.where(snapshot_parts.c.part == place))
                    ).scalar()
                    await asyncio.to_thread(file.write, content or b"")

    async def _remove_what_has_no_name(self) -> None:
        async with self._database.transaction(quiet=True) as tx:
            await tx.connection.execute(snapshot_parts.delete().where(_belongs_to_no_name))

    @contextlib.asynccontextmanager
    async def _file(self) -> AsyncIterator[Path]:
        with disk_trouble(f"{self._folder}"):
            await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True, mode=0o700)
            folder = await asyncio.to_thread(
                tempfile.TemporaryDirectory, dir=self._folder, prefix=".snapshot-"
            )
        try:
            yield Path(folder.name) / "snapshot.db"
        finally:
            await asyncio.to_thread(folder.cleanup)


def _is_of(place: Place) -> sa.ColumnElement[bool]:
    return snapshots.c.organisation == place.identity
