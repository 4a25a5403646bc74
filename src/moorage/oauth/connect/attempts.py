"""Attempts to connect. An attempt notes the browser that was sent to an accounts server, its connection, the outcome.

The state that a person brings back is random. It is valid for one use, for ten minutes, and only in the browser that
was sent away. The database holds only digests: the state, the browser's cookie and the PKCE verifier can't be read from
it.
"""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from moorage.digests import base64url, digest_of
from moorage.storage import Database, Transaction

LIFETIME = 600.0  # Seconds that a person has at the accounts server.
CONNECTED = "connected"  # The outcome of a success. The outcome of a failure is the code of its reason.
# The attempts of one connection that are stored. More are possible if a person keeps clicking.
_MAX_ATTEMPTS = 50

attempts = sa.Table(
    "connect_attempts",
    sa.MetaData(),
    sa.Column("state", sa.LargeBinary, primary_key=True),
    sa.Column("connection_id", sa.Text),
    sa.Column("generation", sa.Integer),
    sa.Column("browser", sa.LargeBinary),
    sa.Column("place", sa.Text),
    sa.Column("scopes", sa.JSON),
    sa.Column("begun_at", sa.Float),
    sa.Column("used_at", sa.Float),
    sa.Column("outcome", sa.Text),
)


class Attempt(msgspec.Struct, frozen=True):
    """An attempt to connect. The person has chosen `choice` and `environment`.

    `generation` is the connection's generation at that time.
    """

    connection_id: str
    generation: int
    choice: str
    environment: str
    scopes: tuple[str, ...]
    is_first_use: bool
    outcome: str | None


def verifier_of(state: str, browser: str) -> str:
    """The PKCE verifier of an attempt. To compute it, one has to know both the state and the browser's cookie."""
    return base64url(hmac.digest(browser.encode(), state.encode(), "sha256"))


class Attempts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self,
        state: str,
        browser: str,
        *,
        connection: tuple[str, int],
        choice: str,
        environment: str,
        scopes: Sequence[str],
    ) -> None:
        """Note that a browser is sent to an accounts server. `connection` is an id and a generation."""
        connection_id, generation = connection
        async with self._database.transaction() as tx:
            now = tx.now / 1_000_000
            await _forget(tx, connection_id, now)
            values = {
                "state": digest_of(state),
                "connection_id": connection_id,
                "generation": generation,
                "browser": digest_of(browser),
                "place": f"{environment}:{choice}",
                "scopes": list(scopes),
                "begun_at": now,
            }
            await tx.connection.execute(attempts.insert().values(values))

    async def take(
        self, state: str, browser: str, require_ready: Callable[[], Awaitable[None]]
    ) -> Attempt | None:
        """The attempt from which a browser comes back, or None. It is marked as used.

        If `require_ready` raises an error, the attempt is not used.
        """
        async with (
            self._database.reading() as tx
        ):  # A stranger's invented state must not take the write lock.
            row = await _row(tx, state, tx.now / 1_000_000)
        if row is None or not hmac.compare_digest(row.browser, digest_of(browser)):
            return None
        if row.used_at is None:
            await require_ready()
        async with self._database.transaction() as tx:
            now = tx.now / 1_000_000
            row = await _row(tx, state, now)
            if row is None:
                return None
            if row.used_at is None:
                mark_used = attempts.update().where(attempts.c.state == row.state).values(used_at=now)
                await tx.connection.execute(mark_used)
            return _attempt(row)

    async def look(self, state: str) -> Attempt | None:
        """The attempt with this state, as it is now; None if there is none."""
        async with self._database.reading() as tx:
            row = await _row(tx, state, tx.now / 1_000_000)
            return None if row is None else _attempt(row)

    async def settle_in(self, tx: Transaction, state: str, outcome: str) -> None:
        """Note the outcome of an attempt, in an open transaction."""
        has_state = attempts.c.state == digest_of(state)
        await tx.connection.execute(attempts.update().where(has_state).values(outcome=outcome))


def under_way(now: int) -> sa.Select[tuple[str]]:
    """Selects the ids of the connections that people are connecting: they have a recent attempt without an outcome.

    `now` is in microseconds since the epoch.
    """
    is_open = _lately(now / 1_000_000) & attempts.c.outcome.is_(None)
    return sa.select(attempts.c.connection_id).where(is_open)


async def _row(tx: Transaction, state: str, now: float) -> Any:
    is_valid = (attempts.c.state == digest_of(state)) & _lately(now)
    return (await tx.connection.execute(sa.select(attempts).where(is_valid))).first()


async def _forget(tx: Transaction, connection_id: str, now: float) -> None:
    """Delete all attempts that have expired, and the oldest attempts of this connection if it has too many."""
    is_same = attempts.c.connection_id == connection_id
    newest = (
        sa.select(attempts.c.state).where(is_same).order_by(attempts.c.begun_at.desc()).limit(_MAX_ATTEMPTS)
    )
    is_old = ~_lately(now)
    await tx.connection.execute(attempts.delete().where(is_old | (is_same & attempts.c.state.not_in(newest))))


def _lately(now: float) -> sa.ColumnElement[bool]:
    """The rule of `clock.lately`, in SQL."""
    return (attempts.c.begun_at > now - LIFETIME) & (attempts.c.begun_at < now + LIFETIME)


def _attempt(row: Any) -> Attempt:
    environment, _, choice = row.place.partition(":")
    return Attempt(
        row.connection_id,
        row.generation,
        choice,
        environment,
        tuple(row.scopes),
        is_first_use=row.used_at is None,
        outcome=row.outcome,
    )
