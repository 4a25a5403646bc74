"""The checks that need open databases: the vault, PostgreSQL servers, organisations, OAuth clients, connections."""

import asyncio
from collections.abc import AsyncIterator

from moorage.connections.errors import ConnectionUnknown
from moorage.connections.labels import id_in
from moorage.doctor.report import NEARLY_FULL, Check, failed
from moorage.errors import MoorageError
from moorage.oauth.diagnosis.findings import Finding
from moorage.oauth.diagnosis.service import Diagnosis
from moorage.requests.migrations import REQUESTS
from moorage.requests.place import url_of
from moorage.rooms import Rooms
from moorage.serve.data_folder import Running, callback_url
from moorage.settings.databases import is_postgresql
from moorage.storage.migrate import revision
from moorage.storage.sqlite import sqlite_path
from moorage.vault.errors import VaultLocked

CONNECTIONS_AT_ONCE = 8  # Connections that are diagnosed at the same time.
MOST_RELATIONS = 150_000  # Tables and indexes that a PostgreSQL server should have at most.


async def checks(rooms: Rooms, running: Running | None) -> AsyncIterator[Check]:
    """The checks that need open databases."""
    yield await _vault(rooms)
    yield await _request_log(rooms)
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


async def _request_log(rooms: Rooms) -> Check:
    """Whether calls can be noted. Nothing is written."""
    if rooms.requests is None:
        finding = Finding("requests_off", "ok", "No request log is kept.", "MOORAGE_REQUESTS_KEPT is 0.")
        return Check("request log", finding)
    url = url_of(rooms.settings)
    name = REQUESTS.backend(url).name
    try:
        is_there = is_postgresql(url) or sqlite_path(url).exists()
        schema = revision(url, REQUESTS) if is_there else None
        is_current = schema is not None and schema >= REQUESTS.head
        if is_current:
            await rooms.requests.require_writable()
    except MoorageError as error:
        return Check("request log", failed(error, f"It is {name}."))
    if not is_current:
        evidence = f"{name} has {schema or 'no schema'}, and this version needs {REQUESTS.head}."
        cause = "The request log has no tables of this version yet. The next start of a server makes them."
        return Check("request log", Finding("requests_not_begun", "ok", cause, evidence))
    finding = Finding("requests_written", "ok", "Calls can be written to the request log.", f"It is {name}.")
    return Check("request log", finding)


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


async def connections(rooms: Rooms, name: str | None) -> list[Diagnosis]:
    """The diagnoses of all connections, or of those with this id or alias. Raises ConnectionUnknown."""
    chosen = await rooms.connections.every()
    if name is not None:
        wanted = id_in(name) or name
        chosen = [connection for connection in chosen if wanted in {connection.id, connection.labels.alias}]
        if not chosen:
            raise ConnectionUnknown(name)
    else:  # A connection that was never connected is not a problem. It is deleted after a while.
        chosen = [connection for connection in chosen if connection.was_connected]
    diagnoses = []
    for start in range(0, len(chosen), CONNECTIONS_AT_ONCE):
        batch = chosen[start : start + CONNECTIONS_AT_ONCE]
        diagnoses += await asyncio.gather(*(rooms.diagnoses.diagnose(connection) for connection in batch))
    return diagnoses
