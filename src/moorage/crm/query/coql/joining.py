"""Conditions put together, with those that are always or never true left out."""

from collections.abc import Sequence
from typing import Literal

from moorage.crm.query.tree import AllOf, AnyOf, Checked, Empty, Not, Step, Through

NOTHING = AnyOf(())
EVERYTHING = Not(NOTHING)


def joined(keyword: Literal["and", "or"], parts: Sequence[Checked]) -> Checked:
    neutral, decisive = (EVERYTHING, NOTHING) if keyword == "and" else (NOTHING, EVERYTHING)
    if decisive in parts:
        return decisive
    rest = tuple(part for part in parts if part != neutral)
    if len(rest) < 2:
        return rest[0] if rest else neutral
    return AllOf(rest) if keyword == "and" else AnyOf(rest)


def behind(way: tuple[Step, ...], condition: Checked) -> Checked:
    """The condition on the record at the end of the way. A record that is missing has no values."""
    match condition:
        case Not(part) if not isinstance(part, Empty):
            return Not(behind(way, part))
        case AllOf(parts):
            return AllOf(tuple(behind(way, part) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(behind(way, part) for part in parts))
        case Empty():
            return Not(behind(way, Not(condition))) if way else condition
    for step in reversed(way):
        condition = Through(step, condition)
    return condition
