"""Budgets that hold for all processes together.

Time is divided into spans, which begin at multiples of their length since the epoch. Each process counts for itself. A
few times a second it adds what it has counted to the database, and learns what all of them have counted. So no call
waits, and what is too much in the meantime is at most what the processes allow in a quarter of a second.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from moorage.background import Loop
from moorage.clock import Clock
from moorage.policies import store
from moorage.policies.errors import BudgetExhausted
from moorage.policies.model import Budget
from moorage.storage import Database, Transaction
from moorage.storage.errors import DatabaseUnusable

SETTLE_SECONDS = 0.25

_Line: TypeAlias = tuple[str, str, int]  # A purse, what is counted, and the length of a span.


@dataclass(slots=True)
class _Counter:
    """`total` was spent in this span by all processes, `fresh` of it by this one since the last settlement.

    The span `ends` at that time, in seconds since the epoch: a float, which a clock's time is compared with fast.
    """

    line: _Line
    span: int
    total: int
    fresh: int = 0
    ends: float = field(init=False)

    def __post_init__(self) -> None:
        self.ends = _end(self.line, self.span)

    def begin(self, now: float) -> None:
        """Begin the present span, of which nothing is spent."""
        self.span, self.total, self.fresh = int(now // self.line[2]), 0, 0
        self.ends = _end(self.line, self.span)


class Purses:
    """What is spent of the budgets of all policies that this process has met."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._counters: dict[_Line, _Counter] = {}
        self._spenders: set[_Line] = set()

    def background(self) -> Sequence[Loop]:
        return (Loop("policies.settle_budgets", self.keep_settling),)

    async def load(self, tx: Transaction, purse: str, budgets: Iterable[Budget]) -> None:
        """Read what was spent of budgets that this process has not met yet."""
        lines = {_line(purse, budget) for budget in budgets} - self._counters.keys()
        if lines:
            spent = await store.spent(tx, {purse})
            for line in lines:
                span, total = spent.get(line, (0, 0))
                self._counters.setdefault(line, _Counter(line, span, total))

    def purse(self, name: str, budgets: Sequence[Budget]) -> "Purse | None":
        """The purse with this name, for these budgets; None without a budget."""
        if not budgets:
            return None
        lines = tuple((budget, _line(name, budget)) for budget in budgets)
        return Purse(lines, self._counters, self._spenders, self._clock)

    def spent(self, purse: str, budget: Budget) -> int:
        # Only a look: a counter that began at zero here would keep `load` from reading what was spent.
        counter = self._counters.get(_line(purse, budget))
        return 0 if counter is None or counter.ends <= self._clock.timestamp() else counter.total

    async def keep_settling(self) -> None:
        """Run `settle` four times a second, without end. While the database can't be used, what was spent waits."""
        while True:
            await asyncio.sleep(SETTLE_SECONDS)
            with contextlib.suppress(DatabaseUnusable):
                await self.settle()

    async def settle(self) -> None:
        """Add what was spent since the last call to the database. Raises DatabaseUnusable."""
        spenders = [self._counters[line] for line in self._spenders]
        if not spenders:
            return
        before = {counter.line: (counter.span, counter.fresh) for counter in spenders}
        async with self._database.transaction(quiet=True) as tx:
            stored = await store.spent(tx, {purse for purse, _, _ in before})
            totals: dict[_Line, tuple[int, int]] = {}
            for line, (own, fresh) in before.items():
                span, spent = stored.get(line, (own, 0))
                if span <= own:  # Else another process has begun a span that is still to come here.
                    span, spent = own, fresh + (spent if span == own else 0)
                    await store.note_spent(tx, line, span, spent)
                totals[line] = (span, spent)
        for line, (span, spent) in totals.items():
            counter, (own, fresh) = self._counters[line], before[line]
            if counter.span != own:
                continue  # A call has begun another span meanwhile, which is settled next time.
            counter.fresh -= fresh
            counter.span, counter.total = span, spent + counter.fresh
            counter.ends = _end(line, span)
            if not counter.fresh:
                self._spenders.discard(line)


class Purse:
    """Takes calls from the budgets of one policy. All purses with one name share their counters."""

    __slots__ = ("_counters", "_lines", "_places", "_spenders", "_timestamp")

    def __init__(
        self,
        lines: tuple[tuple[Budget, _Line], ...],
        counters: dict[_Line, _Counter],
        spenders: set[_Line],
        clock: Clock,
    ) -> None:
        self._lines = lines
        self._counters = counters
        self._spenders = spenders
        self._timestamp = clock.timestamp
        # For each budget: the most, whether calls count, and its counter. Empty until the first call, because a counter
        # that is there keeps `Purses.load` from reading what was spent.
        self._places: tuple[tuple[int, bool, _Counter], ...] = ()

    def take(self, records: int) -> None:
        """Count a call. Raises BudgetExhausted, and counts nothing then."""
        # Most calls of a key with budgets come here, so nothing is looked up.
        now = self._timestamp()
        for most, counts_calls, counter in self._places or self._found():
            if counter.ends <= now:
                counter.begin(now)
            amount = 1 if counts_calls else records
            total = counter.total + amount
            if total > most and amount:
                self._refuse(counter, records, now)
            if not counter.fresh:  # Else the line is among the spenders.
                self._spenders.add(counter.line)
            counter.total = total
            counter.fresh += amount

    def _found(self) -> tuple[tuple[int, bool, _Counter], ...]:
        """The counters. One that was not there is of a span that has ended long ago."""
        self._places = tuple(
            (budget.most, budget.counts == "calls", self._counters.setdefault(line, _Counter(line, 0, 0)))
            for budget, line in self._lines
        )
        return self._places

    def _refuse(self, refusing: _Counter, records: int, now: float) -> None:
        """Undo what `take` has counted before a budget refused the call. Raises BudgetExhausted."""
        for (budget, line), (_, counts_calls, counter) in zip(self._lines, self._places, strict=True):
            amount = 1 if counts_calls else records
            if counter is refusing:
                raise BudgetExhausted(budget, amount, counter.ends - now)
            counter.total -= amount
            counter.fresh -= amount
            if not counter.fresh:
                self._spenders.discard(line)


def _end(line: _Line, span: int) -> float:
    return float((span + 1) * line[2])


def _line(purse: str, budget: Budget) -> _Line:
    return purse, budget.counts, budget.per
