"""The secret key of a CRM. It signs page tokens, and client secrets are derived from it."""

import secrets
from collections.abc import Callable
from pathlib import Path

from moorage.storage import SecretMissing, kept_secret
from moorage.storage.errors import DatabaseUnusable

SIZE = 32
_FIX = (
    "Put the old file back. If it is lost, write"
    f" {SIZE} random bytes to a new one; then every client of the embedded CRM needs a new secret."
)


def secret_key(path: Path, was_used: Callable[[], bool]) -> bytes:
    """The key in a file, which is made at the first use. `was_used` tells if there was ever an organisation.

    Raises DatabaseUnusable if the key has the wrong length, because a short key can be guessed; and if the file is
    missing although there are organisations, because with a new key every client would silently get another secret.
    """
    try:
        key = kept_secret(path, lambda: secrets.token_bytes(SIZE), is_lost=was_used)
    except SecretMissing as error:
        raise DatabaseUnusable(
            f"{error}, although there are organisations.", help=_FIX, kind="damaged"
        ) from None
    if len(key) != SIZE:
        message = f"{path} has {len(key)} bytes instead of {SIZE}."
        raise DatabaseUnusable(message, help=_FIX, kind="damaged")
    return key
