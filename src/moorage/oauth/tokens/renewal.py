"""Renew a connection's token: once, whoever asks, in however many processes of one database.

Whoever renews holds a lease with a fence, so that one who was slow can't overwrite what a later one wrote. Before the
accounts server is asked, the database knows that it will be: a crash in between costs a token of the budget, never a
refresh token, as the one that is kept stays until another takes its place, together with the access token.
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import SystemRandom

import structlog

from moorage.clock import is_ahead
from moorage.connections.errors import ConnectionUnknown
from moorage.connections.model import Connection, Upstream
from moorage.connections.service import Connections
from moorage.ids import new_uuid
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
from moorage.vault.service import Kept, Vault

ACCESS, REFRESH = "access_token", "refresh_token"  # Kinds of secrets in the vault.
ASK_SECONDS = 10.0  # How long an accounts server may take ...
LEASE_SECONDS = 15.0  # ... which is less than others wait before they take over from one who died ...
PATIENCE_SECONDS = 20.0  # ... and they wait for longer than that.
POLL_SECONDS = 0.05
BUDGET, WINDOW = 9, 600.0  # Zoho refuses the eleventh token that a refresh token has in ten minutes.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0  # Between tries while an accounts server fails.

_random = SystemRandom()
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A renewal that was begun: nobody else begins one for as long as the lease lasts."""

    connection: Connection
    refresh_token: str = field(repr=False)
    fence: int


@dataclass(frozen=True, slots=True)
class Held:
    """What is kept of a connection's tokens, who renews them, and when that was lately done, the oldest first."""

    access: Kept | None
    refresh: Kept | None
    lease: store.Lease
    mints: Sequence[float]

    def usable(self, now: float) -> Kept | None:
        """The access token, if it has not ended."""
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
        self._minted: dict[str, tuple[_Begun, Minted]] = {}  # What could not be written yet, by connection.

    async def renew(self, connection: Connection, need: Need) -> AccessToken:
        """A token that meets the need; or one that will do for now, if no other can be had.

        Raises ConnectionUnknown, ReconnectNeeded, AccountsUnreachable, RefreshLimited, VaultLocked, DatabaseUnusable.
        """
        try:
            return await self._renewed(connection, need)
        except TROUBLE:
            kept, now = await self._known(connection)
            if kept is None or not need.may_use(kept, now):
                raise
            return _token(kept, connection)

    def minted(self, connection: Connection) -> Kept | None:
        """The access token that this process got and could not write yet."""
        begun, minted = self._minted.get(connection.id, (None, None))
        if begun is None or minted is None or begun.connection.generation != connection.generation:
            return None
        return Kept(minted.access.value, minted.access.expires_at)

    async def _known(self, connection: Connection) -> tuple[Kept | None, float]:
        """The newest access token there is, and the time."""

        minted = self.minted(connection)

        async def look(tx: Transaction) -> tuple[Kept | None, float]:
            return minted or await self._vault.get_in(tx, connection.id, ACCESS), tx.now / 1_000_000

        return await self._vault.read(look)

    async def _renewed(self, connection: Connection, need: Need) -> AccessToken:
        if (unwritten := self._minted.get(connection.id)) is not None:
            # First of all, as the refresh token that is stored may be worth nothing by now.
            await self._write(*unwritten)
        patience = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < patience:
            step = await self._begin(connection, need)
            if isinstance(step, AccessToken):
                return step
            if step is None:
                await asyncio.sleep(POLL_SECONDS)
            elif (renewed := await self._ask(step, need)) is not None:
                return renewed
        raise AccountsUnreachable(connection.id, LEASE_SECONDS)

    async def held(self, connection: Connection) -> Held:
        """What a renewal would find. Changes nothing. Raises VaultLocked."""

        async def look(tx: Transaction) -> Held:
            access = await self._vault.get_in(tx, connection.id, ACCESS)
            refresh = await self._vault.get_in(tx, connection.id, REFRESH)
            lease = await store.lease(tx, connection.id)
            now = tx.now / 1_000_000
            mints = [] if refresh is None else await store.late_mints(tx, _digest(refresh.value), now, WINDOW)
            return Held(access, refresh, lease, mints)

        return await self._vault.read(look)

    async def _begin(self, connection: Connection, need: Need) -> AccessToken | _Begun | None:
        """The token there is, if it will do; else a renewal, if it can be begun; None while another one renews."""
        async with self._database.transaction() as tx:
            now = tx.now / 1_000_000
            found, kept = await self._found(tx, connection)
            if need.is_met(kept):
                return _token(kept, found)
            lease = await store.lease(tx, found.id)
            obstacle = None
            if not is_ahead(lease.held_until, now, LEASE_SECONDS):
                begun = await self._take(tx, found, lease, now)
                if isinstance(begun, _Begun):
                    return begun
                obstacle = begun
            if need.may_use(kept, now):
                return _token(kept, found)
            if obstacle is not None:
                raise obstacle
            return None

    async def _found(self, tx: Transaction, connection: Connection) -> tuple[Connection, Kept]:
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
    ) -> _Begun | ReconnectNeeded | AccountsUnreachable | RefreshLimited:
        """A renewal that was begun, or what stands against it."""
        if is_ahead(lease.retry_at, now, LONGEST_PAUSE):
            return AccountsUnreachable(found.id, lease.retry_at - now)
        refresh = await self._vault.get_in(tx, found.id, REFRESH)
        if refresh is None:
            return ReconnectNeeded(found.id, "it holds no refresh token")
        digest = _digest(refresh.value)
        mints = await store.late_mints(tx, digest, now, WINDOW)
        if len(mints) >= BUDGET:
            return RefreshLimited(found.id, mints[-BUDGET] + WINDOW - now)
        await store.forget_mints(tx, found.id, now, WINDOW)
        fence = await store.take(tx, found.id, lease, self._owner, now + LEASE_SECONDS)
        await store.add_mint(tx, found.id, fence, digest, now)
        return _Begun(found, refresh.value, fence)

    async def _ask(self, begun: _Begun, need: Need) -> AccessToken | None:
        """The new token, or the old one if it has to do; None when things have changed meanwhile: look again."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                minted = await self._refresh(begun.connection, begun.refresh_token)
        except TokenRefused as refused:
            await self._refused(begun, refused)
            return None
        except TokenFailed as failed:
            return await self._failed(begun, need, failed)
        except TimeoutError:
            late = TokenFailed("The accounts server took too long.", may_have_minted=True)
            return await self._failed(begun, need, late)
        except Exception:
            async with self._database.transaction() as tx:
                await store.release(tx, begun.connection.id, begun.fence)
            raise
        self._minted[begun.connection.id] = begun, minted
        try:
            return await self._write(begun, minted)
        except TROUBLE:
            self._unwritten.keep(begun.connection.id, lambda: self._write(begun, minted))
            return AccessToken(minted.access.value, minted.access.expires_at, begun.connection.upstream)
        except Exception:
            del self._minted[begun.connection.id]
            raise

    async def _write(self, begun: _Begun, minted: Minted) -> AccessToken | None:
        """Write what was minted; None if it is of no use by now. May be repeated. Raises DatabaseUnusable."""
        written = await self._written(begun, minted)
        if self._minted.get(begun.connection.id) == (begun, minted):
            del self._minted[begun.connection.id]
        return written

    async def _written(self, begun: _Begun, minted: Minted) -> AccessToken | None:
        async with self._database.transaction() as tx:
            await store.release(tx, begun.connection.id, begun.fence)
            found = await self._connections.find_in(tx, begun.connection.id)
            # Of a connection that was deleted meanwhile nothing is to stay behind, and one that was connected
            # anew has better tokens by now.
            if found is None or found.generation != begun.connection.generation:
                return None
            if not await store.note_written(tx, found.id, begun.fence):
                return None
            await self._vault.put_in(tx, found.id, ACCESS, minted.access.value, minted.access.expires_at)
            if minted.refresh_token is not None:
                await self._vault.put_in(tx, found.id, REFRESH, minted.refresh_token)
            if found.status == "FAILED":
                # Somebody who had only the older refresh token was refused meanwhile.
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

    async def _refused(self, begun: _Begun, refused: TokenRefused) -> None:
        """Fail the connection, unless this is no longer about what it holds. Raises ReconnectNeeded then."""
        connection_id = begun.connection.id
        async with self._database.transaction() as tx:
            lease = await store.lease(tx, connection_id)
            await store.release(tx, connection_id, begun.fence)
            await store.remove_mint(tx, connection_id, begun.fence)
            found = await self._connections.find_in(tx, connection_id)
            refresh = await self._vault.get_in(tx, connection_id, REFRESH)
            # A refresh token is refused, too, because somebody else has just had another one for it.
            is_overtaken = (
                lease.fence != begun.fence or refresh is None or refresh.value != begun.refresh_token
            )
            if is_overtaken or found is None or found.generation != begun.connection.generation:
                return
            await self._connections.fail_in(tx, found, refused.reason)
        log.warning("oauth.refused", connection=connection_id, reason=refused.reason)
        raise ReconnectNeeded(connection_id, f"the accounts server answered {refused.reason}") from refused

    async def _failed(self, begun: _Begun, need: Need, failed: TokenFailed) -> AccessToken:
        connection_id = begun.connection.id
        async with self._database.transaction() as tx:
            now = tx.now / 1_000_000
            await store.release(tx, connection_id, begun.fence)
            if not failed.may_have_minted:
                await store.remove_mint(tx, connection_id, begun.fence)
            found, kept = await self._found(tx, begun.connection)
            if need.is_met(kept):
                return _token(kept, found)
            pause = 0.0
            # What this machine's own disk holds up is to go on as soon as the disk does.
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


def _digest(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode()).digest()


def _token(kept: Kept, connection: Connection) -> AccessToken:
    return AccessToken(kept.value, kept.expires_at, connection.upstream)
