"""The operator's OAuth clients: as which the accounts servers of each app know this Moorage.

They come from the setting MOORAGE_OAUTH_CLIENTS, or from `moorage client set`, whose secrets lie in the vault. For a
name that is in the setting, only the setting counts.
"""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from moorage.errors import SettingsInvalid
from moorage.oauth.apps.providers import REHEARSAL
from moorage.oauth.errors import OAuthClientUnknown
from moorage.oauth.model import Client
from moorage.settings import Secret
from moorage.storage import Database, Transaction
from moorage.storage.upsert import upsert
from moorage.vault.service import Vault

ALL_CENTRES = ""  # The data centre of a client that serves all data centres.
_SECRET = "client_secret"  # Kind of secret in the vault.

oauth_clients = sa.Table(
    "oauth_clients",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("data_centre", sa.Text, primary_key=True),
    sa.Column("client_id", sa.Text),
    sa.Column("base_url", sa.Text),  # Only for a rehearsal.
)


class _CentreSetting(msgspec.Struct, forbid_unknown_fields=True):
    client_secret: str
    client_id: str | None = None


class _ClientSetting(msgspec.Struct, forbid_unknown_fields=True):
    client_id: str
    client_secret: str | None = None
    data_centres: dict[str, _CentreSetting] = {}


@dataclass(frozen=True, slots=True)
class Registered:
    """A client in a list: without its secret. `data_centre` is None for a client that serves all data centres."""

    name: str
    data_centre: str | None
    client_id: str
    source: Literal["setting", "stored"]


class OAuthClients:
    """The clients, by the name that an app's declaration gives its client: apps of one maker share a client."""

    def __init__(self, database: Database, vault: Vault, given: Secret | None) -> None:
        self._database = database
        self._vault = vault
        self._given = read_clients(given)

    async def find(self, name: str, data_centre: str) -> Client | None:
        """The client for a data centre, or else the client for all data centres. Raises VaultLocked."""
        is_rehearsal = data_centre == REHEARSAL
        if name in self._given and not is_rehearsal:
            clients = self._given[name]
            return clients.get(data_centre) or clients.get(ALL_CENTRES)

        async def look(tx: Transaction) -> Client | None:
            # Another Moorage that plays the app must not get the secret of the real app's client.
            for centre in (data_centre,) if is_rehearsal else (data_centre, ALL_CENTRES):
                client_id = await _client_id(tx, name, centre)
                secret = await self._vault.get_in(tx, _owner(name, centre), _SECRET)
                if client_id is not None and secret is not None:
                    return Client(client_id, secret.value)
            return None

        return await self._vault.read(look)

    async def centres(self, name: str) -> frozenset[str]:
        """The data centres with a client of their own; ALL_CENTRES is among them if one client serves all."""
        if name in self._given:
            return frozenset(self._given[name])
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(
                sa.select(oauth_clients.c.data_centre).where(oauth_clients.c.name == name)
            )
            return frozenset(row.data_centre for row in rows)

    async def rehearsal(self, name: str) -> str | None:
        """The base URL of another Moorage that plays the apps of this client, if there is one."""
        async with self._database.reading() as tx:
            chosen = sa.select(oauth_clients.c.base_url).where(
                oauth_clients.c.name == name, oauth_clients.c.data_centre == REHEARSAL
            )
            row = (await tx.connection.execute(chosen)).first()
            return row.base_url if row else None

    async def list(self) -> list[Registered]:
        async with self._database.reading() as tx:
            chosen = sa.select(oauth_clients).order_by(oauth_clients.c.name, oauth_clients.c.data_centre)
            rows: Any = (await tx.connection.execute(chosen)).all()
        stored = [
            Registered(row.name, row.data_centre or None, row.client_id, "stored")
            for row in rows
            if row.name not in self._given or row.data_centre == REHEARSAL
        ]
        given = [
            Registered(name, centre or None, client.client_id, "setting")
            for name, clients in self._given.items()
            for centre, client in clients.items()
        ]
        return sorted(stored + given, key=lambda client: (client.name, client.data_centre or ""))

    async def set(
        self, name: str, data_centre: str | None, client: Client, base_url: str | None = None
    ) -> None:
        """Keep a client; it replaces the client with the same name and data centre. Raises VaultLocked."""
        centre = data_centre or ALL_CENTRES
        async with self._database.transaction() as tx:
            changed = {"client_id": client.client_id, "base_url": base_url}
            key = {"name": name, "data_centre": centre}
            await tx.connection.execute(upsert(oauth_clients, key, changed))
            await self._vault.put_in(tx, _owner(name, centre), _SECRET, client.client_secret)

    async def delete(self, name: str, data_centre: str | None) -> None:
        """Raises OAuthClientUnknown."""
        centre = data_centre or ALL_CENTRES
        chosen = (oauth_clients.c.name == name) & (oauth_clients.c.data_centre == centre)
        async with self._database.transaction() as tx:
            if not (await tx.connection.execute(oauth_clients.delete().where(chosen))).rowcount:
                raise OAuthClientUnknown(name, data_centre)
            await self._vault.shred_in(tx, _owner(name, centre))


async def _client_id(tx: Transaction, name: str, centre: str) -> str | None:
    chosen = (oauth_clients.c.name == name) & (oauth_clients.c.data_centre == centre)
    row = (await tx.connection.execute(sa.select(oauth_clients.c.client_id).where(chosen))).first()
    return row.client_id if row else None


def _owner(name: str, centre: str) -> str:
    return f"client {name} {centre}"


def read_clients(given: Secret | None) -> dict[str, dict[str, Client]]:
    """The clients in the setting, by name and data centre. Raises SettingsInvalid."""
    if given is None:
        return {}
    try:
        read = {
            name: _read(name, one) for name, one in msgspec.json.decode(given.reveal(), type=dict).items()
        }
    except ValueError as error:
        raise SettingsInvalid(
            f"MOORAGE_OAUTH_CLIENTS: {error}.", help="`moorage help settings` shows how it has to look."
        ) from None
    return {name: dict(_clients(one)) for name, one in read.items()}


def _read(name: str, one: object) -> "_ClientSetting":
    """Raises ValueError, which names the client and shows none of its values."""
    if not isinstance(one, dict):
        raise ValueError(f"{name} has to be an object with client_id and client_secret")  # noqa: TRY004 (as all faults are)
    try:
        return msgspec.convert(one, _ClientSetting)
    except msgspec.ValidationError as error:
        raise ValueError(f"{name}: {error}") from None


def _clients(one: _ClientSetting) -> list[tuple[str, Client]]:
    found = [
        (centre, Client(own.client_id or one.client_id, own.client_secret))
        for centre, own in one.data_centres.items()
    ]
    if one.client_secret is not None:
        found.append((ALL_CENTRES, Client(one.client_id, one.client_secret)))
    return found
