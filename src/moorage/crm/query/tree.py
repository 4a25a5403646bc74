"""What is asked of records, as a frozen tree: the form in which search criteria, custom views and words reach a store.

The tree has no rules: whoever builds it has made sure that each node fits its field, and has counted what it costs.
A record without a value meets `Empty` and no other comparison; `Not` lets through whatever its part does not.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from moorage.crm.metadata.catalog import Field

Scalar: TypeAlias = int | float | str
Order: TypeAlias = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Empty:
    field: Field


@dataclass(frozen=True, slots=True)
class Equal:
    """The whole value; text regardless of (ASCII) case."""

    field: Field
    value: Scalar


@dataclass(frozen=True, slots=True)
class Compare:
    field: Field
    order: Order
    value: Scalar


@dataclass(frozen=True, slots=True)
class Phrase:
    """The text's words, one after the other, regardless of case and accents, in a field that the full text holds.

    `start` means first of all, the last of them maybe only begun. There is at least one (`words.py` knows what one is).
    """

    field: Field
    text: str
    start: bool = False


@dataclass(frozen=True, slots=True)
class WordStarts:
    """Each of the phrases stands in some field that the full text holds, its last word maybe only begun."""

    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of the text, letter by letter regardless of (ASCII) case, at its start, its end or anywhere."""

    field: Field
    text: str
    place: Literal["start", "end", "anywhere"]


@dataclass(frozen=True, slots=True)
class Member:
    """One item of a list, whole or by its start, regardless of (ASCII) case; of tags, the name of one."""

    field: Field
    text: str
    start: bool = False


@dataclass(frozen=True, slots=True)
class Digits:
    """A phone number without the signs that only format it, whole or by its start."""

    field: Field
    digits: str
    start: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """The record or user that a field points to, by the whole name regardless of (ASCII) case; users also by e-mail."""

    field: Field
    name: str


@dataclass(frozen=True, slots=True)
class Not:
    part: "Checked"


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: "tuple[Checked, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Of no parts: what no record meets."""

    parts: "tuple[Checked, ...]"


Comparison: TypeAlias = Empty | Equal | Compare | Phrase | WordStarts | Fragment | Member | Digits | Named
Checked: TypeAlias = Comparison | Not | AllOf | AnyOf
