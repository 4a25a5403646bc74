"""What a query says, as a tree. Nothing in it is checked against an organisation.

`text` of a name is as the query has it, because results and errors show it so.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Operator: TypeAlias = Literal[
    "=", "!=", "<", "<=", ">", ">=", "like", "not like", "in", "not in", "between", "not between", "is null",
    "is not null",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A column, such as `Account_Name.Industry`."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """An aggregate, such as `COUNT(id)`; `function` is in capital letters."""

    function: str
    column: Name
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """A part of the select list. An alias of None means that there is none."""

    value: Name | Call
    alias: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison with the values that its operator takes, or with those of a subquery."""

    column: Name
    operator: Operator
    values: "tuple[str, ...] | Query"


@dataclass(frozen=True, slots=True)
class Joined:
    keyword: Literal["and", "or"]
    parts: "tuple[Condition, Condition]"


Condition: TypeAlias = Comparison | Joined


@dataclass(frozen=True, slots=True)
class Ordering:
    value: Name | Call
    descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """`view` is what stands behind the `#` of a module; limit and offset are as they are written, None for none."""

    items: tuple[Item, ...]
    module: str
    view: str | None
    condition: Condition
    groups: tuple[Name, ...]
    orders: tuple[Ordering, ...]
    limit: str | None
    offset: str | None
