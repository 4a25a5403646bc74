"""The checks of settings and of the data folder, which open no database."""

import os
from pathlib import Path

from moorage.doctor.report import NOT_STARTED
from moorage.oauth.apps.providers import Providers
from moorage.oauth.diagnosis.findings import Finding
from moorage.settings import Settings
from moorage.settings.databases import is_postgresql
from moorage.storage.backend import backend_of
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.migrate import HEAD, revision
from moorage.storage.readiness import complaint, free_bytes, require_room
from moorage.storage.sqlite import sqlite_path
from moorage.vault.errors import VaultLocked
from moorage.vault.keys import load_keys, shared_keys

LITTLE_MB = 100  # Less free space than this is a warning.
_START = "`moorage up` creates what is missing."


def settings_files(settings: Settings) -> Finding:
    """Check what `load` does not read: the files of the apps."""
    apps = Providers(settings.home / "providers").names
    evidence = f"The data folder is {settings.home}; the apps are {', '.join(sorted(apps))}."
    return Finding("settings_valid", "ok", "The settings and the files of the apps are valid.", evidence)


def folder(settings: Settings) -> Finding:
    home = settings.home
    if not home.exists():
        cause = "There is no data folder yet."
        return Finding(NOT_STARTED, "warning", cause, f"{home} does not exist.", _START)
    if not home.is_dir() or not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        cause = "The data folder can't be used."
        evidence = f"{home} is not a folder that this user can read and write."
        fix = "Choose another folder with --home or MOORAGE_HOME, or run this command as the user of the server."
        return Finding("home_unusable", "problem", cause, evidence, fix)
    secrets = [home, home / "vault.key", *_files(settings), settings.crm_folder]
    if settings.file is not None and settings.file_has_secret:
        secrets.append(settings.file)
    modes = {path: path.stat().st_mode & 0o777 for path in secrets if path.exists()}
    open_paths = [f"{path} has the mode {mode:04o}" for path, mode in modes.items() if mode & 0o077]
    if open_paths:
        cause = "Other users of this machine can read the data."
        fix = f"Take their permissions away: `chmod -R go= {home}`."
        return Finding("home_open", "warning", cause, f"{'; '.join(open_paths)}.", fix)
    cause = "This user can read and write the data folder, and no other user can."
    return Finding("home_private", "ok", cause, f"{home} has the mode {modes[home]:04o}.")


def disk(settings: Settings) -> Finding:
    """Check that the data folders are writable and have free space."""
    folders = {settings.home, *(file.parent for file in _files(settings)), settings.crm_folder}
    existing = sorted(folder for folder in folders if folder.is_dir())
    for folder in existing:
        require_room(folder)
    free_mb = {folder: free_bytes(folder) // 1024**2 for folder in existing}
    evidence = f"{'; '.join(f'{folder} has {megabytes} MB left' for folder, megabytes in free_mb.items())}."
    if min(free_mb.values()) < LITTLE_MB:
        fix = (
            "Make room before the disk is full: on a full disk no change can be stored and no token renewed."
        )
        return Finding("little_room", "warning", "The disk has little room left.", evidence, fix)
    return Finding("room_left", "ok", "The disk is writable and has room.", evidence)


def _files(settings: Settings) -> list[Path]:
    """The file of the control database; none if that is in PostgreSQL."""
    return [] if is_postgresql(settings.database_url) else [sqlite_path(settings.database_url)]


def database(settings: Settings) -> Finding:
    backend = backend_of(settings.database_url)
    name = backend.name
    missing = [file for file in _files(settings) if not file.exists()]
    schema = None if missing else revision(settings.database_url)
    damage = next((damage for file in _files(settings) if not missing and (damage := complaint(file))), None)
    if missing or (schema is None and not _files(settings)):
        cause = "There is no control database yet."
        evidence = f"{name} does not exist." if missing else f"{name} has none of its tables."
        return Finding(NOT_STARTED, "warning", cause, evidence, _START)
    if damage is not None or (schema or "") > HEAD:
        newer = f"A newer Moorage wrote it: its schema is {schema}, and this version supports {HEAD}"
        fix = (
            "Restore a backup: `moorage help backup`."
            if damage
            else "Run the newer version, or go back to a copy: `moorage help upgrade`."
        )
        cause = "The control database can't be used."
        return Finding(DatabaseUnusable.code, "problem", cause, f"{name}: {damage or newer}.", fix)
    if schema != HEAD:
        cause = "The control database has an older schema."
        evidence = f"It has {schema or 'no schema'}, and this version needs {HEAD}."
        fix = "If a server of the older version runs, stop it. Then `moorage up` updates the database."
        return Finding(NOT_STARTED, "warning", cause, evidence, fix)
    cause = "The control database is sound and up to date."
    return Finding(
        "database_sound", "ok", cause, f"{name} has the schema {schema}. {backend.describe()}".strip()
    )


def vault_key(settings: Settings) -> Finding:
    """Check that there is a vault key. A later check tells, with the database open, that it is the right key."""
    file = settings.home / "vault.key"
    if is_postgresql(settings.database_url):
        shared_keys(settings.vault_key, settings.home)
    elif settings.vault_key is None and not (file.exists() and file.stat().st_size):
        cause = "There is no vault key."
        evidence = f"MOORAGE_VAULT_KEY is not set, and {file} is missing or empty."
        if not sqlite_path(settings.database_url).exists():
            return Finding(NOT_STARTED, "warning", cause, evidence, _START)
        return Finding(VaultLocked.code, "problem", cause, evidence, VaultLocked().help)
    load_keys(settings.vault_key, settings.home)
    source = "MOORAGE_VAULT_KEY" if settings.vault_key is not None else str(file)
    return Finding("vault_key_found", "ok", "There is a vault key.", f"It comes from {source}.")


def crm(settings: Settings) -> Finding:
    folder = settings.crm_folder
    if is_postgresql(settings.crm_database_url):
        cause = "The embedded CRM is in PostgreSQL. What else is said of it below comes from there."
        return Finding("crm_found", "ok", cause, f"Its folder for other files is {folder}.")
    missing = [file for file in ("registry.db", "secret.key") if not (folder / file).exists()]
    if len(missing) == 1:
        cause = "The embedded CRM's folder is incomplete, so its tokens can't be used."
        evidence = f"{folder / missing[0]} does not exist."
        fix = "Restore a copy of the whole folder, with all files from the same time."
        return Finding(DatabaseUnusable.code, "problem", cause, evidence, fix)
    if missing:
        cause = "There is no embedded CRM yet."
        return Finding(NOT_STARTED, "warning", cause, f"{folder} holds no registry.", _START)
    damage = complaint(folder / "registry.db")
    if damage is not None:
        cause, fix = "The embedded CRM's registry can't be used.", "Restore a good copy of it."
        evidence = f"{folder / 'registry.db'}: {damage}."
        return Finding(DatabaseUnusable.code, "problem", cause, evidence, fix)
    return Finding("crm_found", "ok", "The embedded CRM's registry is sound.", f"It is in {folder}.")
