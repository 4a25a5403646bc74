"""Gives out access tokens: the token in the vault, or a new one if that expires soon."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from moorage.background import Loop
from moorage.clock import Clock
from moorage.connections.errors import ConnectionUnknown
from moorage.connections.model import Connection
from moorage.errors import MoorageError
from moorage.logs import Log
from moorage.oauth.errors import ReconnectNeeded
from moorage.oauth.model import AccessToken, Need
from moorage.oauth.tokens import store
from moorage.oauth.tokens.proactive import RenewalSchedule, Use
from moorage.oauth.tokens.renewal import ACCESS, ASK_SECONDS, REFRESH, Renewals
from moorage.single_flight import SingleFlight
from moorage.storage import Transaction
from moorage.vault.service import StoredSecret, Vault

NEAR_SECONDS = 60.0  # If the token expires within this time, a caller waits for a new one.
LOOK_SECONDS = 10.0  # The time between two searches for tokens that have to be renewed early.
PARALLEL_RENEWALS = 8  # Early renewals at the same time.

log = Log(__name__)


class Tokens:
    def __init__(self, vault: Vault, renewals: Renewals, clock: Clock) -> None:
        self._vault = vault
        self._renewals = renewals
        self._clock = clock
        self._schedule = RenewalSchedule()
        self._renewing = SingleFlight[AccessToken]()

    async def require_keepable(self) -> None:
        """Raises VaultLocked if new tokens could not be put into the vault."""
        await self._vault.check()

    async def keep(
        self, tx: Transaction, connection_id: str, access: AccessToken, refresh_token: str | None
    ) -> None:
        """Put the tokens of a newly connected connection into the vault, in place of older ones."""
        await self._vault.put_in(tx, connection_id, ACCESS, access.value, access.expires_at)
        if refresh_token is not None:
            await self._vault.put_in(tx, connection_id, REFRESH, refresh_token)
        else:  # An older refresh token belongs to another grant.
            await self._vault.shred_in(tx, connection_id, REFRESH)
        await store.forget_failures(tx, connection_id)

    async def revocable(self, connection: Connection) -> str | None:
        """The token to revoke: the refresh token; without one, the access token. Raises VaultLocked."""
        stored = await self._vault.get(connection.id, REFRESH) or await self._vault.get(connection.id, ACCESS)
        return stored.value if stored is not None else None

    async def forget(self, tx: Transaction, connection_id: str) -> None:
        await self._vault.shred_in(tx, connection_id)
        self._schedule.forget(connection_id)

    async def access(self, connection: Connection, *, instead_of: str | None = None) -> AccessToken:
        """A token that works now. `instead_of` is a token that the upstream has refused; it is replaced.

        Callers at the same time share one renewal, across all processes. Raises ConnectionUnknown, ReconnectNeeded,
        AccountsUnreachable, RefreshLimited, VaultLocked.
        """
        now = self._clock.timestamp()
        stored, renewable = await self._stored(connection)
        if stored is None:
            raise ReconnectNeeded(connection.id, "it holds no token")
        need = Need(instead_of, now + NEAR_SECONDS)
        if instead_of is None and need.is_met(stored):
            token = AccessToken(stored.value, stored.expires_at)
        else:
            # Also if another process has renewed it meanwhile, because the renewal reports the account's new upstream.
            token = await self._renew(connection, need)
        self._schedule.note(connection, token, now)
        return token if renewable else replace(token, renewable=False)

    async def _stored(self, connection: Connection) -> tuple[StoredSecret | None, bool]:
        """The present access token, and whether it can be renewed. Reads both at once, because a caller waits."""
        minted = self._renewals.minted(connection)
        if minted is not None:
            return minted, True

        async def both(tx: Transaction) -> tuple[StoredSecret | None, bool]:
            access = await self._vault.get_in(tx, connection.id, ACCESS)
            return access, await self._vault.get_in(tx, connection.id, REFRESH) is not None

        return await self._vault.read(both)

    async def close(self) -> None:
        """Wait for running renewals, because a new refresh token may be on its way."""
        if under_way := self._renewing.under_way():
            _, late = await asyncio.wait(under_way, timeout=ASK_SECONDS)
            for task in late:
                task.cancel()

    def background(self) -> Sequence[Loop]:
        return (Loop("tokens.renew_ahead", self.keep_fresh),)

    async def keep_fresh(self) -> None:
        """Renew tokens before they expire, without end."""
        while True:
            await self.renew_due()
            await asyncio.sleep(LOOK_SECONDS)

    async def renew_due(self) -> None:
        """Renew the tokens that expire soon, of connections in use. A failed renewal is repeated by the next call."""
        due = self._schedule.due(self._clock.timestamp())
        for start in range(0, len(due), PARALLEL_RENEWALS):
            await asyncio.gather(*(self._renew_ahead(use) for use in due[start : start + PARALLEL_RENEWALS]))

    async def _renew_ahead(self, use: Use) -> None:
        try:
            # Any token that expires later is good enough, also if another process has renewed it.
            token = await self._renew(use.connection, Need(None, use.expires_at))
        except (ReconnectNeeded, ConnectionUnknown):
            self._schedule.forget(use.connection.id)
        except MoorageError as error:
            log.warning("oauth.not_renewed", connection=use.connection.id, code=error.code)
        else:
            self._schedule.renewed(use, token, self._clock.timestamp())

    async def _renew(self, connection: Connection, need: Need) -> AccessToken:
        """The renewed token. Callers in this process share one renewal, which goes on if one of them is cancelled."""
        key = (connection.id, connection.generation, need.instead_of)
        return await self._renewing.do(key, lambda: self._renewals.renew(connection, need))
