"""API keys as values, and how their secrets are made."""

import re
import secrets
import string
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from moorage.access import Reach
from moorage.http.timestamps import wire_time
from moorage.keys.errors import RightsExceeded, ScopeMissing
from moorage.keys.scopes import EVERYTHING, Scopes

# A test key can use only connections to the embedded CRM.
Mode: TypeAlias = Literal["live", "test"]
MODES: tuple[Mode, ...] = ("live", "test")

PREFIX = "mk_"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PUBLIC = 10
_RANDOM = 32  # Characters of 62 kinds: 190 bits.
_CHECK = 6
_FORM = re.compile(rf"{PREFIX}(?:live|test)_[0-9A-Za-z]{{{_PUBLIC + _RANDOM + _CHECK}}}")
_SHOWN = len(f"{PREFIX}live_") + _PUBLIC


class ApiKey(msgspec.Struct, frozen=True):
    """A key without its secret, which is not stored. `prefix` is the beginning of a secret that Moorage has made.

    `policy` is the document of its policy for all connections; None if their environments decide. `grant` is the
    document of the OAuth grant that it was made for; None for all other keys.
    """

    id: str
    account_id: str
    name: str
    mode: Mode
    scopes: Scopes
    prefix: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    policy: Mapping[str, Any] | None = None
    grant: Mapping[str, Any] | None = None

    def state(self, now: datetime) -> Literal["active", "expired", "revoked"]:
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    def principal(self, ends: datetime | None, old_secret: bytes | None = None) -> "Principal":
        """The caller that this key stands for, with a secret that ends at this time.

        `old_secret` is the digest of the secret, if the key has a newer one.
        """
        return Principal(
            self.id, self.account_id, self.scopes, self.mode, ends, self.name, old_secret=old_secret
        )


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller that an API key stands for, or a person who uses the console, whose id is the `key_id` then.

    `expires_at` is the time at which the secret that a key sent expires. With `reads_only`, calls of a person that
    would change what an app holds are refused; those of a key are limited by its policy and its scopes.
    `old_secret` is the digest of the secret that was sent, if the key has a newer one.
    """

    key_id: str
    account_id: str
    scopes: Scopes = EVERYTHING
    mode: Mode = "live"
    expires_at: datetime | None = None
    name: str = ""
    kind: Literal["key", "person"] = "key"
    reads_only: bool = False
    old_secret: bytes | None = field(default=None, repr=False)

    @property
    def reach(self) -> Reach:
        return replace(self.scopes.reach, embedded_only=self.mode == "test")

    def may(self, scope: str) -> bool:
        return scope in self.scopes.control

    def require(self, scope: str) -> None:
        """Raises ScopeMissing."""
        if not self.may(scope):
            raise ScopeMissing(scope)

    def require_app(self, app: str) -> None:
        """Raises ScopeMissing unless all connections of the app are in reach, future connections included."""
        apps = self.scopes.reach.apps
        if apps is not None and app not in apps:
            raise ScopeMissing(f"proxy:{app}:read")

    def require_live(self, what: str) -> None:
        """Raises RightsExceeded for a test key. `what` names the action."""
        if self.mode == "test":
            raise RightsExceeded(f"A test key can't {what}.", help="Use a live key.")

    def require_no_less_than(
        self, key: ApiKey, *, to: Literal["give out", "revoke", "change the policy of"] = "give out"
    ) -> None:
        """Raises ScopeMissing or RightsExceeded if `key` has a right that this caller lacks, or lasts longer.

        So no caller can give itself more rights with another key, or revoke or limit a stronger key.
        """
        beyond = key.scopes.beyond(self.scopes)
        if beyond is not None:
            raise ScopeMissing(beyond)
        if self.mode == "test" and key.mode != "test":
            fix = 'Send "mode": "test".' if to == "give out" else "Use a live key."
            raise RightsExceeded(f"A test key can't {to} live keys.", help=fix)
        if self.expires_at is not None and (key.expires_at is None or key.expires_at > self.expires_at):
            fix = f"Let it expire by {wire_time(self.expires_at)}, or use" if to == "give out" else "Use"
            raise RightsExceeded(
                f"A key can't {to} a key that lasts longer than itself.",
                help=f"{fix} a key that lasts longer.",
            )


def new_secret(mode: Mode) -> str:
    body = random_text(_PUBLIC + _RANDOM)
    return f"{PREFIX}{mode}_{body}{checksum(f'{mode}_{body}')}"


def random_text(length: int) -> str:
    """Random characters of 62 kinds, for a secret."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def checksum(body: str) -> str:
    """The CRC-32 of a key in base 62, six characters. It shows that a key was mistyped."""
    return base62(zlib.crc32(body.encode()), _CHECK)


def base62(number: int, length: int) -> str:
    """The last digits of a number, in the alphabet of secrets."""
    characters = []
    for _ in range(length):
        number, index = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[index])
    return "".join(reversed(characters))


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A secret that a newer one has replaced, and that works until it ends."""

    prefix: str | None
    ends_at: datetime
    last_used_at: datetime | None
    digest: bytes = field(repr=False)


def old_secret_document(secret: OldSecret) -> dict[str, Any]:
    return {
        "prefix": secret.prefix,
        "ends_at": wire_time(secret.ends_at),
        "last_used_at": secret.last_used_at and wire_time(secret.last_used_at),
    }


def may_be_secret(text: str) -> bool:
    """False if the text can't be a key. Keys that Moorage made have a checksum; an operator may choose any text."""
    if not _FORM.fullmatch(text):
        return 16 <= len(text) <= 512
    return text[-_CHECK:] == checksum(text[len(PREFIX) : -_CHECK])


def public_part(secret: str) -> str | None:
    """The beginning of a secret, which may be shown and finds it in the database. None if an operator chose it."""
    return secret[:_SHOWN] if _FORM.fullmatch(secret) else None


def key_document(key: ApiKey) -> dict[str, Any]:
    """The key in the form of the API and the command line."""
    times = ("created_at", "expires_at", "last_used_at", "revoked_at")
    shown = {name: (moment := getattr(key, name)) and wire_time(moment) for name in times}
    return {
        "id": key.id,
        "name": key.name,
        "mode": key.mode,
        "prefix": key.prefix,
        "scopes": key.scopes.texts(),
        "policy": key.policy,
        "grant": key.grant,
        **shown,
    }
