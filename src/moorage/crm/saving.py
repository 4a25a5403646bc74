"""Everything of one CRM as files: saved while it is used, and loaded into an empty database.

The files are those of a CRM in a folder (`organisations/service.py`), on whichever storage the CRM is.
"""

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from moorage.clock import Clock
from moorage.crm.organisations.service import Organisations
from moorage.crm.organisations.snapshots import names_of
from moorage.crm.service import CrmService
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.contract.storage import CrmStorage
from moorage.crm.storage.migrations import CRM
from moorage.settings.databases import is_postgresql
from moorage.storage.moving import Tables, copy_live, move

_REGISTRY = "registry.db"
_SNAPSHOTS = ("snapshots", "snapshot_parts")  # Tables of named snapshots. They are files here.
_PASSING = ("moves", "unfinished")  # Tables of work that is under way.
_WRITTEN_BEFORE = ("unfinished", *_SNAPSHOTS)  # What `load` writes before the registry.

# The name of a file, and the file itself, which is there until the next one is asked for; or its content.
File: TypeAlias = tuple[str, Path | bytes]


class WholeCrm:
    """The CRM whose database has this URL (`Settings.crm_database_url`). All methods raise DatabaseUnusable."""

    schema = CRM.head

    def __init__(self, url: str) -> None:
        self._registry = url if is_postgresql(url) else f"{url}/{_REGISTRY}"

    @property
    def tables(self) -> Tables:
        """Those of the registry and of the accounts server. They have content if there is an organisation."""
        return Tables(self._registry, CRM, _WRITTEN_BEFORE)

    async def save(self, crm: CrmService, draft: Path) -> AsyncGenerator[File]:
        """The files, each as it is at one moment. `draft` is the path of a file that this may use."""
        organisations = crm.organisations
        async with organisations.locked():
            await asyncio.to_thread(self._copy_registry, draft)
            yield _REGISTRY, draft
            for name, secret in (await asyncio.to_thread(crm.secrets)).items():
                yield f"{name}.key", secret
            for row in await organisations.list():
                await organisations.in_thread(organisations.stored.snapshot, row.place, draft)
                yield f"orgs/{row.slug}.db", draft
                for name in await names_of(organisations.snapshots_of, row.place):
                    async with organisations.snapshots_of.read(row.place, name) as file:
                        yield f"snapshots/{row.slug}/{name}.db", file

    def _copy_registry(self, target: Path) -> None:
        target.unlink(missing_ok=True)
        copy_live(self._registry, CRM, target, _SNAPSHOTS)
        with contextlib.closing(sqlite3.connect(target)) as connection:
            for table in (*_PASSING, *_SNAPSHOTS):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 (a name of ours)
            connection.execute("UPDATE organisations SET server = NULL")
            connection.commit()

    async def load(
        self, storage: CrmStorage, folder: Path, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        """Load the files of a folder into this CRM, which has no content. `storage` is that of this CRM.

        The organisations come first, and are unfinished until the registry knows them. So if this process dies before,
        whoever comes next removes them.
        """
        organisations = Organisations(storage, folder / ".copies", clock)
        try:
            async with organisations.locked():
                for place in await asyncio.to_thread(lambda: list(_places(folder))):
                    tell(f"loading the organisation {place.slug}")
                    await organisations.registry.begin(place)
                    file = folder / "orgs" / f"{place.slug}.db"
                    await organisations.in_thread(organisations.stored.restore, place, file)
                    for snapshot in sorted((folder / "snapshots" / place.slug).glob("*.db")):
                        async with organisations.snapshots_of.written(place, snapshot.stem) as target:
                            await asyncio.to_thread(shutil.copy2, snapshot, target)
                await asyncio.to_thread(self._load_registry, folder)
        finally:
            await organisations.close()

    def _load_registry(self, folder: Path) -> None:
        source = f"sqlite:///{folder / _REGISTRY}"
        move(source, self._registry, CRM, lambda *_: None, _WRITTEN_BEFORE, _finish_all)


def _places(folder: Path) -> Iterator[Place]:
    with contextlib.closing(sqlite3.connect(folder / _REGISTRY)) as connection:
        for slug, identity in connection.execute("SELECT slug, id FROM organisations ORDER BY id"):
            yield Place(slug, identity)


def _finish_all(registry: sa.Connection) -> None:
    registry.execute(sa.delete(sa.table("unfinished")))
