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
# Budgets that calls are taken from, each with its line, so that no call has to put the line together.
Lines: TypeAlias = tuple[tuple[Budget, _Line], ...]


@dataclass(slots=True)
class _Counter:
    """`total` was spent in this span by all processes, `fresh` of it by this one since the last settlement."""

    span: int
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
                self._counters.setdefault(line, _Counter(*spent.get(line, (0, 0))))

    def take(self, lines: Lines, records: int) -> None:
        """Count a call. Raises BudgetExhausted, and counts nothing then."""
        now = self._clock.timestamp()
        due = []
        for budget, line in lines:
            counter = self._counter(line, now)
            amount = 1 if budget.counts == "calls" else records
            if amount and counter.total + amount > budget.most:
                raise BudgetExhausted(budget, amount, (counter.span + 1) * budget.per - now)
            due.append((line, counter, amount))
        for line, counter, amount in due:
            if not counter.fresh:  # Else the line is among the spenders.
                self._spenders.add(line)
            counter.total += amount
            counter.fresh += amount

    def spent(self, purse: str, budget: Budget) -> int:
        return self._counter(_line(purse, budget), self._clock.timestamp()).total

    def _counter(self, line: _Line, now: float) -> _Counter:
        counter, span = self._counters.get(line), now // line[2]
        if counter is None or counter.span < span:
            counter = self._counters[line] = _Counter(int(span), 0)
        return counter

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
            if not counter.fresh and self._counters[line] is counter:
                self._spenders.discard(line)


def lines_of(purse: str, budgets: Iterable[Budget]) -> Lines:
    return tuple((budget, _line(purse, budget)) for budget in budgets)


def _line(purse: str, budget: Budget) -> _Line:
    return purse, budget.counts, budget.per
