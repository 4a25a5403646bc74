"""The secrets of a CRM, and the most important of them: its key. It signs page tokens, and client secrets are derived
from it.
"""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from moorage.storage import SecretMissing, kept_secret, known_secret
from moorage.storage.errors import DatabaseUnusable

SIZE = 32
NAME = "secret"
_FIX = (
    "Put the old file back. If it is lost, write"
    f" {SIZE} random bytes to a new one; then every client of the embedded CRM needs a new secret."
)


class SecretKeeper(Protocol):
    """Keeps the secrets of one CRM, for all its processes. Each has a name, such as `secret`."""

    def where(self, name: str) -> str:
        """Where a secret is, for messages."""

    def known(self, name: str) -> bytes | None:
        """A secret, if it was made. Must not be called in the event loop. Raises DatabaseUnusable."""

    def kept(
        self, name: str, make: Callable[[], bytes], *, is_lost: Callable[[], bool] = lambda: False
    ) -> bytes:
        """A secret. The first caller makes it; all callers get the same. Must not be called in the event loop.

        If it is missing, and `is_lost` says that data needs the old one, it is not made: raises SecretMissing. Raises
        DatabaseUnusable.
        """


class SecretFiles:
    """A `SecretKeeper` with a file in a folder for each secret."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def where(self, name: str) -> str:
        return str(self._path(name))

    def known(self, name: str) -> bytes | None:
        return known_secret(self._path(name))

    def kept(
        self, name: str, make: Callable[[], bytes], *, is_lost: Callable[[], bool] = lambda: False
    ) -> bytes:
        return kept_secret(self._path(name), make, is_lost=is_lost)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.key"


def secret_key(keeper: SecretKeeper, was_used: Callable[[], bool], first: bytes | None = None) -> bytes:
    """The key. At the first use it is `first`, or a random one. `was_used` tells if there was ever an organisation.

    Raises DatabaseUnusable if the key has the wrong length, because a short key can be guessed; and if it is missing
    although there are organisations, because with a new key every client would silently get another secret.
    """
    try:
        key = keeper.kept(NAME, lambda: first or secrets.token_bytes(SIZE), is_lost=was_used)
    except SecretMissing as error:
        raise DatabaseUnusable(
            f"{error}, although there are organisations.", help=_FIX, kind="damaged"
        ) from None
    if len(key) != SIZE:
        message = f"{keeper.where(NAME)} has {len(key)} bytes instead of {SIZE}."
        raise DatabaseUnusable(message, help=_FIX, kind="damaged")
    return key
