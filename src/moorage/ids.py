"""Identifiers that carry no meaning."""

import random
import re
import uuid

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


def new_uuid() -> str:
    """A random UUID (version 4) in its usual text form, as connections have."""
    return str(uuid.uuid4())


def new_request_id() -> str:
    """32 hexadecimal digits: what `X-Request-Id` carries when the caller sent none."""
    return random.randbytes(16).hex()  # noqa: S311 (it need not be hard to guess, and each call needs one)


def kept_request_id(value: bytes) -> bytes | None:
    """The caller's `X-Request-Id`, or None if it can't be kept, because it goes into headers and logs."""
    value = value.strip()
    return value if _REQUEST_ID.fullmatch(value) else None
