"""The checks of `moorage doctor`: the settings, the data folder and its databases, the server, every connection.

The checks create and change nothing. Each error becomes a finding, so `doctor` also helps if no database opens.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from moorage.client import ApiError, ClientError, Moorage, Response
from moorage.connections.errors import ConnectionUnknown
from moorage.errors import MoorageError
from moorage.logs import silent_logs
from moorage.oauth.apps.clients import read_clients
from moorage.oauth.apps.providers import Providers
from moorage.oauth.diagnosis.findings import Finding
from moorage.oauth.diagnosis.service import Diagnosis
from moorage.rooms import Rooms, Urls, open_rooms
from moorage.serve.data_folder import Running, callback_url, read_left_note, read_note
from moorage.settings import Settings
from moorage.settings.readers import is_postgresql
from moorage.storage.backend import backend_of
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.migrate import HEAD, revision
from moorage.storage.readiness import complaint, free_bytes, require_room
from moorage.storage.sqlite import sqlite_path
from moorage.vault.errors import VaultLocked
from moorage.vault.keys import load_keys, shared_keys

SERVER_SECONDS = 5.0
CONNECTIONS_AT_ONCE = 8  # Connections that are diagnosed at the same time.
LITTLE_MB = 100  # Less free space than this is a warning.
NEARLY_FULL = 0.9  # A server with this share of its allowed connections open gets a warning.
MOST_RELATIONS = 150_000  # Tables and indexes that a PostgreSQL server should have at most.
NOT_STARTED = "not_started"
_START = "`moorage up` creates what is missing."


@dataclass(frozen=True, slots=True)
class Check:
    """The name of a check, and its finding."""

    name: str
    finding: Finding


@dataclass(slots=True)
class Report:
    checks: list[Check] = field(default_factory=list)
    connections: list[Diagnosis] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """True if no finding is a problem. A connection that waits for a person is not a problem."""
        findings = [check.finding for check in self.checks]
        findings += [finding for diagnosis in self.connections for finding in diagnosis.findings]
        return all(finding.severity != "problem" for finding in findings)


def failed(error: MoorageError | OSError, evidence: str = "") -> Finding:
    """The finding that an error becomes."""
    if isinstance(error, MoorageError):
        return Finding(error.code, "problem", error.message, evidence, error.help)
    fix = "Check the permissions of the file, and whether its disk works."
    return Finding("system", "problem", error.strerror or str(error), f"{error.filename or evidence}", fix)


async def examine(settings: Settings, connection_id: str | None = None) -> Report:
    """Check everything; of the connections, only the one with this id if an id is given. Raises ConnectionUnknown."""
    report = Report([_look("settings", _settings, settings), _look("data folder", _folder, settings)])
    if not _prevents_opening(report.checks[-1]):
        report.checks += [
            _look("disk", _disk, settings),
            _look("control database", _database, settings),
            _look("vault key", _vault_key, settings),
            _look("embedded CRM", _crm_folder, settings),
        ]
    cannot_open = any(_prevents_opening(check) for check in report.checks)
    running = read_note(settings.home)
    report.checks.append(Check("server", _server(running, settings.home)))
    if not settings.loopback and not (settings.public_url or "").startswith("https://"):
        report.checks.append(Check("network", _plain_http(settings)))
    if cannot_open:
        cause = "The connections were not checked, because a check above failed or a part is missing."
        report.checks.append(Check("connections", Finding("not_looked_at", "warning", cause, "See above.")))
        return report
    try:
        with silent_logs():
            async with open_rooms(settings, Urls("", ""), make_key=False) as rooms:
                async for check in _inside(rooms, running):
                    report.checks.append(check)
                report.connections = await _connections(rooms, connection_id)
    except ConnectionUnknown:
        raise
    except (MoorageError, OSError) as error:
        report.checks.append(Check("databases", failed(error)))
    return report


def _look(name: str, check: Callable[[Settings], Finding], settings: Settings) -> Check:
    try:
        return Check(name, check(settings))
    except (MoorageError, OSError) as error:
        return Check(name, failed(error))


def _prevents_opening(check: Check) -> bool:
    """True if the databases can't be opened after this finding."""
    return check.finding.severity == "problem" or check.finding.code == NOT_STARTED


def _settings(settings: Settings) -> Finding:
    """Check what `load` does not read: the files of the apps, and the OAuth clients."""
    apps = Providers(settings.home / "providers").names
    read_clients(settings.oauth_clients)
    evidence = f"The data folder is {settings.home}; the apps are {', '.join(sorted(apps))}."
    return Finding("settings_valid", "ok", "The settings and the files of the apps are valid.", evidence)


def _folder(settings: Settings) -> Finding:
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
    modes = {path: path.stat().st_mode & 0o777 for path in secrets if path.exists()}
    open_paths = [f"{path} has the mode {mode:04o}" for path, mode in modes.items() if mode & 0o077]
    if open_paths:
        cause = "Other users of this machine can read the data."
        fix = f"Take their permissions away: `chmod -R go= {home}`."
        return Finding("home_open", "warning", cause, f"{'; '.join(open_paths)}.", fix)
    cause = "This user can read and write the data folder, and no other user can."
    return Finding("home_private", "ok", cause, f"{home} has the mode {modes[home]:04o}.")


def _disk(settings: Settings) -> Finding:
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


def _database(settings: Settings) -> Finding:
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
        fix = "Restore a good copy of it." if damage else "Run the newer version."
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


def _vault_key(settings: Settings) -> Finding:
    """Check that there is a vault key. `_vault` checks later, with the database open, that it is the right key."""
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


def _crm_folder(settings: Settings) -> Finding:
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


def _server(running: Running | None, home: Path) -> Finding:
    if running is None:
        evidence = "No process holds the lock of the data folder."
        if (killed := read_left_note(home)) is not None:
            last = f"process {killed.pid}, {killed.gateway}"
            evidence += f" The last server ({last}) was killed, or this folder is a copy."
        return Finding("not_running", "ok", "No server runs.", evidence)
    where = f"process {running.pid}, {running.gateway}"
    try:
        # /readyz needs no valid API key.
        with Moorage("none", running.gateway, timeout=SERVER_SECONDS) as client:
            response = client.request("GET", "/readyz")
    except ApiError as error:
        cause = error.message or f"The server answered with {error.status}."
        fix = error.detail if isinstance(error.detail, str) else "See the log of the server."
        return Finding(error.code or "internal", "problem", cause, f"It is {where}.", fix)
    except ClientError as error:
        cause, fix = "The server does not answer.", "See its log, then stop it and start it again."
        return Finding("server_silent", "problem", cause, f"It is {where}: {error}.", fix)
    connections, limit = _connection_counts(response)
    if limit and connections >= NEARLY_FULL * limit:
        cause = (
            "The server has nearly as many connections as it may have. When it is full, it closes idle ones."
        )
        fix = "Raise the limit of open files (ulimit -n), or put a proxy in front that limits connections."
        evidence = f"It is {where}; {connections} of {limit} connections are open."
        return Finding("nearly_full", "warning", cause, evidence, fix)
    return Finding("ready", "ok", "The server is ready.", f"It is {where}.")


def _connection_counts(response: Response) -> tuple[int, int]:
    """The number of open connections, and of allowed ones. Both are 0 if the server does not report them."""
    try:
        counts = response.json()["connections"]
        return int(counts["open"]), int(counts["limit"])
    except (ValueError, TypeError, LookupError):
        return 0, 0


def _plain_http(settings: Settings) -> Finding:
    cause = "Other machines can reach the server, and it has no TLS: the network can read keys and records."
    evidence = f"It listens at {settings.host}, and MOORAGE_PUBLIC_URL is {settings.public_url or 'not set'}."
    fix = "Put a proxy with TLS in front, and set MOORAGE_PUBLIC_URL to its https:// address: `moorage help tls`."
    return Finding("plain_http", "warning", cause, evidence, fix)


async def _inside(rooms: Rooms, running: Running | None) -> AsyncIterator[Check]:
    """The checks that need open databases."""
    yield await _vault(rooms)
    async for check in _servers(rooms):
        yield check
    async for check in _organisations(rooms):
        yield check
    yield await _clients(rooms, running)


async def _vault(rooms: Rooms) -> Check:
    keys = await rooms.rotation.status()
    counts = "; ".join(f"the {key.role} key {key.id} encrypts {key.secrets}" for key in keys)
    evidence = f"Of the stored secrets, {counts}."
    try:
        await rooms.vault.check()
    except VaultLocked as error:
        return Check("vault", failed(error, evidence))
    return Check(
        "vault", Finding("vault_opens", "ok", "The vault key decrypts the stored secrets.", evidence)
    )


async def _servers(rooms: Rooms) -> AsyncIterator[Check]:
    """The PostgreSQL servers of organisations: how full they are."""
    for name, load in (await rooms.crm.organisations.moves.loads()).items():
        if isinstance(load, MoorageError):
            yield Check(f"PostgreSQL server {name}", failed(load))
            continue
        evidence = (
            f"{load.organisations} organisations with {load.relations} relations and {load.size // 1024**2} MB;"
            f" {load.connections} of {load.most_connections} connections are open. PostgreSQL {load.version}."
        )
        finding = Finding("server_has_room", "ok", f"The server has room: {evidence}", evidence)
        if load.relations > MOST_RELATIONS:
            cause = (
                f"The server has more than {MOST_RELATIONS} relations, which slows down starts and backups."
            )
            fix = (
                "Name another server in MOORAGE_CRM_SERVERS, and move organisations: `moorage crm org move`."
            )
            finding = Finding("server_full", "warning", cause, evidence, fix)
        elif load.connections >= NEARLY_FULL * load.most_connections:
            cause = "The server has nearly as many connections as it may have."
            fix = "Lower MOORAGE_CRM_CONNECTIONS, raise max_connections, or put PgBouncer in front."
            finding = Finding("server_full", "warning", cause, evidence, fix)
        yield Check(f"PostgreSQL server {name}", finding)


async def _organisations(rooms: Rooms) -> AsyncIterator[Check]:
    organisations = rooms.crm.organisations
    rows = await organisations.list()
    sound = []
    for row in rows:
        try:
            await organisations.open(row.id)
        except MoorageError as error:
            yield Check(f"organisation {row.slug}", failed(error))
        else:
            sound.append(row.slug)
            await organisations.forget(row.id)
    cause = f"{len(sound)} of {len(rows)} organisations of the embedded CRM can be opened."
    names = f"They are {', '.join(sound)}." if sound else "There are none."
    yield Check("organisations", Finding("organisations_open", "ok", cause, names))


async def _clients(rooms: Rooms, running: Running | None) -> Check:
    clients = await rooms.oauth_clients.list()
    names = [
        f"{client.name} in {client.data_centre or 'all data centres'} ({client.client_id})"
        for client in clients
    ]
    count = f"{len(clients)} stored" if clients else "None is stored; apps outside Moorage need one"
    callback = callback_url(rooms.settings, running)
    address = "is known once a server runs" if callback is None else f"is {callback}"
    cause = f"{count}. Their callback URL {address}."
    return Check("OAuth clients", Finding("oauth_clients", "ok", cause, f"{', '.join(names) or 'None'}."))


async def _connections(rooms: Rooms, connection_id: str | None) -> list[Diagnosis]:
    chosen = await rooms.connections.every()
    if connection_id is not None:
        chosen = [connection for connection in chosen if connection.id == connection_id.lower()]
        if not chosen:
            raise ConnectionUnknown(connection_id)
    else:  # A connection that was never connected is not a problem. It is deleted after a while.
        chosen = [connection for connection in chosen if connection.was_connected]
    diagnoses = []
    for start in range(0, len(chosen), CONNECTIONS_AT_ONCE):
        batch = chosen[start : start + CONNECTIONS_AT_ONCE]
        diagnoses += await asyncio.gather(*(rooms.diagnoses.diagnose(connection) for connection in batch))
    return diagnoses
