"""Finds the target of a call: where it goes, and with which token. Most targets are in memory."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from moorage.access import Reach
from moorage.bounded import Bounded
from moorage.clock import Clock, lately
from moorage.connections.model import Connection, Environment, Upstream
from moorage.errors import MoorageError
from moorage.gateway.target import RouteKey, Target, origin_of
from moorage.http.encode import lines_of
from moorage.http.errors import STATUS
from moorage.keys.errors import RateLimited, ScopeMissing
from moorage.keys.model import Principal
from moorage.policies import Guard
from moorage.policies.errors import ConnectionNameRequired
from moorage.requests import Caller
from moorage.single_flight import SingleFlight
from moorage.storage.errors import DatabaseUnusable

REMEMBERED_SECONDS = 60.0  # Not longer, because each look-up also notes that the key is in use.
OUTAGE_SECONDS = 5.0  # While the database can't be read, the time between two attempts.
MARGIN_SECONDS = 30.0  # A token is not used in the last seconds before it expires.
REFUSAL_SECONDS = 60.0  # When an upstream refuses tokens, a connection's token is renewed once in this time.
CACHE_SIZE = 10_000


class Authenticator(Protocol):
    async def authenticate(self, authorization: str | None) -> Principal: ...


class ConnectionChooser(Protocol):
    async def choose(self, account_id: str, app: str, name: str | None, reach: Reach) -> Connection: ...
    async def names(self, account_id: str, app: str, reach: Reach) -> list[str]: ...


class AccessToken(Protocol):
    @property
    def value(self) -> str: ...
    @property
    def expires_at(self) -> float | None: ...
    @property
    def upstream(self) -> Upstream | None: ...
    @property
    def renewable(self) -> bool: ...


class TokenSource(Protocol):
    async def access(self, connection: Connection, *, instead_of: str | None = None) -> AccessToken: ...


class Guards(Protocol):
    async def guard_of(self, principal: Principal, connection: Connection) -> Guard | None: ...
    async def needs_name(self, key_id: str) -> bool: ...


class Limiter(Protocol):
    def take(self, account_id: str) -> float | None: ...


class Resolver:
    """Finds the target of a call.

    `guards` say what a key may do through a connection. `header` returns the Authorization value of an app, such as
    `Zoho-oauthtoken {access_token}`. `environment` returns the kind of account to which an upstream of an app leads:
    live, sandbox or embedded.
    """

    def __init__(
        self,
        *,
        keys: Authenticator,
        connections: ConnectionChooser,
        tokens: TokenSource,
        guards: Guards,
        header: Callable[[str], str],
        environment: Callable[[str, Upstream], Environment],
        limiter: Limiter,
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._connections = connections
        self._tokens = tokens
        self._guards = guards
        self._header = header
        self._environment = environment
        self._limiter = limiter
        self._clock = clock
        self._targets = Bounded[bytes, Target](CACHE_SIZE)
        self._lookups = SingleFlight[Target]()
        # For each connection, the last token that its upstream refused, and the time of the refusal.
        self._refusals = Bounded[str, tuple[str, float]](CACHE_SIZE)
        self._generation = 0

    @property
    def generation(self) -> int:
        """A number that changes whenever keys, connections or tokens may have changed."""
        return self._generation

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.timestamp()

    def clear(self) -> None:
        """Forget all targets, because keys, connections or tokens may have changed."""
        self._generation += 1
        self._targets.clear()
        self._lookups.forget()

    def remembered(self, route_key: RouteKey) -> Target | None:
        """The target from memory, or None: then call `resolve`. Counts the request. Raises RateLimited."""
        target = self._targets.get(route_key.digest)
        if target is None or target.good_until <= self._clock.timestamp():
            return None
        try:
            self._count(target.account_id)
        except RateLimited as error:
            error.called_by = target.account_id, target.caller.key_id
            raise
        return target

    async def resolve(self, route_key: RouteKey) -> Target:
        """Look the target up. While the database can't be read, the last known target is used.

        Raises RateLimited, ScopeMissing, and the errors of `authenticate`, `choose` and `access`.
        """
        try:
            return await self._look_up(route_key)
        except DatabaseUnusable:
            target = self._last_known(route_key)
            if target is None:
                raise
            self._targets[route_key.digest] = target
            return target

    async def _look_up(self, route_key: RouteKey) -> Target:
        generation = self._generation
        principal = await self._keys.authenticate(_text(route_key.authorization))
        try:
            return await self._look_up_for(principal, route_key, generation)
        except MoorageError as error:
            error.called_by = principal.account_id, principal.key_id
            raise

    async def _look_up_for(self, principal: Principal, route_key: RouteKey, generation: int) -> Target:
        self._count(principal.account_id)
        app, name = route_key.app.decode("latin-1"), _text(route_key.connection)
        if not principal.scopes.may_call(app):
            raise ScopeMissing(f"proxy:{app}:read")
        if name is None and await self._guards.needs_name(principal.key_id):
            raise ConnectionNameRequired(
                await self._connections.names(principal.account_id, app, principal.reach)
            )

        async def look_up() -> Target:
            target = await self.target_of(principal, app, name)
            self._remember(route_key, target, generation)
            return target

        return await self._lookups.do((principal, route_key.digest, generation), look_up)

    async def target_of(self, principal: Principal, app: str, name: str | None) -> Target:
        """The target of a principal's call, looked up now. Raises the errors of `choose` and `access`."""
        connection = await self._connections.choose(principal.account_id, app, name, principal.reach)
        guard = await self._guards.guard_of(principal, connection)
        refused_token, _ = self._refusals.get(connection.id, (None, 0.0))
        token = await self._access(connection, refused_token)
        target = self._target(connection, token, principal.key_id)
        return _as_allowed(principal, target, guard)

    def _last_known(self, route_key: RouteKey) -> Target | None:
        """The last known target, as long as its token and the key have not expired.

        It is not outdated: while the database could be read, each change was noticed within a second, and `clear` then
        forgot all targets.
        """
        target, now = self._targets.get(route_key.digest), self._clock.timestamp()
        if target is None or target.ends <= now:
            return None
        return replace(target, good_until=min(now + OUTAGE_SECONDS, target.ends))

    async def confirm(self, route_key: RouteKey, target: Target) -> float | None:
        """The time until which the caller may write through the target's connection, in seconds since the epoch.

        None if the caller has lost that right. Does not count as a request. Raises a MoorageError if the right can't be
        checked.
        """
        try:
            principal = await self._keys.authenticate(_text(route_key.authorization))
            connection = await self._connections.choose(
                principal.account_id, target.app, target.connection_id, principal.reach
            )
            guard = await self._guards.guard_of(principal, connection)
        except MoorageError as error:
            if STATUS.get(error.code, 500) >= 500:
                raise
            return None
        scopes = principal.scopes
        allowed = scopes.may_call(target.app) and scopes.may_write(target.app, target.connection_id)
        # After a change of its policy, the caller has to ask again.
        allowed &= (guard and guard.held) == (target.guard and target.guard.held)
        if not allowed or connection.generation != target.connection.generation:
            return None
        until = self._clock.timestamp() + REMEMBERED_SECONDS
        return until if principal.expires_at is None else min(until, principal.expires_at.timestamp())

    def may_refresh(self, target: Target) -> bool:
        """True if another token could help after the upstream has refused this target's token.

        Some upstreams answer 401 for reasons that no token can change. They must not cause a renewal for each call. If
        the token can't be renewed, the caller gets the upstream's answer, which says more than an error of ours.
        """
        if not target.renewable:
            return False
        refused_token, since = self._refusals.get(target.connection_id, (target.token, 0.0))
        return refused_token == target.token or not lately(since, self._clock.timestamp(), REFUSAL_SECONDS)

    def refused(self, target: Target) -> Awaitable[Target]:
        """The same target with another token, because the upstream has refused this one. Raises the errors of `access`.

        No call gets the refused token after this, even before the result is awaited.
        """
        self.refuse(target)

        async def renew() -> Target:
            token = await self._access(target.connection, target.token)
            renewed = self._target(target.connection, token, target.caller.key_id)
            return replace(renewed, guard=target.guard)

        key = ("refused", target.connection_id, target.token, target.guard, target.caller.key_id)
        return self._lookups.do(key, renew)

    async def _access(self, connection: Connection, instead_of: str | None) -> AccessToken:
        """A token of the connection. The errors of `access` get the headers that name the connection."""
        try:
            return await self._tokens.access(connection, instead_of=instead_of)
        except MoorageError as error:
            error.through = self._through(connection, connection.upstream)
            raise

    def _through(self, connection: Connection, upstream: Upstream | None) -> tuple[tuple[bytes, bytes], ...]:
        alias = connection.labels.alias
        text = connection.id if alias is None else f"{connection.id}; alias={alias}"
        name = (b"Moorage-Connection", text.encode("ascii"))
        if upstream is None:
            return (name,)
        return name, (b"Moorage-Environment", self._environment(connection.app, upstream).encode("ascii"))

    def _count(self, account_id: str) -> None:
        wait = self._limiter.take(account_id)
        if wait is not None:
            raise RateLimited(wait)

    def _target(self, connection: Connection, token: AccessToken, key_id: str) -> Target:
        upstream = token.upstream or connection.upstream  # A renewal may report that the account has moved.
        assert upstream is not None, "an active connection has an upstream"
        ends = math.inf if token.expires_at is None else token.expires_at - MARGIN_SECONDS
        good_until = min(self._clock.timestamp() + REMEMBERED_SECONDS, ends)
        through = self._through(connection, upstream)
        environment = self._environment(connection.app, upstream)
        return Target(
            connection.id,
            connection.account_id,
            connection.app,
            origin_of(upstream.base_url) if upstream.kind == "remote" and upstream.base_url else None,
            self._header(connection.app).replace("{access_token}", token.value).encode("ascii"),
            good_until,
            connection,
            token.value,
            token.renewable,
            through,
            lines_of([*through]),
            Caller(connection.account_id, key_id, connection.app, connection.id, environment),
            ends=ends,
        )

    def _remember(self, route_key: RouteKey, target: Target, generation: int) -> None:
        if generation != self._generation or target.good_until <= self._clock.timestamp():
            return
        self._targets[route_key.digest] = target

    def refuse(self, target: Target) -> None:
        """Let no call get this token any more, because the upstream has refused it."""
        if self._refusals.get(target.connection_id, ("", 0.0))[0] != target.token:
            self._refusals[target.connection_id] = (target.token, self._clock.timestamp())
        for key in [key for key, remembered in self._targets.items() if remembered.token == target.token]:
            del self._targets[key]


def _as_allowed(principal: Principal, target: Target, guard: Guard | None) -> Target:
    """The target, limited to what the caller's key allows, and to the time until the key expires."""
    ends = math.inf if principal.expires_at is None else principal.expires_at.timestamp()
    return replace(
        target,
        guard=guard,
        good_until=min(target.good_until, ends),
        ends=min(target.ends, ends),
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
