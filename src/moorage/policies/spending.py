"""Budgets that hold for all processes together.

Time is divided into spans, which begin at multiples of their length since the epoch. Each process counts for itself. A
few times a second it adds what it has counted to the database, and learns what all of them have counted. So no call
waits, and what is too much in the meantime is at most what the processes allow in a quarter of a second.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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

    span: int
    ends: float
    total: int
    fresh: int = 0


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
                self._counters.setdefault(line, _Counter(span, _end(line, span), total))

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
        lines = {line: self._counters[line] for line in self._spenders}
        if not lines:
            return
        fresh = {line: counter.fresh for line, counter in lines.items()}
        async with self._database.transaction(quiet=True) as tx:
            stored = await store.spent(tx, {purse for purse, _, _ in lines})
            totals: dict[_Line, tuple[int, int]] = {}
            for line, counter in lines.items():
                span, spent = stored.get(line, (counter.span, 0))
                if span <= counter.span:  # Else another process has begun a span that is still to come here.
                    span, spent = counter.span, fresh[line] + (spent if span == counter.span else 0)
                    await store.note_spent(tx, line, span, spent)
                totals[line] = (span, spent)
        for line, (span, spent) in totals.items():
            counter = lines[line]
            counter.fresh -= fresh[line]
            counter.span, counter.total = span, spent + counter.fresh
            counter.ends = _end(line, span)
            if not counter.fresh and self._counters[line] is counter:
                self._spenders.discard(line)


class Purse:
    """Takes calls from the budgets of one policy. All purses with one name share their counters."""

    __slots__ = ("_counters", "_lines", "_spenders", "_timestamp")

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

    def take(self, records: int) -> None:
        """Count a call. Raises BudgetExhausted, and counts nothing then."""
        # Most calls of a key with budgets come here: each counter is looked up once.
        now, counters = self._timestamp(), self._counters
        for budget, line in self._lines:
            counter = counters.get(line)
            if counter is None or counter.ends <= now:
                counter = counters[line] = _begun(line, now)
            amount = 1 if budget.counts == "calls" else records
            total = counter.total + amount
            if total > budget.most and amount:
                self._give_back(budget, records)
                raise BudgetExhausted(budget, amount, counter.ends - now)
            if not counter.fresh:  # Else the line is among the spenders.
                self._spenders.add(line)
            counter.total = total
            counter.fresh += amount

    def _give_back(self, refused: Budget, records: int) -> None:
        """Undo what `take` has counted before a budget refused the call."""
        for budget, line in self._lines:
            if budget is refused:
                return
            counter, amount = self._counters[line], 1 if budget.counts == "calls" else records
            counter.total -= amount
            counter.fresh -= amount
            if not counter.fresh:
                self._spenders.discard(line)


def _begun(line: _Line, now: float) -> _Counter:
    """A counter for the present span."""
    span = int(now // line[2])
    return _Counter(span, _end(line, span), 0)


def _end(line: _Line, span: int) -> float:
    return float((span + 1) * line[2])


def _line(purse: str, budget: Budget) -> _Line:
    return purse, budget.counts, budget.per
