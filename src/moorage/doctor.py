"""What `moorage doctor` checks: the settings, the data folder and its databases, the server, and every connection.

It creates and changes nothing, so that it also helps where nothing opens: each error becomes a finding.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from moorage.client import ApiError, ClientError, Moorage, Response
from moorage.connections.errors import ConnectionUnknown
from moorage.crm.storage.sqlite.trouble import complaint as crm_complaint
from moorage.errors import MoorageError
from moorage.logs import silent_logs
from moorage.oauth.apps.clients import read_clients
from moorage.oauth.apps.providers import Providers
from moorage.oauth.diagnosis.findings import Finding
from moorage.oauth.diagnosis.service import Diagnosis
from moorage.rooms import Rooms, Urls, open_rooms
from moorage.serve.data_folder import Running, callback_url, read_left_note, read_note
from moorage.settings import Settings
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.migrate import HEAD, revision
from moorage.storage.readiness import complaint, free_bytes, require_room
from moorage.storage.sqlite import sqlite_path
from moorage.vault.errors import VaultLocked
from moorage.vault.keys import load_keys

SERVER_SECONDS = 5.0
AT_ONCE = 8  # How many connections are diagnosed at the same time.
LITTLE_MB = 100
FULL = 0.9  # From this share of its allowed connections on, a server is nearly full.
NOT_STARTED = "not_started"
_BEGIN = "`moorage up` makes what is missing."


@dataclass(frozen=True, slots=True)
class Check:
    """One check, by its name, and its finding."""

    name: str
    finding: Finding


@dataclass(slots=True)
class Report:
    checks: list[Check] = field(default_factory=list)
    connections: list[Diagnosis] = field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is a problem. A connection that waits for a person is no problem."""
        found = [check.finding for check in self.checks]
        found += [finding for diagnosis in self.connections for finding in diagnosis.findings]
        return all(finding.severity != "problem" for finding in found)


def failed(error: MoorageError | OSError, evidence: str = "") -> Finding:
    """An error, as a finding."""
    if isinstance(error, MoorageError):
        return Finding(error.code, "problem", error.message, evidence, error.help)
    fix = "Check its permissions, and whether its disk works."
    return Finding("system", "problem", error.strerror or str(error), f"{error.filename or evidence}", fix)


async def examine(settings: Settings, connection_id: str | None = None) -> Report:
    """Check everything, but only one connection if it is named. Raises ConnectionUnknown."""
    report = Report([_look("settings", _settings, settings), _look("data folder", _folder, settings)])
    if not _keeps_closed(report.checks[-1]):
        report.checks += [
            _look("disk", _disk, settings),
            _look("control database", _database, settings),
            _look("vault key", _vault_key, settings),
            _look("embedded CRM", _crm_folder, settings),
        ]
    is_closed = any(_keeps_closed(check) for check in report.checks)
    running = read_note(settings.home)
    report.checks.append(Check("server", _server(running, settings.home)))
    if not settings.loopback and not (settings.public_url or "").startswith("https://"):
        report.checks.append(Check("network", _in_the_open(settings)))
    if is_closed:
        cause = "The connections were not checked, because something that they need does not open."
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


def _look(name: str, at: Callable[[Settings], Finding], settings: Settings) -> Check:
    try:
        return Check(name, at(settings))
    except (MoorageError, OSError) as error:
        return Check(name, failed(error))


def _keeps_closed(check: Check) -> bool:
    return check.finding.severity == "problem" or check.finding.code == NOT_STARTED


def _settings(settings: Settings) -> Finding:
    """Check the settings that are read only when they are needed: the apps' files and the clients."""
    apps = Providers(settings.home / "providers").names
    read_clients(settings.oauth_clients)
    evidence = f"The data folder is {settings.home}; there are {', '.join(sorted(apps))}."
    return Finding("settings_valid", "ok", "The settings and the apps' files can be used.", evidence)


def _folder(settings: Settings) -> Finding:
    home = settings.home
    if not home.exists():
        cause = "There is no data folder yet."
        return Finding(NOT_STARTED, "warning", cause, f"{home} does not exist.", _BEGIN)
    if not home.is_dir() or not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        cause = "The data folder can't be used."
        evidence = f"{home} is not a folder that this user can read and write."
        fix = (
            "Choose another one with --home or MOORAGE_HOME, or run this as the user that the server runs as."
        )
        return Finding("home_unusable", "problem", cause, evidence, fix)
    secret = [home, home / "vault.key", sqlite_path(settings.database_url), settings.crm_folder]
    modes = {path: path.stat().st_mode & 0o777 for path in secret if path.exists()}
    is_open = [f"{path} has the mode {mode:04o}" for path, mode in modes.items() if mode & 0o077]
    if is_open:
        cause = "Other users of this machine can read the data."
        fix = f"Close it to them: `chmod -R go= {home}`."
        return Finding("home_open", "warning", cause, f"{'; '.join(is_open)}.", fix)
    cause = "The data folder can be used, and only by this user."
    return Finding("home_private", "ok", cause, f"{home} has the mode {modes[home]:04o}.")


def _disk(settings: Settings) -> Finding:
    """Check that the folders of the data can be written."""
    folders = {settings.home, sqlite_path(settings.database_url).parent, settings.crm_folder}
    there = sorted(folder for folder in folders if folder.is_dir())
    for folder in there:
        require_room(folder)
    left = {folder: free_bytes(folder) // 1024**2 for folder in there}
    evidence = f"{'; '.join(f'{folder} has {room} MB left' for folder, room in left.items())}."
    if min(left.values()) < LITTLE_MB:
        fix = (
            "Make room before it is full: on a full disk nothing can be written, and no token can be renewed."
        )
        return Finding("little_room", "warning", "The disk has little room left.", evidence, fix)
    return Finding("room_left", "ok", "The disk can be written and has room.", evidence)


def _database(settings: Settings) -> Finding:
    path = sqlite_path(settings.database_url)
    if not path.exists():
        cause = "There is no control database yet."
        return Finding(NOT_STARTED, "warning", cause, f"{path} does not exist.", _BEGIN)
    found = revision(settings.database_url)
    wrong = complaint(path)
    if wrong is not None or (found or "") > HEAD:
        told = wrong or f"A newer Moorage wrote it: schema {found}, this one knows {HEAD}"
        fix = "Put back a good copy of it." if wrong else "Run the newer version."
        cause = "The control database can't be used."
        return Finding(DatabaseUnusable.code, "problem", cause, f"{path}: {told}.", fix)
    if found != HEAD:
        cause = "The control database has an older schema."
        evidence = f"It has {found or 'none'}, this version needs {HEAD}."
        fix = "Stop the server, if an older version runs; `moorage up` brings the database up to date."
        return Finding(NOT_STARTED, "warning", cause, evidence, fix)
    cause = "The control database is sound and up to date."
    return Finding("database_sound", "ok", cause, f"{path} has the schema {found}.")


def _vault_key(settings: Settings) -> Finding:
    """Check that there is a key. Whether it is the right one shows when the database is open."""
    file = settings.home / "vault.key"
    if settings.vault_key is None and not (file.exists() and file.stat().st_size):
        cause = "There is no vault key."
        evidence = f"MOORAGE_VAULT_KEY is not set, and {file} does not exist, or is empty."
        if not sqlite_path(settings.database_url).exists():
            return Finding(NOT_STARTED, "warning", cause, evidence, _BEGIN)
        return Finding(VaultLocked.code, "problem", cause, evidence, VaultLocked().help)
    load_keys(settings.vault_key, settings.home)
    source = "MOORAGE_VAULT_KEY" if settings.vault_key is not None else str(file)
    return Finding("vault_key_found", "ok", "There is a vault key.", f"It comes from {source}.")


def _crm_folder(settings: Settings) -> Finding:
    folder = settings.crm_folder
    missing = [file for file in ("registry.db", "secret.key") if not (folder / file).exists()]
    if len(missing) == 1:
        cause = "The embedded CRM's folder is incomplete, so its tokens can't be used."
        evidence = f"{folder / missing[0]} does not exist."
        fix = "Restore a copy of the whole folder, all of it from the same time."
        return Finding(DatabaseUnusable.code, "problem", cause, evidence, fix)
    if missing:
        cause = "There is no embedded CRM yet."
        return Finding(NOT_STARTED, "warning", cause, f"{folder} holds no registry.", _BEGIN)
    wrong = crm_complaint(folder / "registry.db")
    if wrong is not None:
        cause, fix = "The embedded CRM's registry can't be used.", "Put back a good copy of it."
        evidence = f"{folder / 'registry.db'}: {wrong}."
        return Finding(DatabaseUnusable.code, "problem", cause, evidence, fix)
    return Finding("crm_found", "ok", "The embedded CRM's registry is sound.", f"It is in {folder}.")


def _server(running: Running | None, home: Path) -> Finding:
    if running is None:
        left = read_left_note(home)
        evidence = "Nobody holds the data folder."
        if left is not None:
            evidence += (
                f" The one that ran was killed, or this is a copy: process {left.pid}, {left.gateway}."
            )
        return Finding("not_running", "ok", "No server runs.", evidence)
    where = f"process {running.pid}, {running.gateway}"
    try:
        # /readyz answers everybody, so the API key does not matter.
        with Moorage("none", running.gateway, timeout=SERVER_SECONDS) as client:
            answer = client.request("GET", "/readyz")
    except ApiError as error:
        cause = error.message or f"The server answered with {error.status}."
        fix = error.detail if isinstance(error.detail, str) else "See its log."
        return Finding(error.code or "internal", "problem", cause, f"It is {where}.", fix)
    except ClientError as error:
        cause, fix = "The server does not answer.", "See its log; stop it, and start it again."
        return Finding("server_silent", "problem", cause, f"It is {where}: {error}.", fix)
    connections, limit = _held(answer)
    if limit and connections >= FULL * limit:
        cause = "The server has room for few more connections; idle ones are closed for new ones."
        fix = "Raise the limit of open files (ulimit -n), or let a proxy in front limit connections."
        evidence = f"It is {where}; {connections} of {limit} connections are open."
        return Finding("nearly_full", "warning", cause, evidence, fix)
    return Finding("ready", "ok", "The server is ready.", f"It is {where}.")


def _held(answer: Response) -> tuple[int, int]:
    """How many connections a server holds, and how many are allowed; 0 and 0 if it does not say."""
    try:
        held = answer.json()["connections"]
        return int(held["open"]), int(held["limit"])
    except (ValueError, TypeError, LookupError):
        return 0, 0


def _in_the_open(settings: Settings) -> Finding:
    cause = (
        "Other machines can reach the server, and it has no TLS: others can read keys and records on the way."
    )
    evidence = f"It listens at {settings.host}, and MOORAGE_PUBLIC_URL is {settings.public_url or 'not set'}."
    fix = "Put a proxy with TLS in front, and set MOORAGE_PUBLIC_URL to its https:// address: `moorage help tls`."
    return Finding("plain_http", "warning", cause, evidence, fix)


async def _inside(rooms: Rooms, running: Running | None) -> AsyncIterator[Check]:
    """Checks that need open databases."""
    yield await _vault(rooms)
    for check in _organisations(rooms):
        yield check
    yield await _clients(rooms, running)


async def _vault(rooms: Rooms) -> Check:
    keys = await rooms.rotation.status()
    evidence = f"Sealed are by {'; by '.join(f'the {key.role} key {key.id}: {key.secrets}' for key in keys)}."
    try:
        await rooms.vault.check()
    except VaultLocked as error:
        return Check("vault", failed(error, evidence))
    return Check("vault", Finding("vault_opens", "ok", "The vault's key opens what is stored.", evidence))


def _organisations(rooms: Rooms) -> Iterator[Check]:
    organisations = rooms.crm.organisations
    rows = organisations.list()
    sound = []
    for row in rows:
        try:
            organisations.open(row.id)
        except MoorageError as error:
            yield Check(f"organisation {row.slug}", failed(error))
        else:
            sound.append(row.slug)
            organisations.forget(row.id)
    cause = f"{len(sound)} of {len(rows)} organisations of the embedded CRM open."
    named = f"They are {', '.join(sound)}." if sound else "There are none."
    yield Check("organisations", Finding("organisations_open", "ok", cause, named))


async def _clients(rooms: Rooms, running: Running | None) -> Check:
    found = await rooms.oauth_clients.list()
    named = [f"{one.name} in {one.data_centre or 'all data centres'} ({one.client_id})" for one in found]
    told = f"{len(found)} kept" if found else "None is kept; apps outside need one"
    callback = callback_url(rooms.settings, running)
    reached = "is known once a server runs" if callback is None else f"is {callback}"
    cause = f"{told}. Their callback URL {reached}."
    return Check("OAuth clients", Finding("oauth_clients", "ok", cause, f"{', '.join(named) or 'None'}."))


async def _connections(rooms: Rooms, connection_id: str | None) -> list[Diagnosis]:
    chosen = await rooms.connections.every()
    if connection_id is not None:
        chosen = [connection for connection in chosen if connection.id == connection_id.lower()]
        if not chosen:
            raise ConnectionUnknown(connection_id)
    else:  # A connection that was never connected is no problem, and is deleted after a while.
        chosen = [connection for connection in chosen if connection.was_connected]
    found = []
    for start in range(0, len(chosen), AT_ONCE):
        some = chosen[start : start + AT_ONCE]
        found += await asyncio.gather(*(rooms.diagnoses.diagnose(one) for one in some))
    return found
