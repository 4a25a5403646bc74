"""Identifiers that carry no meaning."""

import random
import uuid


def new_uuid() -> str:
    """A random UUID (version 4) in its usual text form, as connections have."""
    return str(uuid.uuid4())


def new_request_id() -> str:
    """32 hexadecimal digits: what `X-Request-Id` carries when the caller sent none."""
    return random.randbytes(16).hex()  # noqa: S311 (nothing rests on its being hard to guess, and each call needs one)
