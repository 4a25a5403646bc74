"""The operator's OAuth clients, with which Moorage identifies itself at the accounts servers of apps.

They come from the setting MOORAGE_OAUTH_CLIENTS, or from `moorage client set`, whose secrets are in the vault. For a
name in the setting, only the setting counts.
"""

from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from moorage.audit import note
from moorage.oauth.apps.model import REHEARSAL
from moorage.oauth.errors import OAuthClientUnknown
from moorage.oauth.model import Client
from moorage.settings.clients import decode_clients
from moorage.settings.readers import Secret
from moorage.storage import Database, Transaction
from moorage.storage.upsert import upsert
from moorage.vault.service import Vault

ALL_CENTRES = ""  # The data centre of a client that serves all data centres.
_SECRET = "client_secret"  # The kind of secret in the vault.

oauth_clients = sa.Table(
    "oauth_clients",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("data_centre", sa.Text, primary_key=True),
    sa.Column("client_id", sa.Text),
    sa.Column("base_url", sa.Text),  # Only for a rehearsal.
)


class Registered(msgspec.Struct, frozen=True):
    """A client without its secret. `data_centre` is None for a client that serves all data centres."""

    name: str
    data_centre: str | None
    client_id: str
    source: Literal["setting", "stored"]


class OAuthClients:
    """The clients, by the name in the declarations of apps, because apps of one maker share a client.

    `setting` is MOORAGE_OAUTH_CLIENTS.
    """

    def __init__(self, database: Database, vault: Vault, setting: Secret | None) -> None:
        self._database = database
        self._vault = vault
        self.use(setting)

    def use(self, setting: Secret | None) -> None:
        """Use these clients of the setting from now on."""
        self._in_setting = read_clients(setting)

    async def find(self, name: str, data_centre: str) -> Client | None:
        """The client for a data centre; without one, the client for all data centres. Raises VaultLocked."""
        is_rehearsal = data_centre == REHEARSAL
        if name in self._in_setting and not is_rehearsal:
            clients = self._in_setting[name]
            return clients.get(data_centre) or clients.get(ALL_CENTRES)

        async def stored_client(tx: Transaction) -> Client | None:
            # Another Moorage that plays the app must not get the secret of the real app's client.
            for centre in (data_centre,) if is_rehearsal else (data_centre, ALL_CENTRES):
                client_id = await _client_id(tx, name, centre)
                secret = await self._vault.get_in(tx, _owner(name, centre), _SECRET)
                if client_id is not None and secret is not None:
                    return Client(client_id, secret.value)
            return None

        return await self._vault.read(stored_client)

    async def centres(self, name: str) -> frozenset[str]:
        """The data centres that have their own client. ALL_CENTRES is among them if one client serves all."""
        if name in self._in_setting:
            return frozenset(self._in_setting[name])
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(
                sa.select(oauth_clients.c.data_centre).where(oauth_clients.c.name == name)
            )
            return frozenset(row.data_centre for row in rows)

    async def rehearsal(self, name: str) -> str | None:
        """The base URL of another Moorage that plays the apps of this client; None if there is none."""
        async with self._database.reading() as tx:
            query = sa.select(oauth_clients.c.base_url).where(
                oauth_clients.c.name == name, oauth_clients.c.data_centre == REHEARSAL
            )
            row = (await tx.connection.execute(query)).first()
            return row.base_url if row else None

    async def list(self) -> list[Registered]:
        async with self._database.reading() as tx:
            query = sa.select(oauth_clients).order_by(oauth_clients.c.name, oauth_clients.c.data_centre)
            rows: Any = (await tx.connection.execute(query)).all()
        stored = [
            Registered(row.name, row.data_centre or None, row.client_id, "stored")
            for row in rows
            if row.name not in self._in_setting or row.data_centre == REHEARSAL
        ]
        in_setting = [
            Registered(name, centre or None, client.client_id, "setting")
            for name, clients in self._in_setting.items()
            for centre, client in clients.items()
        ]
        return sorted(stored + in_setting, key=lambda client: (client.name, client.data_centre or ""))

    async def set(
        self, name: str, data_centre: str | None, client: Client, base_url: str | None = None
    ) -> None:
        """Store a client in place of the client with the same name and data centre. Raises VaultLocked."""
        centre = data_centre or ALL_CENTRES
        async with self._database.transaction() as tx:
            values = {"client_id": client.client_id, "base_url": base_url}
            key = {"name": name, "data_centre": centre}
            before = await _noted(tx, name, centre)
            await tx.connection.execute(upsert(oauth_clients, key, values))
            await self._vault.put_in(tx, _owner(name, centre), _SECRET, client.client_secret)
            await note(tx, "oauth_client.set", name, before=before, after=await _noted(tx, name, centre))

    async def delete(self, name: str, data_centre: str | None) -> None:
        """Delete a client and its secret. Raises OAuthClientUnknown."""
        centre = data_centre or ALL_CENTRES
        has_key = (oauth_clients.c.name == name) & (oauth_clients.c.data_centre == centre)
        async with self._database.transaction() as tx:
            before = await _noted(tx, name, centre)
            if not (await tx.connection.execute(oauth_clients.delete().where(has_key))).rowcount:
                raise OAuthClientUnknown(name, data_centre)
            await self._vault.shred_in(tx, _owner(name, centre))
            await note(tx, "oauth_client.deleted", name, before=before)


async def _client_id(tx: Transaction, name: str, centre: str) -> str | None:
    has_key = (oauth_clients.c.name == name) & (oauth_clients.c.data_centre == centre)
    row = (await tx.connection.execute(sa.select(oauth_clients.c.client_id).where(has_key))).first()
    return row.client_id if row else None


async def _noted(tx: Transaction, name: str, centre: str) -> dict[str, Any] | None:
    """A client in the audit; None if there is none. Its new secret may be another one, which no entry shows."""
    has_key = (oauth_clients.c.name == name) & (oauth_clients.c.data_centre == centre)
    row = (await tx.connection.execute(sa.select(oauth_clients).where(has_key))).first()
    if row is None:
        return None
    return {"data_centre": centre or None, "client_id": row.client_id, "base_url": row.base_url}


def _owner(name: str, centre: str) -> str:
    return f"client {name} {centre}"


def read_clients(setting: Secret | None) -> dict[str, dict[str, Client]]:
    """The clients in the setting, by name and data centre."""
    clients: dict[str, dict[str, Client]] = {}
    for client in decode_clients(setting.reveal()) if setting is not None else ():
        centres = clients.setdefault(client.name, {})
        centres[client.data_centre or ALL_CENTRES] = Client(client.client_id, client.client_secret)
    return clients
