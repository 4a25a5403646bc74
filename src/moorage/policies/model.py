"""What a call does, what a policy is, and what it decides, as values."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from moorage.http.head import SAFE

Kind: TypeAlias = Literal["read", "write", "destructive"]
KINDS: tuple[Kind, ...] = ("read", "write", "destructive")  # The worst is the last.
SAFE_METHODS = frozenset(method.decode() for method in SAFE)
ANY_MODULE = "*"  # For an operation that may be about modules that its call does not name.

# What a look at the body may still change.
Unsure: TypeAlias = Literal["kind", "modules", "records"]
NOTHING: frozenset[Unsure] = frozenset()

Action: TypeAlias = Literal["allow", "ask", "deny"]
ACTIONS: tuple[Action, ...] = ("allow", "ask", "deny")  # The strictest is the last.
Mode: TypeAlias = Literal["open", "cautious", "strict", "readonly"]
MODES: tuple[Mode, ...] = ("open", "cautious", "strict", "readonly")  # The strictest is the last.


class Operation(msgspec.Struct, frozen=True):
    """What a call does. `name` is a method and a path template, such as `DELETE /crm/v8/{module}/{id}`.

    The name of a call whose path is in no table is its method alone. `modules` has all modules that the call is about,
    `module` the one that its path names. `records` is how many records it may change, and 0 if it only reads. Before
    the body is looked at, everything is as bad as it may be, and `unsure` says what of it the body decides.

    A call that consists of others has them as its `parts`, and so has a call that an app could read in several ways.
    An `opaque` call may do anything.
    """

    name: str
    kind: Kind
    module: str | None = None
    modules: tuple[str, ...] = ()
    records: int = 0
    unsure: frozenset[Unsure] = NOTHING
    method: str = ""
    path: str = ""
    parts: "tuple[Operation, ...]" = ()
    opaque: bool = False


class Rule(msgspec.Struct, frozen=True):
    """What happens to calls that fit everything that the rule names. What is None fits all calls.

    In `path`, `*` stands for anything but a slash, and `**` for anything.
    """

    name: str
    action: Action
    methods: tuple[str, ...] | None = None
    path: str | None = None
    modules: tuple[str, ...] | None = None
    operations: tuple[str, ...] | None = None
    kinds: tuple[Kind, ...] | None = None


class Budget(msgspec.Struct, frozen=True):
    """How many calls, or changed records, there may be `per` so many seconds."""

    counts: Literal["calls", "records"]
    most: int
    per: int


class Policy(msgspec.Struct, frozen=True):
    """What a key may do through a connection. The first rule that fits a call decides, and else the mode.

    With `needs_name`, each call has to name its connection.
    """

    mode: Mode = "open"
    rules: tuple[Rule, ...] = ()
    budgets: tuple[Budget, ...] = ()
    needs_name: bool = False

    @property
    def counts_records(self) -> bool:
        return any(budget.counts == "records" for budget in self.budgets)


OPEN = Policy()
READS = Policy("readonly")


class Verdict(msgspec.Struct, frozen=True):
    """What happens to a call, and why. `rule` is the name of the rule that decided; None if it was the mode."""

    action: Action
    reason: str
    rule: str | None = None


def worst(kinds: Iterable[Kind]) -> Kind:
    """The worst of these kinds; read if there is none."""
    return max(kinds, key=KINDS.index, default="read")
