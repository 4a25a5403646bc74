"""Conditions on records as a frozen tree: search criteria, custom views and words reach a store in this form.

A store applies no rules: each node fits its field, and the number of words is within the limits, before a store sees
them. A record without a value meets `Empty` and no other comparison; `Not` is true whenever its part is not.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from moorage.crm.metadata.catalog import Field, Module

Scalar: TypeAlias = int | float | str
Order: TypeAlias = Literal["<", "<=", ">", ">="]


class Empty(Struct, frozen=True):
    field: Field


class Equal(Struct, frozen=True):
    """The whole value; text regardless of (ASCII) case."""

    field: Field
    value: Scalar


class Compare(Struct, frozen=True):
    field: Field
    order: Order
    value: Scalar


class Phrase(Struct, frozen=True):
    """The words of the text, one after the other, in a field of the full text. There is at least one (see `words.py`).

    With `start` they are the first words of the field, and the last of them may be the beginning of a longer word.
    """

    field: Field
    text: str
    start: bool = False


class WordStarts(Struct, frozen=True):
    """Each phrase is in some field of the full text; its last word may be the beginning of a longer word."""

    phrases: tuple[str, ...]


class Fragment(Struct, frozen=True):
    """A part of the text, at its start, its end or anywhere, regardless of (ASCII) case."""

    field: Field
    text: str
    place: Literal["start", "end", "anywhere"]


class Member(Struct, frozen=True):
    """An item of a list, or the name of a tag: all of it or its start, regardless of (ASCII) case."""

    field: Field
    text: str
    start: bool = False


class Digits(Struct, frozen=True):
    """A phone number without the signs that don't count: all of it or its start."""

    field: Field
    digits: str
    start: bool = False


class Named(Struct, frozen=True):
    """The whole name of the record or user that a field points to, regardless of (ASCII) case; or a user's e-mail."""

    field: Field
    name: str


class Linked(Struct, frozen=True):
    """The records to which the rows of a module lead by the lookup `connected`, if they point to `record` by `own`."""

    rows: Module
    own: Field
    connected: Field
    record: int


class Step(Struct, frozen=True):
    """From a record to the one that a lookup points to, which is a record of the module."""

    lookup: Field
    module: Module


class Through(Struct, frozen=True):
    """There is a record behind the step, and it meets the part."""

    step: Step
    part: "Checked"


class Among(Struct, frozen=True):
    """The value is one of those that a field has in the records of a module that meet the part, if there is one.

    Both fields have values of one kind. Text is compared regardless of (ASCII) case.
    """

    field: Field
    module: Module
    column: Field
    part: "Checked | None"


class Not(Struct, frozen=True):
    part: "Checked"


class AllOf(Struct, frozen=True):
    parts: "tuple[Checked, ...]"


class AnyOf(Struct, frozen=True):
    """Without parts it is true of no record."""

    parts: "tuple[Checked, ...]"


Comparison: TypeAlias = Empty | Equal | Compare | Phrase | WordStarts | Fragment | Member | Digits | Named
Checked: TypeAlias = Comparison | Linked | Through | Among | Not | AllOf | AnyOf
