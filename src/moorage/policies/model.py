"""What a call does, as values."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["read", "write", "destructive"]
KINDS: tuple[Kind, ...] = ("read", "write", "destructive")  # The worst is the last.
ANY_MODULE = "*"  # For an operation that may be about modules that its call does not name.

# What a look at the body may still change.
Unsure: TypeAlias = Literal["kind", "modules", "records"]
NOTHING: frozenset[Unsure] = frozenset()


@dataclass(frozen=True, slots=True)
class Operation:
    """What a call does. `name` is a method and a path template, such as `DELETE /crm/v8/{module}/{id}`.

    The name of a call whose path is in no table is its method alone. `modules` has all modules that the call is about,
    `module` the one that its path names. `records` is how many records it may change, and 0 if it only reads. Before
    the body is looked at, everything is as bad as it may be, and `unsure` says what of it the body decides.
    """

    name: str
    kind: Kind
    module: str | None = None
    modules: tuple[str, ...] = ()
    records: int = 0
    unsure: frozenset[Unsure] = NOTHING


def worst(kinds: Iterable[Kind]) -> Kind:
    """The worst of these kinds; read if there is none."""
    return max(kinds, key=KINDS.index, default="read")
