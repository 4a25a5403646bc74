"""Tokens as values, and the requirements for a token."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from moorage.connections.model import Connection, Upstream
from moorage.vault.service import StoredSecret

_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """`expires_at` is in seconds since the epoch; None for a token that doesn't expire.

    A renewal sets `upstream`, the upstream of the connection from now on. If the token isn't `renewable`, no other
    token can replace it.
    """

    value: str = field(repr=False)
    expires_at: float | None
    upstream: Upstream | None = field(default=None, compare=False)
    renewable: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Minted:
    """The tokens that an accounts server has made for a code or a refresh token.

    `api_domain` is the base URL of the API, if the server named it. `answer` is the whole answer, tokens included.
    """

    access: AccessToken
    refresh_token: str | None = field(default=None, repr=False)
    api_domain: str | None = None
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Client:
    """An OAuth client of Moorage at an accounts server."""

    client_id: str
    client_secret: str = field(repr=False)


def is_visible(text: str) -> bool:
    """True if a text is one word of visible ASCII, so that it can be a part of a header."""
    return _VISIBLE.fullmatch(text) is not None


# Gets a new access token from the accounts server, for a connection and its refresh token. Raises TokenRefused,
# TokenFailed.
Refresh: TypeAlias = Callable[[Connection, str], Awaitable[Minted]]


@dataclass(frozen=True, slots=True)
class Need:
    """The needed token is valid `until` this time, and is not `instead_of`, which the upstream has refused."""

    instead_of: str | None = field(repr=False)
    until: float

    def is_met(self, stored: StoredSecret) -> bool:
        return stored.value != self.instead_of and (
            stored.expires_at is None or stored.expires_at > self.until
        )

    def may_use(self, stored: StoredSecret, now: float) -> bool:
        """True if a token that expires soon may be used when there is no better token."""
        return stored.value != self.instead_of and (stored.expires_at is None or stored.expires_at > now)
