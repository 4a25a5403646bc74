"""Tags as callers name them, in records and in calls about tags, before anything is asked of the store."""

import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.ids import whole_id

MAX_TAGS = 10  # Of one record.
MAX_NAME = 25  # Characters.
COLOURS = (
    "#F17574", "#F48435", "#E7A826", "#A8C026", "#63C57E", "#1DB9B4", "#57B1FD",
    "#879BFC", "#D297EE", "#FD87BD", "#969696", "#658BA8", "#B88562",
)  # fmt: skip
_SKIN_TONES = range(0x1F3FB, 0x1F400)


class SentTag(msgspec.Struct, frozen=True):
    """A tag named by its id, its name or both: the id counts more. `path` is its place in the body."""

    id: int | None
    name: str | None
    color_code: str | None
    path: str


class TagChange(msgspec.Struct, frozen=True):
    """What becomes of the tags of a record. `api_name` and `path` say where the body has the tags."""

    action: Literal["set", "add", "remove"]
    tags: Sequence[SentTag]
    api_name: str
    path: str


def sent_tags(items: Sequence[Any], path: str) -> list[SentTag]:
    """`path` is the place of the array. Raises the Fault of a tag that is named in a wrong way."""
    return [sent_tag(item, f"{path}[{index}]") for index, item in enumerate(items)]


def sent_tag(item: Any, path: str) -> SentTag:
    if not isinstance(item, dict):
        return SentTag(None, tag_name(item, path), None, path)
    tag, name, colour = item.get("id"), item.get("name"), item.get("color_code")
    if tag is not None and whole_id(tag) is None:
        raise unknown_tag(path)
    if name is not None or tag is None:
        name = tag_name(name, path)
    if colour is not None:
        colour = tag_colour(colour, path)
    return SentTag(whole_id(tag), name, colour, path)


def tag_name(name: Any, path: str, *, refused: str = "<>") -> str:
    """`path` is the place of the tag. A name has none of the signs in `refused`, and no emoji."""
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise _invalid("name", path, expected_data_type="text")
    if len(name) > MAX_NAME:
        raise _invalid("name", path, maximum_length=MAX_NAME)
    if any(sign in refused or _is_emoji(sign) for sign in name):
        message = "Please check whether the input values are correct"
        raise Fault(400, "PATTERN_NOT_MATCHED", message, _place("name", path))
    return name.strip()


def tag_colour(colour: Any, path: str) -> str:
    if not isinstance(colour, str):
        raise _invalid("color_code", path, expected_data_type="text")
    if len(colour) > len(COLOURS[0]):
        raise _invalid("color_code", path, maximum_length=len(COLOURS[0]))
    if colour.upper() not in COLOURS:
        raise _invalid("color_code", path, supported_values=list(COLOURS))
    return colour.upper()


def unknown_tag(path: str) -> Fault:
    return Fault(400, "INVALID_DATA", "the id given seems to be invalid", _place("id", path))


def _is_emoji(sign: str) -> bool:
    return unicodedata.category(sign) == "So" or ord(sign) in _SKIN_TONES


def _invalid(name: str, path: str, **details: Any) -> Fault:
    return Fault(400, "INVALID_DATA", "invalid data", {**details, **_place(name, path)})


def _place(name: str, path: str) -> dict[str, Any]:
    return {"api_name": name, "json_path": f"{path}.{name}"}
