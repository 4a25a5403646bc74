"""Identifiers: random ones, and those in paths."""

import random
import re
import uuid

_IN_PATH = re.compile(rb"/\d{6,}(?=/|$)")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


def new_uuid() -> str:
    """A random UUID (version 4) as text. Connections have such ids."""
    return str(uuid.uuid4())


def new_request_id() -> str:
    """16 hexadecimal digits: the `X-Request-Id` of a request that came without it."""
    return random.getrandbits(64).to_bytes(8).hex()


def kept_request_id(value: bytes) -> bytes | None:
    """The caller's `X-Request-Id`; None if it has characters that must not get into headers and logs."""
    value = value.strip()
    return value if _REQUEST_ID.fullmatch(value) else None


def without_ids(native: bytes) -> bytes:
    """A path and its query, with 0 for each segment of the path that is a long number: so calls of a kind are equal."""
    path, mark, query = native.partition(b"?")
    return _IN_PATH.sub(b"/0", path) + mark + query
