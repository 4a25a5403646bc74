"""A usable access token for a connection: the one in the vault, or a new one when its time is near."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from moorage.clock import Clock
from moorage.connections.model import Connection
from moorage.connections.service import Connections
from moorage.oauth.errors import AccountsUnreachable, ReconnectNeeded, RefreshFailed, RefreshRefused
from moorage.storage import Transaction
from moorage.vault.service import Kept, Vault

EARLY = 300.0  # Seconds before its end at which a token is renewed.


@dataclass(frozen=True, slots=True)
class AccessToken:
    """`expires_at` is in seconds since the epoch, None for a token that doesn't end."""

    value: str = field(repr=False)
    expires_at: float | None


# Asks the accounts server for a new access token. Raises RefreshRefused, RefreshFailed.
Refresh = Callable[[Connection, str], Awaitable[AccessToken]]


class Tokens:
    def __init__(self, vault: Vault, connections: Connections, refresh: Refresh, clock: Clock) -> None:
        self._vault = vault
        self._connections = connections
        self._refresh = refresh
        self._clock = clock
        self._locks: dict[str, asyncio.Lock] = {}

    async def keep(
        self, tx: Transaction, connection_id: str, access: AccessToken, refresh_token: str | None
    ) -> None:
        """Put a connection's tokens into the vault in place of older ones."""
        await self._vault.put_in(tx, connection_id, "access_token", access.value, access.expires_at)
        if refresh_token is not None:
            await self._vault.put_in(tx, connection_id, "refresh_token", refresh_token)

    async def refresh_token(self, connection: Connection) -> str | None:
        """The one that is kept. Raises VaultLocked."""
        kept = await self._vault.get(connection.id, "refresh_token")
        return kept.value if kept is not None else None

    async def forget(self, tx: Transaction, connection_id: str) -> None:
        await self._vault.shred_in(tx, connection_id)

    async def access(self, connection: Connection, *, instead_of: str | None = None) -> AccessToken:
        """A token that is good for now. `instead_of` names one that the upstream refused, to be replaced.

        Callers that come together share one refresh. Raises ReconnectNeeded, AccountsUnreachable, VaultLocked.
        """
        kept = await self._kept(connection)
        if self._is_good(kept, instead_of):
            return _token(kept)
        async with self._locks.setdefault(connection.id, asyncio.Lock()):
            kept = await self._kept(connection)  # Another caller may have renewed it while this one waited.
            if self._is_good(kept, instead_of):
                return _token(kept)
            return await self._renew(connection, kept, instead_of)

    async def _kept(self, connection: Connection) -> Kept:
        kept = await self._vault.get(connection.id, "access_token")
        if kept is None:
            raise self._reconnect(connection, "it holds no token")
        return kept

    def _is_good(self, kept: Kept, instead_of: str | None) -> bool:
        if kept.value == instead_of:
            return False
        return kept.expires_at is None or kept.expires_at - self._clock.timestamp() > EARLY

    async def _renew(self, connection: Connection, kept: Kept, instead_of: str | None) -> AccessToken:
        refresh_token = await self.refresh_token(connection)
        if refresh_token is None:
            raise self._reconnect(connection, "it holds no refresh token")
        try:
            renewed = await self._refresh(connection, refresh_token)
        except RefreshRefused as refused:
            await self._connections.fail(connection, refused.reason)
            raise self._reconnect(connection, f"the accounts server answered {refused.reason}") from refused
        except RefreshFailed as failed:
            still_good = kept.expires_at is not None and kept.expires_at > self._clock.timestamp()
            if still_good and kept.value != instead_of:
                return _token(kept)
            raise AccountsUnreachable(
                f"No token could be had for the connection {connection.id}.", help="Try again in a moment."
            ) from failed
        # Of a connection that was deleted meanwhile nothing is to stay behind, and one that was connected
        # anew has better tokens by now.
        await self._connections.while_unchanged(
            connection, lambda tx: self.keep(tx, connection.id, renewed, None)
        )
        return renewed

    def _reconnect(self, connection: Connection, reason: str) -> ReconnectNeeded:
        return ReconnectNeeded(
            f"The connection {connection.id} has to be connected anew: {reason}.",
            help=f"Open the url that GET /connections/{connection.id} gives.",
        )


def _token(kept: Kept) -> AccessToken:
    return AccessToken(kept.value, kept.expires_at)
