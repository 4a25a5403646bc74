"""Makes a backup: each database as it is at one moment, while servers and other commands work."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

from moorage import __version__
from moorage.crm import WholeCrm
from moorage.locks import FileLock
from moorage.operator.backups.archive import Archive, Contents, Tell, check
from moorage.operator.backups.errors import BackupBusy
from moorage.operator.folder import Folder
from moorage.requests.migrations import REQUESTS
from moorage.requests.place import url_of
from moorage.settings.databases import is_postgresql
from moorage.settings.file import NAME as SETTINGS_FILE
from moorage.storage import flush_folder
from moorage.storage.migrate import CONTROL, History, migrate
from moorage.storage.moving import copy_live
from moorage.storage.sqlite import sqlite_path
from moorage.vault.keys import content_of


async def make(rooms: Folder, file: Path, passphrase: str, *, with_requests: bool, tell: Tell) -> Contents:
    """Write a backup of everything to a file, read it back, and let it take the place of an older one.

    `tell` is told each step. Raises BackupBusy, BackupDamaged, VaultBusy, VaultKeyMissing, DatabaseUnusable.
    """
    with _new_file(file) as new:
        async with _draft_folder(rooms.settings.home) as draft:
            about = _about(rooms, with_requests=with_requests)
            archive = await asyncio.to_thread(Archive, new, passphrase, about, tell)
            await _Parts(rooms, archive, draft).add_all(with_requests=with_requests)
            contents = await asyncio.to_thread(archive.finish)
        new.flush()
        os.fsync(new.fileno())
        tell("reading it back")
        await asyncio.to_thread(check, _partial(file), passphrase)
        await rooms.note("backup.made", "backup", {"file": str(file), "requests": with_requests})
    return contents


def _about(rooms: Folder, *, with_requests: bool) -> dict[str, Any]:
    return {
        "made_at": rooms.clock.now().isoformat(timespec="seconds"),
        "version": __version__,
        "schemas": {"control": CONTROL.head, "requests": REQUESTS.head, "crm": WholeCrm.schema},
        "requests": with_requests,
    }


class _Parts:
    """Adds the parts one after the other. Copies go through a file of the draft folder."""

    def __init__(self, rooms: Folder, archive: Archive, draft: Path) -> None:
        self._rooms = rooms
        self._settings = rooms.settings
        self._archive = archive
        self._draft = draft / "part.db"

    async def add_all(self, *, with_requests: bool) -> None:
        # The control database has tokens of the CRM's accounts server. That is copied later, so it knows all of them.
        await asyncio.to_thread(self._add_control, with_requests=with_requests)
        whole = WholeCrm(self._settings.crm_database_url)
        async with contextlib.aclosing(whole.save(self._rooms.crm, self._draft)) as files:
            async for name, file in files:
                await asyncio.to_thread(self._add, f"crm/{name}", file)
        await asyncio.to_thread(self._add_files)

    def _add(self, name: str, file: Path | bytes) -> None:
        if isinstance(file, bytes):
            self._archive.add_text(name, file)
        else:
            self._archive.add(name, file)

    def _add_control(self, *, with_requests: bool) -> None:
        """No rotation comes in between, so that the keys are those of the secrets."""
        keys = self._rooms.vault_keys
        with keys.rotating():
            self._archive.add_text("vault.key", content_of(keys.ring().keys))
            self._add_copy("moorage.db", self._settings.database_url, CONTROL)
            log = url_of(self._settings)
            if with_requests and (is_postgresql(log) or sqlite_path(log).exists()):
                migrate(log, history=REQUESTS)
                self._add_copy("requests.db", log, REQUESTS)

    def _add_copy(self, name: str, url: str, history: History) -> None:
        self._draft.unlink(missing_ok=True)
        copy_live(url, history, self._draft)
        self._archive.add(name, self._draft)

    def _add_files(self) -> None:
        home = self._settings.home
        for file in sorted((home / "providers").glob("*.toml")):
            self._archive.add(f"providers/{file.name}", file)
        settings = self._settings.file or home / SETTINGS_FILE
        if settings.exists():
            self._archive.add(SETTINGS_FILE, settings)


def _partial(file: Path) -> Path:
    return file.with_name(f"{file.name}.partial")


@contextlib.contextmanager
def _new_file(file: Path) -> Iterator[BinaryIO]:
    """A file that only its owner may read. It takes the place of `file` once it is whole. Raises BackupBusy."""
    partial = _partial(file)
    try:
        with FileLock(partial, wait=False, follow_links=False) as new:
            try:
                os.fchmod(new.fileno(), 0o600)
                new.truncate(0)
                yield new
                partial.replace(file)
                flush_folder(file)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
    except BlockingIOError:
        raise BackupBusy(partial) from None


@asynccontextmanager
async def _draft_folder(home: Path) -> AsyncIterator[Path]:
    """A folder for copies of databases, which must be nowhere else unencrypted. Raises BackupBusy."""
    folder = home / "run" / "backup"
    try:
        with FileLock(folder.with_suffix(".lock"), wait=False):
            shutil.rmtree(folder, ignore_errors=True)  # A killed process may have left it.
            folder.mkdir(parents=True, mode=0o700)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        raise BackupBusy(folder) from None
