"""Deletes a connection: revokes its tokens at the app, then deletes them here."""

from typing import Literal, TypeAlias

import msgspec

from moorage.connections.model import Connection
from moorage.connections.service import Connections
from moorage.logs import Log
from moorage.oauth.tokens.service import Tokens
from moorage.oauth.transport.authorization_server import AuthorizationServers, Revocation
from moorage.vault.errors import VaultLocked

# `nothing` means that there was no token to revoke.
RevocationOutcome: TypeAlias = Revocation | Literal["nothing"]

_ADVICE: dict[RevocationOutcome, str] = {
    "revoked": "The app no longer accepts the connection's tokens.",
    "nothing": "The connection held no tokens.",
    "unsupported": "The app can't revoke tokens on request. Remove the access in the account's settings.",
    "failed": "The app could not revoke the tokens. Remove the access in the account's settings.",
}

log = Log(__name__)


class Disconnected(msgspec.Struct, frozen=True):
    """The deleted connection, and the outcome of the revocation."""

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
        """Delete a connection and its tokens, even if the accounts server does not revoke them.

        Raises ConnectionUnknown.
        """
        connection = await self._connections.get(account_id, connection_id)
        # Revoke the tokens first, as that is not possible after they are deleted.
        revocation = await self._revoke(connection)
        await self._connections.delete(
            connection, also=lambda tx: self._tokens.forget(tx, connection.id), revocation=revocation
        )
        log.info("connection.deleted", connection=connection.id, revocation=revocation)
        return Disconnected(connection, revocation)

    async def _revoke(self, connection: Connection) -> RevocationOutcome:
        try:
            token = await self._tokens.revocable(connection)
        except VaultLocked:  # Tokens that can't be decrypted can still be deleted.
            return "failed"
        return "nothing" if token is None else await self._accounts.revoke(connection, token)
