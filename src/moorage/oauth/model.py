"""Tokens as values, and which token a caller needs."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from moorage.connections.model import Connection, Upstream
from moorage.vault.service import StoredSecret

_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """`expires_at` is in seconds since the epoch, or None for a token that doesn't expire.

    A renewal sets `upstream`: where the connection leads from now on. A token that isn't `renewable` is the only one:
    if the app refuses it, there is no other.
    """

    value: str = field(repr=False)
    expires_at: float | None
    upstream: Upstream | None = field(default=None, compare=False)
    renewable: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Minted:
    """The tokens that an accounts server gave for a code or a refresh token.

    `api_domain` is the API's base URL, if the server named one. `answer` is its whole answer, tokens included.
    """

    access: AccessToken
    refresh_token: str | None = field(default=None, repr=False)
    api_domain: str | None = None
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Client:
    """The OAuth client as which an accounts server knows this Moorage."""

    client_id: str
    client_secret: str = field(repr=False)


def is_visible(text: str) -> bool:
    """Whether a text is one word of visible ASCII, as a part of a header has to be."""
    return _VISIBLE.fullmatch(text) is not None


# Gets a new access token from the accounts server, for a connection and its refresh token. Raises TokenRefused and
Refresh: TypeAlias = Callable[[Connection, str], Awaitable[Minted]]


@dataclass(frozen=True, slots=True)
class Need:
    """Which token is needed: not `instead_of`, which the upstream refused, and good at least `until` that time."""

    instead_of: str | None = field(repr=False)
    until: float

    def is_met(self, kept: StoredSecret) -> bool:
        return kept.value != self.instead_of and (kept.expires_at is None or kept.expires_at > self.until)

    def may_use(self, kept: StoredSecret, now: float) -> bool:
        """Whether a token that will soon expire may be used while no other can be had."""
        return kept.value != self.instead_of and (kept.expires_at is None or kept.expires_at > now)
