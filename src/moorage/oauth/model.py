"""Tokens as values, and what a caller needs of one."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from moorage.connections.model import Connection, Upstream
from moorage.vault.service import Kept

_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """`expires_at` is in seconds since the epoch, None for a token that doesn't end.

    `upstream` is set by a renewal: where the connection leads from now on. One that isn't `renewable` is all that
    the connection has: an app that refuses it can't be given another.
    """

    value: str = field(repr=False)
    expires_at: float | None
    upstream: Upstream | None = field(default=None, compare=False)
    renewable: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Minted:
    """What an accounts server gave for a code or a refresh token: perhaps a refresh token, and where its API is.

    `answer` is all that it said, the tokens included.
    """

    access: AccessToken
    refresh_token: str | None = field(default=None, repr=False)
    api_domain: str | None = None
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Client:
    """By what an accounts server knows this Moorage."""

    client_id: str
    client_secret: str = field(repr=False)


def is_visible(text: str) -> bool:
    """Whether a text is one word of visible ASCII: what becomes a part of a header must be nothing else."""
    return _VISIBLE.fullmatch(text) is not None


# Asks the accounts server for a new access token. Raises TokenRefused, TokenFailed.
Refresh: TypeAlias = Callable[[Connection, str], Awaitable[Minted]]


@dataclass(frozen=True, slots=True)
class Need:
    """`instead_of` is a token that the upstream refused; `until` is how long the token has to be good at least."""

    instead_of: str | None = field(repr=False)
    until: float

    def is_met(self, kept: Kept) -> bool:
        return kept.value != self.instead_of and (kept.expires_at is None or kept.expires_at > self.until)

    def may_use(self, kept: Kept, now: float) -> bool:
        """Whether a token that is soon to end will do for as long as there is no other."""
        return kept.value != self.instead_of and (kept.expires_at is None or kept.expires_at > now)
