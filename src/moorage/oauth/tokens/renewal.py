"""Renew a connection's token: once for all callers, in all processes that use one database.

Who renews holds a lease with a fence, so that a slow holder can't overwrite what a later holder wrote. The database
notes a renewal before the accounts server is asked. So a crash in between costs one token of the budget, but never the
refresh token: it stays until a new one replaces it, in the same transaction as the access token.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import SystemRandom

from moorage.clock import is_ahead
from moorage.connections.errors import ConnectionUnknown
from moorage.connections.model import Connection, Upstream
from moorage.connections.service import Connections
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
ASK_SECONDS = 10.0  # How long an accounts server may take to answer.
# How long a lease holds: longer than a renewal takes, so that others take over only from the dead.
LEASE_SECONDS = 15.0
WAIT_SECONDS = 20.0  # How long others wait for the holder: longer than a lease holds.
POLL_SECONDS = 0.05
# So many tokens in so many seconds. Zoho refuses the eleventh token from one refresh token within ten minutes.
BUDGET, WINDOW = 9, 600.0
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0  # Seconds between tries while an accounts server fails.

_random = SystemRandom()
log = Log(__name__)


@dataclass(frozen=True, slots=True)
class _Renewal:
    """A renewal that has begun. Nobody else begins one while its lease holds."""

    connection: Connection
    refresh_token: str = field(repr=False)
    fence: int


@dataclass(frozen=True, slots=True)
class TokenState:
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
        self._minted: dict[
            str, tuple[_Renewal, Minted]
        ] = {}  # Tokens that could not be written yet, by connection.

    async def renew(self, connection: Connection, need: Need) -> AccessToken:
        """A token that meets the need, or one that will do for now if no better one can be had.

        Raises ConnectionUnknown, ReconnectNeeded, AccountsUnreachable, RefreshLimited, VaultLocked, DatabaseUnusable.
        """
        try:
            return await self._renewed(connection, need)
        except TROUBLE:
            kept, now = await self._known(connection)
            if kept is None or not need.may_use(kept, now):
                raise
            return _token(kept, connection)

    def minted(self, connection: Connection) -> StoredSecret | None:
        """The access token that this process got but could not write yet."""
        renewal, minted = self._minted.get(connection.id, (None, None))
        if renewal is None or minted is None or renewal.connection.generation != connection.generation:
            return None
        return StoredSecret(minted.access.value, minted.access.expires_at)

    async def _known(self, connection: Connection) -> tuple[StoredSecret | None, float]:
        """The newest access token, and the time."""

        minted = self.minted(connection)

        async def look(tx: Transaction) -> tuple[StoredSecret | None, float]:
            return minted or await self._vault.get_in(tx, connection.id, ACCESS), tx.now / 1_000_000

        return await self._vault.read(look)

    async def _renewed(self, connection: Connection, need: Need) -> AccessToken:
        if (unwritten := self._minted.get(connection.id)) is not None:
            # Write first, because the stored refresh token may be worthless by now.
            await self._write(*unwritten)
        patience = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < patience:
            step = await self._begin(connection, need)
            if isinstance(step, AccessToken):
                return step
            if step is None:
                await asyncio.sleep(POLL_SECONDS)
            elif (renewed := await self._ask(step, need)) is not None:
                return renewed
        raise AccountsUnreachable(connection.id, LEASE_SECONDS)

    async def token_state(self, connection: Connection) -> TokenState:
        """The stored state, as a renewal would find it. Changes nothing. Raises VaultLocked."""

        async def look(tx: Transaction) -> TokenState:
            access = await self._vault.get_in(tx, connection.id, ACCESS)
            refresh = await self._vault.get_in(tx, connection.id, REFRESH)
            lease = await store.lease(tx, connection.id)
            now = tx.now / 1_000_000
            mints = (
                [] if refresh is None else await store.late_mints(tx, digest_of(refresh.value), now, WINDOW)
            )
            return TokenState(access, refresh, lease, mints)

        return await self._vault.read(look)

    async def _begin(self, connection: Connection, need: Need) -> AccessToken | _Renewal | None:
        """The present token if it meets the need, else a new renewal; None while somebody else renews."""
        async with self._database.transaction() as tx:
            now = tx.now / 1_000_000
            found, kept = await self._found(tx, connection)
            if need.is_met(kept):
                return _token(kept, found)
            lease = await store.lease(tx, found.id)
            obstacle = None
            if not is_ahead(lease.held_until, now, LEASE_SECONDS):
                renewal = await self._take(tx, found, lease, now)
                if isinstance(renewal, _Renewal):
                    return renewal
                obstacle = renewal
            if need.may_use(kept, now):
                return _token(kept, found)
            if obstacle is not None:
                raise obstacle
            return None

    async def _found(self, tx: Transaction, connection: Connection) -> tuple[Connection, StoredSecret]:
        """The connection as it is now, and its token."""
        found = await self._connections.find_in(tx, connection.id)
        if found is None:
            raise ConnectionUnknown(connection.id)
        if found.status == "FAILED":
            reason = found.metadata.get("reason", "unknown")
            raise ReconnectNeeded(found.id, f"the accounts server answered {reason}")
        kept = await self._vault.get_in(tx, found.id, ACCESS)
        if kept is None:
            raise ReconnectNeeded(found.id, "it holds no token")
        return found, kept

    async def _take(
        self, tx: Transaction, found: Connection, lease: store.Lease, now: float
    ) -> _Renewal | ReconnectNeeded | AccountsUnreachable | RefreshLimited:
        """A new renewal, or the error that prevents one."""
        if is_ahead(lease.retry_at, now, LONGEST_PAUSE):
            return AccountsUnreachable(found.id, lease.retry_at - now)
        refresh = await self._vault.get_in(tx, found.id, REFRESH)
        if refresh is None:
            return ReconnectNeeded(found.id, "it holds no refresh token")
        digest = digest_of(refresh.value)
        mints = await store.late_mints(tx, digest, now, WINDOW)
        if len(mints) >= BUDGET:
            return RefreshLimited(found.id, mints[-BUDGET] + WINDOW - now)
        await store.forget_mints(tx, found.id, now, WINDOW)
        fence = await store.take(tx, found.id, lease, self._owner, now + LEASE_SECONDS)
        await store.add_mint(tx, found.id, fence, digest, now)
        return _Renewal(found, refresh.value, fence)

    async def _ask(self, renewal: _Renewal, need: Need) -> AccessToken | None:
        """The new token, or the old one if it has to do; None if the connection has changed meanwhile: begin again."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                minted = await self._refresh(renewal.connection, renewal.refresh_token)
        except TokenRefused as refused:
            await self._refused(renewal, refused)
            return None
        except TokenFailed as failed:
            return await self._failed(renewal, need, failed)
        except TimeoutError:
            late = TokenFailed("The accounts server took too long.", may_have_minted=True)
            return await self._failed(renewal, need, late)
        except Exception:
            async with self._database.transaction() as tx:
                await store.release(tx, renewal.connection.id, renewal.fence)
            raise
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
        """Write the new tokens; None if they are of no use by now. May be repeated. Raises DatabaseUnusable."""
        written = await self._written(renewal, minted)
        if self._minted.get(renewal.connection.id) == (renewal, minted):
            del self._minted[renewal.connection.id]
        return written

    async def _written(self, renewal: _Renewal, minted: Minted) -> AccessToken | None:
        async with self._database.transaction() as tx:
            await store.release(tx, renewal.connection.id, renewal.fence)
            found = await self._connections.find_in(tx, renewal.connection.id)
            # A connection that was deleted meanwhile must leave nothing behind, and one that was connected again has
            # better tokens by now.
            if found is None or found.generation != renewal.connection.generation:
                return None
            if not await store.note_written(tx, found.id, renewal.fence):
                return None
            await self._vault.put_in(tx, found.id, ACCESS, minted.access.value, minted.access.expires_at)
            if minted.refresh_token is not None:
                await self._vault.put_in(tx, found.id, REFRESH, minted.refresh_token)
            if found.status == "FAILED":
                # Meanwhile another process was refused, because it had only the older refresh token.
                await self._connections.mend_in(tx, found)
            upstream = await self._moved(tx, found, minted.api_domain)
            return AccessToken(minted.access.value, minted.access.expires_at, upstream)

    async def _moved(self, tx: Transaction, found: Connection, api_domain: str | None) -> Upstream | None:
        """Where the connection leads from now on."""
        if found.upstream is None or api_domain is None:
            return found.upstream
        upstream = self._providers.moved(found.app, found.upstream, api_domain)
        if upstream != found.upstream:
            await self._connections.move_in(tx, found, upstream)
            log.info("oauth.moved", connection=found.id, data_centre=upstream.data_centre)
        return upstream

    async def _refused(self, renewal: _Renewal, refused: TokenRefused) -> None:
        """Make the connection FAILED and raise ReconnectNeeded, unless it holds another refresh token by now."""
        connection_id = renewal.connection.id
        async with self._database.transaction() as tx:
            lease = await store.lease(tx, connection_id)
            await store.release(tx, connection_id, renewal.fence)
            await store.remove_mint(tx, connection_id, renewal.fence)
            found = await self._connections.find_in(tx, connection_id)
            refresh = await self._vault.get_in(tx, connection_id, REFRESH)
            # A refresh token is also refused because somebody else has just exchanged it for a new one.
            is_overtaken = (
                lease.fence != renewal.fence or refresh is None or refresh.value != renewal.refresh_token
            )
            if is_overtaken or found is None or found.generation != renewal.connection.generation:
                return
            await self._connections.fail_in(tx, found, refused.reason)
        log.warning("oauth.refused", connection=connection_id, reason=refused.reason)
        raise ReconnectNeeded(connection_id, f"the accounts server answered {refused.reason}") from refused

    async def _failed(self, renewal: _Renewal, need: Need, failed: TokenFailed) -> AccessToken:
        connection_id = renewal.connection.id
        async with self._database.transaction() as tx:
            now = tx.now / 1_000_000
            await store.release(tx, connection_id, renewal.fence)
            if not failed.may_have_minted:
                await store.remove_mint(tx, connection_id, renewal.fence)
            found, kept = await self._found(tx, renewal.connection)
            if need.is_met(kept):
                return _token(kept, found)
            pause = 0.0
            # If the cause was this machine's own disk, there is no pause: the renewal goes on as soon as the disk does.
            if failed.trouble is None:
                lease = await store.lease(tx, connection_id)
                pause = min(FIRST_PAUSE * 2**lease.failures, LONGEST_PAUSE) * _random.uniform(0.5, 1)
                await store.note_failure(tx, connection_id, now + pause, failed.reason or str(failed))
        log.warning("oauth.failed", connection=connection_id, reason=str(failed))
        if need.may_use(kept, now):
            return _token(kept, found)
        if failed.trouble is not None:
            raise failed.trouble from failed
        raise AccountsUnreachable(connection_id, pause) from failed


def _token(kept: StoredSecret, connection: Connection) -> AccessToken:
    return AccessToken(kept.value, kept.expires_at, connection.upstream)
