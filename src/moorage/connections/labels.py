"""What holders write on a connection so that they find it again: an alias, tags, and the id of an end user."""

import re
import uuid

import msgspec

MAX_TAGS = 20
LONGEST_END_USER = 128
# Paths of the control API have these words where a connection's name stands.
RESERVED = frozenset({"import", "prune"})
_ALIAS = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_TAG = re.compile(r"[a-z0-9][a-z0-9._:=-]{0,62}")
_ECHO = re.compile(r"([^;]*); alias=[a-z0-9-]+")


class Labels(msgspec.Struct, frozen=True):
    """`alias` names one connection of an app for an account. Tags and `end_user` may be on many connections."""

    alias: str | None = None
    tags: tuple[str, ...] = ()
    end_user: str | None = None


NO_LABELS = Labels()


def is_alias(text: str) -> bool:
    """True if a connection may have this alias: nobody can take it for an id or for a word of a path."""
    return _ALIAS.fullmatch(text) is not None and not _is_uuid(text) and text not in RESERVED


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def is_end_user(text: str) -> bool:
    """True for one line of visible characters without white space at its ends."""
    return 0 < len(text) <= LONGEST_END_USER and text.isprintable() and text == text.strip()


def id_in(name: str) -> str | None:
    """The id that a name of a connection is or contains, in lower case; None if it can only be an alias.

    Answers name their connection as `<id>; alias=<alias>`. If a caller sends that back, the id counts.
    """
    echo = _ECHO.fullmatch(name)
    text = (echo[1] if echo else name).lower()
    # Python also accepts other ways to write a UUID.
    return text if _is_uuid(text) and str(uuid.UUID(text)) == text else None


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
