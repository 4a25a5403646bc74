"""Renews a connection's token: once for all callers, in all processes that use one database.

The process that renews holds a lease with a fence, so that a slow holder can't overwrite the tokens of a later one. To
take a lease, it reads the lease and writes it in one transaction. That is safe because transactions are serial
(`Database.transaction`). The database notes a renewal before the request to the accounts server. So a crash in between
costs one token of the budget, but never the refresh token: it stays until a new one replaces it, in the same
transaction as the access token.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import SystemRandom

import msgspec

from moorage.clock import is_ahead
from moorage.connections.errors import ConnectionUnknown
from moorage.connections.model import Connection, Upstream
from moorage.connections.service import Connections
from moorage.counts import COUNTS
from moorage.digests import digest_of
from moorage.ids import new_uuid
from moorage.logs import Log
from moorage.oauth.apps.providers import Providers
from moorage.oauth.errors import (
    AccountsUnreachable,
    ReconnectNeeded,
    RefreshLimited,
    TokenFailed,
    TokenRefused,
)
from moorage.oauth.model import AccessToken, Minted, Need, Refresh
from moorage.oauth.tokens import store
from moorage.oauth.tokens.unwritten import TROUBLE, Unwritten
from moorage.storage import Database, Transaction
from moorage.vault.service import StoredSecret, Vault

ACCESS, REFRESH = "access_token", "refresh_token"  # Kinds of secrets in the vault.
ASK_SECONDS = 10.0  # The time limit for the answer of an accounts server.
# A lease lasts longer than a renewal. So another process takes it over only if its holder has died.
LEASE_SECONDS = 15.0
WAIT_SECONDS = 20.0  # Others wait this long for the holder, longer than a lease lasts.
POLL_SECONDS = 0.05
# The allowed tokens in a window of seconds. Zoho refuses the eleventh token of a refresh token within ten minutes.
BUDGET, WINDOW = 9, 600.0
KEPT = 3600.0  # Seconds that the making of a token is remembered: as long as Zoho's tokens live.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0  # Seconds between tries while an accounts server fails.
_REFRESHES = "moorage_token_refreshes_total"  # By app, and by how the attempt has ended.

_random = SystemRandom()
log = Log(__name__)


@dataclass(frozen=True, slots=True)
class _Renewal:
    """A renewal that has begun. No other one can begin while its lease lasts."""

    connection: Connection
    refresh_token: str = field(repr=False)
    fence: int


class TokenState(msgspec.Struct, frozen=True):
    """The stored tokens of a connection, the lease to renew them, and the times of recent renewals, oldest first."""

    access: StoredSecret | None
    refresh: StoredSecret | None
    lease: store.Lease
    mints: Sequence[float]

    def usable(self, now: float) -> StoredSecret | None:
        """The access token, if it has not expired."""
        if self.access is None or (self.access.expires_at is not None and self.access.expires_at <= now):
            return None
        return self.access


class Renewals:
    """Renews tokens, for all processes of one database.

    `refresh` asks the accounts server for a new token. `unwritten` completes the writing of tokens that the database
    does not accept at once.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        connections: Connections,
        providers: Providers,
        refresh: Refresh,
        unwritten: Unwritten,
    ) -> None:
        self._database = database
        self._vault = vault
        self._connections = connections
        self._providers = providers
        self._refresh = refresh
        self._owner = new_uuid()
        self._unwritten = unwritten
        # Tokens that could not be written yet, by connection id.
        self._minted: dict[str, tuple[_Renewal, Minted]] = {}

    async def renew(self, connection: Connection, need: Need) -> AccessToken:
        """A token that meets the need; if there is none, the present token if it still works.

        Raises ConnectionUnknown, ReconnectNeeded, AccountsUnreachable, RefreshLimited, VaultLocked, DatabaseUnusable.
        """
        try:
            return await self._renew(connection, need)
        except TROUBLE:
            stored, now = await self._newest(connection)
            if stored is None or not need.may_use(stored, now):
                raise
            return _token(stored, connection)

    def minted(self, connection: Connection) -> StoredSecret | None:
        """The access token that this process has got, but could not write yet."""
        renewal, minted = self._minted.get(connection.id, (None, None))
        if renewal is None or minted is None or renewal.connection.generation != connection.generation:
            return None
        return StoredSecret(minted.access.value, minted.access.expires_at)

    async def _newest(self, connection: Connection) -> tuple[StoredSecret | None, float]:
        """The newest access token, and the time."""

        minted = self.minted(connection)

        async def newest(tx: Transaction) -> tuple[StoredSecret | None, float]:
            return minted or await self._vault.get_in(tx, connection.id, ACCESS), tx.now / 1_000_000

        return await self._vault.read(newest)

    async def _renew(self, connection: Connection, need: Need) -> AccessToken:
        if (unwritten := self._minted.get(connection.id)) is not None:
            # Write these tokens first, because the stored refresh token may not work any more.
            await self._write(*unwritten)
        patience = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < patience:
            step = await self._begin(connection, need)
            if isinstance(step, AccessToken):
                return step
            if step is None:
                await asyncio.sleep(POLL_SECONDS)
            elif (renewed := await self._complete(step, need)) is not None:
                return renewed
        raise AccountsUnreachable(connection.id, LEASE_SECONDS)

    async def token_state(self, connection: Connection) -> TokenState:
        """The stored state from which a renewal would begin. Changes nothing. Raises VaultLocked."""

        async def state(tx: Transaction) -> TokenState:
            access = await self._vault.get_in(tx, connection.id, ACCESS)
            refresh = await self._vault.get_in(tx, connection.id, REFRESH)
            lease = await store.lease(tx, connection.id)
            now = tx.now / 1_000_000
            mints = (
                [] if refresh is None else await store.late_mints(tx, digest_of(refresh.value), now, WINDOW)
            )
            return TokenState(access, refresh, lease, mints)

        return await self._vault.read(state)

    async def _begin(self, connection: Connection, need: Need) -> AccessToken | _Renewal | None:
        """The present token if it meets the need, otherwise a new renewal; None while another process renews."""
        async with self._database.transaction() as tx:
            now = tx.now / 1_000_000
            current, stored = await self._current(tx, connection)
            if need.is_met(stored):
                return _token(stored, current)
            lease = await store.lease(tx, current.id)
            obstacle = None
            if not is_ahead(lease.held_until, now, LEASE_SECONDS):
                renewal = await self._take(tx, current, lease, now)
                if isinstance(renewal, _Renewal):
                    return renewal
                obstacle = renewal
            if need.may_use(stored, now):
                return _token(stored, current)
            if obstacle is not None:
                raise obstacle
            return None

    async def _current(self, tx: Transaction, connection: Connection) -> tuple[Connection, StoredSecret]:
        """The connection as it is now, and its token. Raises ConnectionUnknown, ReconnectNeeded."""
        current = await self._connections.find_in(tx, connection.id)
        if current is None:
            raise ConnectionUnknown(connection.id)
        if current.status == "FAILED":
            reason = current.metadata.get("reason", "unknown")
            raise ReconnectNeeded(current.id, f"the accounts server answered {reason}")
        stored = await self._vault.get_in(tx, current.id, ACCESS)
        if stored is None:
            raise ReconnectNeeded(current.id, "it holds no token")
        return current, stored

    async def _take(
        self, tx: Transaction, connection: Connection, lease: store.Lease, now: float
    ) -> _Renewal | ReconnectNeeded | AccountsUnreachable | RefreshLimited:
        """Take the lease: a new renewal, or the error that prevents it."""
        if is_ahead(lease.retry_at, now, LONGEST_PAUSE):
            return AccountsUnreachable(connection.id, lease.retry_at - now)
        refresh = await self._vault.get_in(tx, connection.id, REFRESH)
        if refresh is None:
            return ReconnectNeeded(connection.id, "it holds no refresh token")
        digest = digest_of(refresh.value)
        mints = await store.late_mints(tx, digest, now, WINDOW)
        if len(mints) >= BUDGET:
            COUNTS.add(_REFRESHES, connection.app, "limited")
            return RefreshLimited(connection.id, mints[-BUDGET] + WINDOW - now)
        await store.forget_mints(tx, connection.id, now, KEPT)
        fence = await store.take(tx, connection.id, lease, self._owner, now + LEASE_SECONDS)
        await store.add_mint(tx, connection.id, fence, digest, now)
        return _Renewal(connection, refresh.value, fence)

    async def _complete(self, renewal: _Renewal, need: Need) -> AccessToken | None:
        """The new token, or the old one if it still works; None if the connection has changed, to begin again."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                minted = await self._refresh(renewal.connection, renewal.refresh_token)
        except TokenRefused as refused:
            await self._on_refusal(renewal, refused)
            return None
        except TokenFailed as failed:
            return await self._on_failure(renewal, need, failed)
        except TimeoutError:
            late = TokenFailed("The accounts server took too long.", may_have_minted=True)
            return await self._on_failure(renewal, need, late)
        except Exception:
            async with self._database.transaction() as tx:
                await store.release(tx, renewal.connection.id, renewal.fence)
            raise
        COUNTS.add(_REFRESHES, renewal.connection.app, "ok")
        self._minted[renewal.connection.id] = renewal, minted
        try:
            return await self._write(renewal, minted)
        except TROUBLE:
            self._unwritten.keep(renewal.connection.id, lambda: self._write(renewal, minted))
            return AccessToken(minted.access.value, minted.access.expires_at, renewal.connection.upstream)
        except Exception:
            del self._minted[renewal.connection.id]
            raise

    async def _write(self, renewal: _Renewal, minted: Minted) -> AccessToken | None:
        """Write the new tokens; None if they are outdated. It may be repeated. Raises DatabaseUnusable."""
        token = await self._write_in_transaction(renewal, minted)
        if self._minted.get(renewal.connection.id) == (renewal, minted):
            del self._minted[renewal.connection.id]
        return token

    async def _write_in_transaction(self, renewal: _Renewal, minted: Minted) -> AccessToken | None:
        async with self._database.transaction() as tx:
            await store.release(tx, renewal.connection.id, renewal.fence)
            current = await self._connections.find_in(tx, renewal.connection.id)
            # A connection that was deleted meanwhile must leave no secrets, and a connection that was connected again
            # has better tokens.
            if current is None or current.generation != renewal.connection.generation:
                return None
            if not await store.note_written(tx, current.id, renewal.fence):
                return None
            await self._vault.put_in(tx, current.id, ACCESS, minted.access.value, minted.access.expires_at)
            if minted.refresh_token is not None:
                await self._vault.put_in(tx, current.id, REFRESH, minted.refresh_token)
            if current.status == "FAILED":
                # Meanwhile another process was refused, because it had only the older refresh token.
                await self._connections.mend_in(tx, current)
            upstream = await self._moved(tx, current, minted.api_domain)
            return AccessToken(minted.access.value, minted.access.expires_at, upstream)

    async def _moved(
        self, tx: Transaction, connection: Connection, api_domain: str | None
    ) -> Upstream | None:
        """The upstream of the connection from now on. Stores it if the accounts server has named another one."""
        if connection.upstream is None or api_domain is None:
            return connection.upstream
        upstream = self._providers.moved(connection.app, connection.upstream, api_domain)
        if upstream != connection.upstream:
            await self._connections.move_in(tx, connection, upstream)
            log.info("oauth.moved", connection=connection.id, data_centre=upstream.data_centre)
        return upstream

    async def _on_refusal(self, renewal: _Renewal, refused: TokenRefused) -> None:
        """Make the connection FAILED and raise ReconnectNeeded, unless it has got another refresh token meanwhile."""
        connection_id = renewal.connection.id
        async with self._database.transaction() as tx:
            lease = await store.lease(tx, connection_id)
            await store.release(tx, connection_id, renewal.fence)
            await store.remove_mint(tx, connection_id, renewal.fence)
            current = await self._connections.find_in(tx, connection_id)
            refresh = await self._vault.get_in(tx, connection_id, REFRESH)
            # A refresh token is also refused after another process has exchanged it for a new one.
            is_overtaken = (
                lease.fence != renewal.fence or refresh is None or refresh.value != renewal.refresh_token
            )
            if is_overtaken or current is None or current.generation != renewal.connection.generation:
                return
            await self._connections.fail_in(tx, current, refused.reason)
        COUNTS.add(_REFRESHES, current.app, "refused")
        log.warning("oauth.refused", connection=connection_id, reason=refused.reason)
        raise ReconnectNeeded(connection_id, f"the accounts server answered {refused.reason}") from refused

    async def _on_failure(self, renewal: _Renewal, need: Need, failed: TokenFailed) -> AccessToken:
        """The present token if it still works. Otherwise raises AccountsUnreachable, or the trouble of this machine."""
        connection_id = renewal.connection.id
        async with self._database.transaction() as tx:
            now = tx.now / 1_000_000
            await store.release(tx, connection_id, renewal.fence)
            if not failed.may_have_minted:
                await store.remove_mint(tx, connection_id, renewal.fence)
            current, stored = await self._current(tx, renewal.connection)
            if need.is_met(stored):
                return _token(stored, current)
            pause = 0.0
            # If the cause was this machine's own disk, there is no pause, so that the next call tries again.
            if failed.trouble is None:
                lease = await store.lease(tx, connection_id)
                pause = min(FIRST_PAUSE * 2**lease.failures, LONGEST_PAUSE) * _random.uniform(0.5, 1)
                await store.note_failure(tx, connection_id, now + pause, failed.reason or str(failed))
        COUNTS.add(_REFRESHES, renewal.connection.app, "failed")
        log.warning("oauth.failed", connection=connection_id, reason=str(failed))
        if need.may_use(stored, now):
            return _token(stored, current)
        if failed.trouble is not None:
            raise failed.trouble from failed
        raise AccountsUnreachable(connection_id, pause) from failed


def _token(stored: StoredSecret, connection: Connection) -> AccessToken:
    return AccessToken(stored.value, stored.expires_at, connection.upstream)
