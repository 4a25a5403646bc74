"""Where a call goes and with which token: a synchronous answer from memory, or a slow path that fills it."""

import hashlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import urlsplit

from moorage.bounded import Bounded
from moorage.clock import Clock, lately
from moorage.connections.model import Connection, Environment, Upstream
from moorage.errors import MoorageError
from moorage.http.caller import Reach
from moorage.http.encode import lines_of
from moorage.http.errors import STATUS
from moorage.keys.errors import RateLimited, ScopeMissing
from moorage.keys.model import Principal
from moorage.single_flight import SingleFlight
from moorage.storage.errors import DatabaseUnusable

REMEMBERED_SECONDS = 60.0  # Not longer, so that keys and connections are known to be in use.
UNASKED_SECONDS = 5.0  # While the database can't be read, it is asked again after so long.
MARGIN_SECONDS = 30.0  # A token is not used in the last seconds before it expires.
REFUSAL_SECONDS = 60.0  # A connection's token is renewed for a refusal no more often than this.
CACHE_SIZE = 10_000
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """A remote upstream. `base_path` stands before every native path and ends without a slash.

    Those with one `address` share their connections.
    """

    scheme: str
    host: str
    port: int
    base_path: bytes = b""
    authority: bytes = field(init=False, compare=False)
    address: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        object.__setattr__(self, "authority", f"{host}{port}".encode("ascii"))
        object.__setattr__(self, "address", b"%b://%b" % (self.scheme.encode("ascii"), self.authority))


@dataclass(frozen=True, slots=True)
class Target:
    """`origin` is None for the embedded CRM; `good_until` is in seconds since the epoch.

    With `reads_only` the caller may use it for nothing that writes. A token that is not `renewable` is the only one.
    `through` are the headers by which every answer says which connection served it, `through_lines` the same written.
    It `ends` when its token or the caller's key is no longer used, in seconds since the epoch.
    """

    connection_id: str
    account_id: str
    app: str
    origin: Origin | None
    authorization: bytes = field(repr=False)
    good_until: float
    connection: Connection = field(repr=False)
    token: str = field(repr=False)
    renewable: bool
    through: tuple[tuple[bytes, bytes], ...]
    through_lines: bytes
    reads_only: bool = False
    ends: float = math.inf


@dataclass(frozen=True, slots=True)
class Question:
    """Who calls which app through which connection, as the request's headers say it.

    `digest` stands for it where it is remembered, so that no memory of all callers holds a key in the clear.
    """

    app: bytes
    authorization: bytes | None = field(repr=False)
    connection: bytes | None
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # A header's value contains no line break, so these three can't run together.
        said = b"%b\n%b\n%b" % (self.app, self.authorization or b"", self.connection or b"")
        object.__setattr__(self, "digest", hashlib.sha256(said).digest())


class Keys(Protocol):
    async def authenticate(self, authorization: str | None) -> Principal: ...


class Connections(Protocol):
    async def choose(
        self, account_id: str, app: str, connection_id: str | None, reach: Reach
    ) -> Connection: ...


class AccessToken(Protocol):
    @property
    def value(self) -> str: ...
    @property
    def expires_at(self) -> float | None: ...
    @property
    def upstream(self) -> Upstream | None: ...
    @property
    def renewable(self) -> bool: ...


class Tokens(Protocol):
    async def access(self, connection: Connection, *, instead_of: str | None = None) -> AccessToken: ...


class Limiter(Protocol):
    def take(self, account_id: str) -> float | None: ...


class Decider:
    """`header` gives an app's Authorization value, such as `Zoho-oauthtoken {access_token}`; `environment` says of what
    kind an account is that an app's connection leads to."""

    def __init__(
        self,
        *,
        keys: Keys,
        connections: Connections,
        tokens: Tokens,
        header: Callable[[str], str],
        environment: Callable[[str, Upstream], Environment],
        limiter: Limiter,
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._connections = connections
        self._tokens = tokens
        self._header = header
        self._environment = environment
        self._limiter = limiter
        self._clock = clock
        self._known = Bounded[bytes, Target](CACHE_SIZE)
        self._asked = SingleFlight[Target]()
        # The last token of each connection that its upstream refused, and when that was.
        self._refusals = Bounded[str, tuple[str, float]](CACHE_SIZE)
        self._generation = 0

    @property
    def generation(self) -> int:
        """Another number as soon as keys, connections or tokens may have changed."""
        return self._generation

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.timestamp()

    def clear(self) -> None:
        """Forget everything: keys, connections or tokens may have changed."""
        self._generation += 1
        self._known.clear()
        self._asked.forget()

    def decide(self, question: Question) -> Target | None:
        """The target, or None when it has to be asked for. Counts the request; raises RateLimited."""
        target = self._known.get(question.digest)
        if target is None or target.good_until <= self._clock.timestamp():
            return None
        self._count(target.account_id)
        return target

    async def ask(self, question: Question) -> Target:
        """The target, from those who know; what was last known of it while the database can't be read.

        Raises RateLimited, ScopeMissing, and what `authenticate`, `choose` and `access` do.
        """
        try:
            return await self._look_up(question)
        except DatabaseUnusable:
            kept = self._kept(question)
            if kept is None:
                raise
            self._known[question.digest] = kept
            return kept

    async def _look_up(self, question: Question) -> Target:
        generation = self._generation
        principal = await self._keys.authenticate(_text(question.authorization))
        self._count(principal.account_id)
        named, wanted = question.app.decode("latin-1"), _text(question.connection)
        if not principal.scopes.may_call(named):
            raise ScopeMissing(f"proxy:{named}:read")

        async def look_up() -> Target:
            found = await self._connections.choose(principal.account_id, named, wanted, principal.reach)
            bad, _ = self._refusals.get(found.id, (None, 0.0))
            target = self._target(found, await self._access(found, bad))
            target = _as_allowed(principal, target)
            self._remember(question, target, generation)
            return target

        return await self._asked.do((principal, question.digest, generation), look_up)

    def _kept(self, question: Question) -> Target | None:
        """What was last known, for as long as its token and the key live and nobody says that anything changed.

        That is safe: a change is noticed within a second wherever the database can be asked for one, and then nothing
        is remembered any more (`clear`).
        """
        known, now = self._known.get(question.digest), self._clock.timestamp()
        if known is None or known.ends <= now:
            return None
        return replace(known, good_until=min(now + UNASKED_SECONDS, known.ends))

    async def confirm(self, question: Question, target: Target) -> float | None:
        """Until when, in seconds since the epoch, that caller may go on writing through a connection that it was given;
        None if it may not any more. Counts nothing. Raises a MoorageError while nobody can say."""
        try:
            principal = await self._keys.authenticate(_text(question.authorization))
            found = await self._connections.choose(
                principal.account_id, target.app, target.connection_id, principal.reach
            )
        except MoorageError as error:
            if STATUS.get(error.code, 500) >= 500:
                raise
            return None
        scopes = principal.scopes
        allowed = scopes.may_call(target.app) and scopes.may_write(target.app, target.connection_id)
        if not allowed or found.generation != target.connection.generation:
            return None
        until = self._clock.timestamp() + REMEMBERED_SECONDS
        return until if principal.expires_at is None else min(until, principal.expires_at.timestamp())

    def may_refresh(self, target: Target) -> bool:
        """Whether another token could help where this target's was refused.

        Some upstreams answer 401 for what no token mends; they must not cost a refresh on every call. Where there is
        no other token to be had, the upstream's own words tell more than ours could.
        """
        if not target.renewable:
            return False
        bad, since = self._refusals.get(target.connection_id, (target.token, 0.0))
        return bad == target.token or not lately(since, self._clock.timestamp(), REFUSAL_SECONDS)

    def refused(self, target: Target) -> Awaitable[Target]:
        """The same target with another token, as the upstream refused this one's. Raises what `access` does.

        From this call on, and not only once it is awaited, nobody is given the refused token any more.
        """
        self._note_refusal(target)

        async def renew() -> Target:
            token = await self._access(target.connection, target.token)
            return replace(self._target(target.connection, token), reads_only=target.reads_only)

        key = ("refused", target.connection_id, target.token, target.reads_only)
        return self._asked.do(key, renew)

    async def _access(self, connection: Connection, instead_of: str | None) -> AccessToken:
        """Raises what `access` does, which then says whose token could not be had."""
        try:
            return await self._tokens.access(connection, instead_of=instead_of)
        except MoorageError as error:
            error.through = self._through(connection, connection.upstream)
            raise

    def _through(self, connection: Connection, upstream: Upstream | None) -> tuple[tuple[bytes, bytes], ...]:
        named = (b"Moorage-Connection", connection.id.encode("ascii"))
        if upstream is None:
            return (named,)
        return named, (b"Moorage-Environment", self._environment(connection.app, upstream).encode("ascii"))

    def _count(self, account_id: str) -> None:
        wait = self._limiter.take(account_id)
        if wait is not None:
            raise RateLimited(wait)

    def _target(self, connection: Connection, token: AccessToken) -> Target:
        upstream = token.upstream or connection.upstream  # A renewal may find that the account has moved.
        assert upstream is not None, "an active connection has an upstream"
        ends = math.inf if token.expires_at is None else token.expires_at - MARGIN_SECONDS
        good_until = min(self._clock.timestamp() + REMEMBERED_SECONDS, ends)
        through = self._through(connection, upstream)
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
            ends=ends,
        )

    def _remember(self, question: Question, target: Target, generation: int) -> None:
        if generation != self._generation or target.good_until <= self._clock.timestamp():
            return
        self._known[question.digest] = target

    def _note_refusal(self, target: Target) -> None:
        if self._refusals.get(target.connection_id, ("", 0.0))[0] != target.token:
            self._refusals[target.connection_id] = (target.token, self._clock.timestamp())
        for key in [key for key, known in self._known.items() if known.token == target.token]:
            del self._known[key]


def _as_allowed(principal: Principal, target: Target) -> Target:
    """The target as that caller may use it, and no longer than its key works."""
    ends = math.inf if principal.expires_at is None else principal.expires_at.timestamp()
    return replace(
        target,
        reads_only=not principal.scopes.may_write(target.app, target.connection_id),
        good_until=min(target.good_until, ends),
        ends=min(target.ends, ends),
    )


def origin_of(base_url: str) -> Origin:
    """Such as https://www.zohoapis.com, with or without a path."""
    parts = urlsplit(base_url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"not a base URL: {base_url!r}")
    port = parts.port or _PORTS[parts.scheme]
    return Origin(parts.scheme, parts.hostname, port, parts.path.rstrip("/").encode("ascii"))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
