"""What an expression says, as a tree. Trees are equal if they say the same, wherever it stands."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal
    position: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    position: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Truth:
    value: bool
    position: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class FieldName:
    """`name` is as the expression has it, such as `Leads.Annual Revenue`."""

    name: str
    position: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Opposite:
    """The operand with the other sign."""

    operand: "Tree"
    position: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands with operators of one rank between them, one operator less than operands.

    A long sum is one chain, so that the tree gets deeper by parentheses and calls only.
    """

    operands: tuple["Tree", ...]
    operators: tuple[str, ...]
    position: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    function: str
    arguments: tuple["Tree", ...]
    position: int = field(default=1, compare=False)


Tree: TypeAlias = Number | Text | Truth | FieldName | Opposite | Chain | FunctionCall
