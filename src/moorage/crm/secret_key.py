"""The key of one CRM: it signs page tokens and derives client secrets."""

import secrets
from collections.abc import Callable
from pathlib import Path

from moorage.storage import SecretMissing, kept_secret
from moorage.storage.errors import DatabaseUnusable

SIZE = 32
_FIX = (
    "Put back the file used before. Without it every client of the embedded CRM needs a new secret: if it is lost, put"
    f" {SIZE} random bytes there."
)


def secret_key(path: Path, was_used: Callable[[], bool]) -> bytes:
    """The key in a file, made at the first use. `was_used` tells whether there ever was an organisation.

    Raises DatabaseUnusable for a key that is torn, or is gone though there are organisations: a short one could be
    guessed, and another one would make every client's secret another, without a word.
    """
    try:
        key = kept_secret(path, lambda: secrets.token_bytes(SIZE), is_lost=was_used)
    except SecretMissing as error:
        raise DatabaseUnusable(
            f"{error}, though there are organisations.", help=_FIX, kind="damaged"
        ) from None
    if len(key) != SIZE:
        told = f"{path} has {len(key)} bytes in place of {SIZE}."
        raise DatabaseUnusable(told, help=_FIX, kind="damaged")
    return key
