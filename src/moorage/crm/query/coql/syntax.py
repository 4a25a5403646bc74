"""What a query says, as a tree. Nothing in it is checked against an organisation.

`text` of a name is as the query has it, because results and errors show it so.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

Operator: TypeAlias = Literal[
    "=", "!=", "<", "<=", ">", ">=", "like", "not like", "in", "not in", "between", "not between", "is null",
    "is not null",
]  # fmt: skip


class Name(Struct, frozen=True):
    """A column, such as `Account_Name.Industry`."""

    text: str


class Call(Struct, frozen=True):
    """An aggregate, such as `COUNT(id)`; `function` is in capital letters."""

    function: str
    column: Name
    text: str


class Item(Struct, frozen=True):
    """A part of the select list. An alias of None means that there is none."""

    value: Name | Call
    alias: str | None


class Comparison(Struct, frozen=True):
    """A comparison with the values that its operator takes, or with those of a subquery."""

    column: Name
    operator: Operator
    values: "tuple[str, ...] | Query"


class Joined(Struct, frozen=True):
    keyword: Literal["and", "or"]
    parts: "tuple[Condition, Condition]"


Condition: TypeAlias = Comparison | Joined


class Ordering(Struct, frozen=True):
    value: Name | Call
    descending: bool


class Query(Struct, frozen=True):
    """`view` is what stands behind the `#` of a module; limit and offset are as they are written, None for none."""

    items: tuple[Item, ...]
    module: str
    view: str | None
    condition: Condition
    groups: tuple[Name, ...]
    orders: tuple[Ordering, ...]
    limit: str | None
    offset: str | None
