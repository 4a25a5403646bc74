"""Delete a connection: its tokens are made worthless where they came from, and then shredded here."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import structlog

from moorage.connections.model import Connection
from moorage.connections.service import Connections
from moorage.oauth.tokens.service import Tokens
from moorage.oauth.transport.authorization_server import AccountsServers, Revocation
from moorage.vault.errors import VaultLocked

# `nothing` to revoke there was.
Told: TypeAlias = Revocation | Literal["nothing"]

_ADVICE: dict[Told, str] = {
    "revoked": "The app no longer accepts the connection's tokens.",
    "nothing": "The connection held no tokens.",
    "unsupported": "The app has no way to take tokens back by itself: take the access back in the account's settings.",
    "failed": "The app could not be told. Take the access back in the account's settings.",
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What was deleted, and what became of its tokens at the app."""

    connection: Connection
    revocation: Told

    @property
    def advice(self) -> str:
        return _ADVICE[self.revocation]


class Disconnect:
    def __init__(self, connections: Connections, tokens: Tokens, accounts: AccountsServers) -> None:
        self._connections = connections
        self._tokens = tokens
        self._accounts = accounts

    async def disconnect(self, account_id: str, connection_id: str) -> Disconnected:
        """Delete a connection with its tokens, whatever their accounts server says. Raises ConnectionUnknown."""
        found = await self._connections.get(account_id, connection_id)
        # First, as nobody could do it once they are shredded.
        revocation = await self._revoke(found)
        await self._connections.delete(found, also=lambda tx: self._tokens.forget(tx, found.id))
        log.info("connection.deleted", connection=found.id, revocation=revocation)
        return Disconnected(found, revocation)

    async def _revoke(self, connection: Connection) -> Told:
        try:
            token = await self._tokens.revocable(connection)
        except VaultLocked:  # What can't be opened can still be thrown away.
            return "failed"
        return "nothing" if token is None else await self._accounts.revoke(connection, token)
