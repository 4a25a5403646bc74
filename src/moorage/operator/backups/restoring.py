"""Restores a backup into a data folder, and into databases in PostgreSQL if the settings name them.

Nothing is put in its place before the whole backup was read and its databases were brought up to date. Files come to
their places all or none (`storage/placing.py`). In PostgreSQL, the control database comes last: without it, the same
command can be repeated.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from moorage.acting import act_as, actor
from moorage.crm import WholeCrm
from moorage.errors import SettingsInvalid
from moorage.operator.backups.archive import Contents, Tell, check, extract
from moorage.operator.backups.errors import BackupUnreadable
from moorage.operator.folder import Folder
from moorage.requests.migrations import REQUESTS
from moorage.requests.place import url_of
from moorage.settings import Settings
from moorage.settings.databases import is_postgresql
from moorage.settings.file import NAME as SETTINGS_FILE
from moorage.settings.readers import decode_keys
from moorage.storage.errors import DatabaseNotEmpty, DatabaseServed
from moorage.storage.migrate import CONTROL
from moorage.storage.moving import Tables, move
from moorage.storage.placing import Move, empty_stage, is_unsettled, place, remove
from moorage.storage.sqlite import sqlite_path
from moorage.vault.errors import VaultLocked
from moorage.vault.kept import SealedSecrets

_BESIDE = ("", "-wal", "-shm")  # The files of one database.


async def restore(
    settings: Settings, file: Path, passphrase: str, *, replaces: bool, tell: Tell
) -> tuple[Contents, Path | None]:
    """Restore everything. The caller has the lock of the data folder.

    With `replaces`, what is in the data folder goes into a folder beside, which is returned. Raises
    BackupUnreadable, PassphraseWrong, BackupDamaged, DatabaseNotEmpty, DatabaseServed, SettingsInvalid.
    """
    await asyncio.to_thread(_require_room, settings, replaces=replaces)
    tell("checking it")
    contents = await asyncio.to_thread(check, file, passphrase)
    _require_known(file, contents)
    stage = empty_stage(settings.home)
    try:
        await asyncio.to_thread(extract, file, passphrase, stage, tell)
        staged = _staged(settings, stage)
        await _prepare(staged, settings, file)
        kept = settings.home / f"replaced-{datetime.now(UTC):%Y%m%dT%H%M%S}"
        # Before anything is loaded, as a place that can't be used refuses the whole restore.
        moves = [_move(stage / name, where, settings.home, kept) for name, where in _places(settings, stage)]
        await _load(settings, staged, tell)
        tell("putting it in its place")
        place(settings.home, moves)
    finally:
        if not is_unsettled(settings.home):
            shutil.rmtree(stage, ignore_errors=True)
    return contents, kept if kept.exists() else None


def _require_room(settings: Settings, *, replaces: bool) -> None:
    """Raises DatabaseNotEmpty if a restore would cover something, unless it may; and DatabaseServed."""
    control, log = settings.database_url, url_of(settings)
    tables = [Tables(control, CONTROL), WholeCrm(settings.crm_database_url).tables]
    if is_postgresql(log):
        tables.append(Tables(log, REQUESTS))
    for each in tables:
        if each.is_served():
            raise DatabaseServed(each.name)
        if is_postgresql(each.url):
            if each.has_content():
                raise DatabaseNotEmpty(
                    each.name, "Name an empty database: what is in PostgreSQL is never replaced."
                )
        elif not replaces and each.has_content():
            raise DatabaseNotEmpty(
                each.name,
                "With --replace, the backup takes the place of what is there, which is kept in a folder beside.",
            )


def _require_known(file: Path, contents: Contents) -> None:
    known = {"control": CONTROL.head, "requests": REQUESTS.head, "crm": WholeCrm.schema}
    if any(contents.about["schemas"][name] > head for name, head in known.items()):
        raise BackupUnreadable(
            file, f"Moorage {contents.about['version']} made it, which is newer than this one"
        )


def _staged(settings: Settings, stage: Path) -> Settings:
    """The settings of the extracted files, as if they were a data folder."""
    return replace(
        settings,
        home=stage,
        database_url=f"sqlite:///{stage / 'moorage.db'}",
        crm_database_url=f"sqlite:///{stage / 'crm'}",
        crm_servers=None,
    )


async def _prepare(staged: Settings, settings: Settings, file: Path) -> None:
    """Bring the copies up to date, look whether the vault's key fits, and note the restore in the audit."""
    keys = decode_keys((staged.home / "vault.key").read_text("ascii"))
    if settings.vault_key is not None and not set(keys) <= set(decode_keys(settings.vault_key.reveal())):
        raise SettingsInvalid(
            "MOORAGE_VAULT_KEY is not the key with which the secrets of the backup are encrypted.",
            help="Set the key of that time, or leave it out: the backup has the key.",
        )
    rooms = Folder(staged)
    try:
        act_as("operator", actor().id, actor().name, await rooms.keys.first_account())
        await rooms.note("backup.restored", "backup", {"file": str(file)})
        if is_postgresql(settings.crm_database_url):
            await asyncio.to_thread(_seal_secrets, staged, rooms)
    finally:
        await rooms.close()
    WholeCrm(staged.crm_database_url).tables.update()
    remove(staged.crm_folder / "backups")  # Copies of what the backup has itself.
    if (staged.home / "requests.db").exists():
        Tables(url_of(staged), REQUESTS).update()


def _seal_secrets(staged: Settings, rooms: Folder) -> None:
    """Put the CRM's secrets into the vault, where a CRM in PostgreSQL has them, and not into files."""
    sealed = SealedSecrets(staged.database_url, rooms.vault_keys, staged.crm_folder)
    for file in sorted(staged.crm_folder.glob("*.key")):
        with contextlib.suppress(VaultLocked):  # Some secrets need a lost key. Then the file does it.
            sealed.kept(file.stem, file.read_bytes)
            file.unlink()


async def _load(settings: Settings, staged: Settings, tell: Tell) -> None:
    """Load what belongs to PostgreSQL. The control database comes last."""
    if is_postgresql(settings.crm_database_url):
        await _load_crm(settings, staged, tell)
    if is_postgresql(settings.database_url):
        if (staged.home / "requests.db").exists():
            tell("loading the request log")
            await asyncio.to_thread(move, url_of(staged), url_of(settings), REQUESTS, _nobody)
        tell("loading the control database")
        await asyncio.to_thread(move, staged.database_url, settings.database_url, CONTROL, _nobody)


async def _load_crm(settings: Settings, staged: Settings, tell: Tell) -> None:
    rooms = Folder(settings)
    try:
        crm = WholeCrm(settings.crm_database_url)
        await crm.load(rooms.crm_storage, staged.crm_folder, rooms.clock, tell)
    finally:
        await rooms.close()


def _nobody(_table: str, _rows: int) -> None:
    """Tables are too many to tell of."""


def _places(settings: Settings, stage: Path) -> Iterator[tuple[str, Path]]:
    """Where each file comes. What has no file in the backup goes away, too."""
    home, crm = settings.home, settings.crm_folder
    yield "providers", home / "providers"
    if (stage / SETTINGS_FILE).exists():
        text = (stage / SETTINGS_FILE).read_text(errors="replace")
        # The settings with which it is restored count, and so do the places of its databases.
        is_other = (home / SETTINGS_FILE).exists() or "database_url" in text
        yield SETTINGS_FILE, home / (f"{SETTINGS_FILE}.restored" if is_other else SETTINGS_FILE)
    if settings.vault_key is None:
        yield "vault.key", home / "vault.key"
    if not is_postgresql(settings.database_url):
        control = sqlite_path(settings.database_url)
        for end in _BESIDE:
            yield f"moorage.db{end}", control.with_name(control.name + end)
            yield f"requests.db{end}", home / f"requests.db{end}"
    if is_postgresql(settings.crm_database_url):
        for key in sorted((stage / "crm").glob("*.key")):
            yield f"crm/{key.name}", crm / key.name
    else:
        yield "crm", crm


def _move(new: Path, where: Path, home: Path, kept: Path) -> Move:
    """A move of a file, or of a folder. If its place is not in the data folder, it is brought beside that first."""
    if where.is_mount():
        raise SettingsInvalid(
            f"{where} is a mount point, so nothing can take its place.", help="Name a folder inside of it."
        )
    if where.is_relative_to(home):
        return Move(new if new.exists() else None, where, kept / where.relative_to(home))
    beside = where.with_name(f".{where.name}.restoring")
    remove(beside)
    if new.exists():
        beside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.move(new, beside)
    return Move(beside if beside.exists() else None, where, where.with_name(f"{where.name}.{kept.name}"))
