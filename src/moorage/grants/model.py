"""Clients, grants and what a person may choose, as values. Times are in microseconds since the epoch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from moorage.grants.resources import SCOPE, Kind
from moorage.keys.scopes import ProxyScope, Scopes

DEFAULT_APP = "zoho-crm"  # The app of the tools. All its connections are offered, also before there is one.

SECOND = 1_000_000
ACCESS_SECONDS = 3600
REFRESH_SECONDS = 30 * 24 * 3600  # For which a refresh token lasts that nobody uses.
CODE_SECONDS = 60
LEEWAY_SECONDS = 30.0  # In which a program may ask again that has not got our answer to its refresh token.

LONGEST_NAME = 100
UNNAMED = "A program without a name"


class Client(msgspec.Struct, frozen=True):
    """A program outside. `is_registered` says that it has registered itself; others have a document at their id."""

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    is_registered: bool = False


class Grant(msgspec.Struct, frozen=True):
    """A person's leave for a program. It lives as long as its API key, and as the person may give such leave."""

    id: str
    account_id: str
    key_id: str
    person_id: str
    client_id: str
    client_name: str
    resource: str
    created_at: int
    ended_at: int | None = None


class Code(msgspec.Struct, frozen=True):
    """An authorization code, of which only the digest is stored."""

    grant_id: str
    redirect_uri: str
    challenge: str
    ends_at: int
    used_at: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """An access or refresh token, of which only the digest is stored.

    A refresh token that was used has the digest of its successor. The nonce, from which a program that lost our answer
    gets that successor once more, goes as soon as the successor is used.
    """

    grant_id: str
    kind: str
    ends_at: int
    replaced_at: int | None = None
    successor: bytes | None = None
    nonce: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """What the program gets. `expires_in` is in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int

    def document(self) -> dict[str, Any]:
        return {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "refresh_token": self.refresh_token,
            "scope": SCOPE,
        }


# The scopes of the control API that a program needs at each kind of resource.
_CONTROL: Mapping[Kind, frozenset[str]] = {
    "mcp": frozenset({"connections:read"}),
    "account": frozenset({"connections:read"}),
    "maton": frozenset({"connections:read"}),
    "ops": frozenset({"connections:read", "requests:read"}),
    "lab": frozenset({"organisations:read", "organisations:write"}),
}
# Resources that act on connections. The others know none, so their programs can call no app.
ON_CONNECTIONS: frozenset[Kind] = frozenset({"mcp", "account", "maton"})


def scopes_of(kind: Kind, apps: Collection[str], connections: Collection[str]) -> Scopes:
    """The scopes of the key: of these apps with all their connections, and of these connections by their ids."""
    of_apps = {ProxyScope(app=app) for app in apps}
    return Scopes(_CONTROL[kind], frozenset(of_apps | {ProxyScope(connection=one) for one in connections}))


def all_scopes_of(kind: Kind) -> Scopes:
    """The scopes of a key for all tools of a resource, with all connections of all apps."""
    return Scopes(_CONTROL[kind], frozenset({ProxyScope()} if kind in ON_CONNECTIONS else ()))


def grant_document(grant: Grant) -> dict[str, Any]:
    """The grant, as the document of its key shows it."""
    return {
        "id": grant.id,
        "client": grant.client_name,
        "client_id": grant.client_id,
        "resource": grant.resource,
    }
