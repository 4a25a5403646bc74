"""The scopes of a key, which docs/api.md explains:

audit:read  connections:read  connections:write  keys:read  keys:write  organisations:read  organisations:write
policies:read  policies:write  requests:bodies  requests:read  proxy[:<app> | :<connection id>][:read]
"""

import re
from collections.abc import Collection, Iterable

import msgspec

from moorage.access import EVERYWHERE, Reach
from moorage.keys.errors import ScopeUnknown

CONTROL = (
    "approvals:read",
    "audit:read",
    "connections:read",
    "connections:write",
    "keys:read",
    "keys:write",
    "organisations:read",
    "organisations:write",
    "policies:read",
    "policies:write",
    "requests:bodies",
    "requests:read",
)
# A key has these only if somebody names them when it is made.
NAMED_ONLY = frozenset({"requests:bodies"})
_APP = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CONNECTION = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class ProxyScope(msgspec.Struct, frozen=True):
    """One scope of the data plane: for all connections, for those of one app, or for a single connection."""

    app: str | None = None
    connection: str | None = None
    writes: bool = True

    def __str__(self) -> str:
        target = self.connection or self.app
        return f"proxy{f':{target}' if target else ''}{'' if self.writes else ':read'}"

    def covers(self, other: "ProxyScope") -> bool:
        is_for_all = self.app is None and self.connection is None
        is_for_same = (self.app, self.connection) == (other.app, other.connection)
        return (is_for_all or is_for_same) and (self.writes or not other.writes)


class Scopes(msgspec.Struct, frozen=True):
    """All scopes of a key: `control` for the control API, `grants` for the data plane."""

    control: frozenset[str]
    grants: frozenset[ProxyScope]

    def texts(self) -> list[str]:
        """The scopes as texts for `parse`, in an order that is always the same."""
        return [*sorted(self.control), *sorted(map(str, self.grants))]

    @property
    def reading(self) -> "Scopes":
        """These scopes without those that change something by the control API. Calls to apps are a policy's matter."""
        return Scopes(frozenset(scope for scope in self.control if scope.endswith(":read")), self.grants)

    @property
    def unnamed(self) -> "Scopes":
        """Those of these scopes that a new key gets if nobody names its scopes."""
        return Scopes(self.control - NAMED_ONLY, self.grants)

    @property
    def reach(self) -> Reach:
        """The connections that may be seen and used. Without any grant, all may be seen, and none may be used."""
        if not self.grants or any(grant.app is None and grant.connection is None for grant in self.grants):
            return EVERYWHERE
        return Reach(
            frozenset(grant.app for grant in self.grants if grant.app),
            frozenset(grant.connection for grant in self.grants if grant.connection),
        )

    def may_call(self, app: str) -> bool:
        """True if a connection of the app may be used. A grant for a connection's id could be for any app."""
        return any(grant.app in {None, app} for grant in self.grants)

    def may_write(self, app: str, connection_id: str) -> bool:
        """True if a connection that is in reach may also be used for writing."""
        return any(
            grant.writes and grant.app in {None, app} and grant.connection in {None, connection_id}
            for grant in self.grants
        )

    def beyond(self, other: "Scopes") -> str | None:
        """The first of these scopes that `other` does not cover; None if it covers all of them."""
        for scope in sorted(self.control - other.control):
            return scope
        for grant in sorted(self.grants, key=str):
            if not any(other_grant.covers(grant) for other_grant in other.grants):
                return str(grant)
        # A key without any grant sees all connections. That is more than a key with narrow grants sees.
        sees_more = not self.grants and other.reach != EVERYWHERE
        return "proxy:read" if sees_more and not self.control.isdisjoint(_OF_CONNECTIONS) else None


_OF_CONNECTIONS = frozenset({"connections:read", "connections:write"})
EVERYTHING = Scopes(frozenset(CONTROL), frozenset({ProxyScope()})).unnamed


def parse(texts: Iterable[str], apps: Collection[str] | None = None) -> Scopes:
    """The scopes of texts. Raises ScopeUnknown, also for an app that is not in `apps`, if they are given."""
    control, grants = set(), set()
    for text in texts:
        if text in CONTROL:
            control.add(text)
        else:
            grants.add(_proxy_scope(text, apps))
    return Scopes(frozenset(control), frozenset(grants))


def _proxy_scope(text: str, apps: Collection[str] | None) -> ProxyScope:
    first, *rest = text.split(":")
    writes = rest[-1:] != ["read"]
    if not writes:
        rest.pop()
    if first != "proxy" or len(rest) > 1:
        raise ScopeUnknown(text, CONTROL)
    if not rest:
        return ProxyScope(writes=writes)
    [target] = rest
    if _CONNECTION.fullmatch(target.lower()):
        return ProxyScope(connection=target.lower(), writes=writes)
    is_app = target != "read" and _APP.fullmatch(target)
    if not is_app or (apps is not None and target not in apps):
        raise ScopeUnknown(text, CONTROL, apps)
    return ProxyScope(app=target, writes=writes)
