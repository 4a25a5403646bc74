"""Delete a connection: revoke its tokens at the app, then shred them here."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from moorage.connections.model import Connection
from moorage.connections.service import Connections
from moorage.logs import Log
from moorage.oauth.tokens.service import Tokens
from moorage.oauth.transport.authorization_server import AuthorizationServers, Revocation
from moorage.vault.errors import VaultLocked

# `nothing` says that there was no token to revoke.
RevocationOutcome: TypeAlias = Revocation | Literal["nothing"]

_ADVICE: dict[RevocationOutcome, str] = {
    "revoked": "The app no longer accepts the connection's tokens.",
    "nothing": "The connection held no tokens.",
    "unsupported": "The app can't revoke tokens on request. Take the access back in the account's settings.",
    "failed": "The app could not be asked to revoke the tokens. Take the access back in the account's settings.",
}

log = Log(__name__)


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The deleted connection, and whether the app revoked its tokens."""

    connection: Connection
    revocation: RevocationOutcome

    @property
    def advice(self) -> str:
        return _ADVICE[self.revocation]


class Disconnect:
    def __init__(self, connections: Connections, tokens: Tokens, accounts: AuthorizationServers) -> None:
        self._connections = connections
        self._tokens = tokens
        self._accounts = accounts

    async def disconnect(self, account_id: str, connection_id: str) -> Disconnected:
        """Delete a connection and its tokens, whatever the accounts server answers. Raises ConnectionUnknown."""
        connection = await self._connections.get(account_id, connection_id)
        # Revoke first: after they are shredded, nobody could.
        revocation = await self._revoke(connection)
        await self._connections.delete(connection, also=lambda tx: self._tokens.forget(tx, connection.id))
        log.info("connection.deleted", connection=connection.id, revocation=revocation)
        return Disconnected(connection, revocation)

    async def _revoke(self, connection: Connection) -> RevocationOutcome:
        try:
            token = await self._tokens.revocable(connection)
        except VaultLocked:  # Tokens that can't be opened can still be shredded.
            return "failed"
        return "nothing" if token is None else await self._accounts.revoke(connection, token)
