"""Writes notes to the request log, in blocks and in the background."""

import asyncio
import os
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from math import inf
from time import monotonic, time
from typing import Any, Protocol, TypeAlias

from moorage.background import Loop
from moorage.bounded import Bounded
from moorage.ids import without_ids
from moorage.jobs.owners import has_ended, name_of
from moorage.logs import Log
from moorage.requests import store
from moorage.requests.blocks import Called, NewBlock, content_of
from moorage.requests.lines import AccessLines
from moorage.requests.notes import Classified, Notes, Operation, Sheet, What
from moorage.requests.sealed import BodyWriter
from moorage.requests.shown import LONGEST, shown, shown_modules
from moorage.storage import Database, Transaction
from moorage.storage.errors import DatabaseUnusable

AT_ONCE = 200  # Blocks that one transaction writes.
LONGEST_WAIT = 1.0  # Seconds from the end of a call to its block.
SEEN_SECONDS = 60.0  # The time between two signs that a writer lives.
_GONE_SECONDS = 300.0  # A writer that has given no sign for so long has ended.
_REMEMBERED = 2000  # Paths, and calls, as many programs make the same ones again and again.
# Calls that wait for the database, at most. One that is away for long must not fill the memory.
MOST_READY = 100_000
_LONGEST_TURN = 0.0005  # Seconds for which calls wait while blocks are made.
_MICROSECONDS = 1_000_000

log = Log(__name__)


# Says what a call of an app does, by its method, path and query.
Classify: TypeAlias = Callable[[str, str, bytes, bytes], Classified]


class Counting(Protocol):
    """Counts the calls of each sheet. `called` is in the order of `sheet.places`."""

    def add(self, sheet: Sheet, called: Sequence[Called]) -> None: ...


class Writer:
    """Writes what `notes` has to the process log, and to the database if there is one. `counting` gets all of it, too.

    A process that ends without `close` may lose its last second; the next one notices.
    """

    def __init__(
        self,
        database: Database | None,
        notes: Notes,
        classify: Classify,
        bodies: BodyWriter | None = None,
        counting: Counting | None = None,
    ) -> None:
        self._database = database
        self._counting = counting
        self._told = Counter[str]()  # What `tell` has said of strangers and lost notes.
        self._bodies = bodies
        self._lines = AccessLines(log)
        self._taken = deque[Sheet]()
        self._ready: list[NewBlock] = []  # They only have to be stored.
        self._classify = classify
        self._notes = notes
        self._name = name_of(os.getpid())
        self._paths = Bounded[bytes, bytes](_REMEMBERED)
        self._operations = Bounded[tuple[str, bytes, bytes], Operation](_REMEMBERED)
        self._under_way: asyncio.Task[None] | None = None

    def background(self) -> Sequence[Loop]:
        return (Loop("requests.write", self.keep_writing),)

    @property
    def waiting(self) -> int:
        """How many calls are not written yet."""
        return len(self._notes) + sum(map(len, self._taken)) + sum(block.count for block in self._ready)

    @property
    def strangers(self) -> int:
        """How many calls came with a key that is not known."""
        return self._notes.strangers

    @property
    def dropped(self) -> int:
        """How many calls could not be written."""
        return self._notes.dropped

    async def keep_writing(self) -> None:
        """Write once a second, without end. While the database can't be used, notes wait."""
        next_told = -inf
        while True:
            now = monotonic()
            if now >= next_told and await self._done(self.tell()):
                next_told = now + SEEN_SECONDS
            if self._notes or self._ready:
                await self._done(self.write())
            await asyncio.sleep(LONGEST_WAIT)

    async def begin(self, *, alone: bool = False) -> None:
        """Note which writers have ended without a word; if `alone`, all of them. Raises DatabaseUnusable."""
        if self._database is not None:
            async with self._database.transaction(quiet=True) as tx:
                await self._note_ended(tx, alone=alone)

    async def tell(self) -> None:
        """Say that this process lives, and what it could not note. Raises DatabaseUnusable."""
        if self._database is None:
            return
        counted = Counter({"strangers": self._notes.strangers, "dropped": self._notes.dropped})
        async with self._database.transaction(quiet=True) as tx:
            await self._note_ended(tx)
            await store.seen(tx, self._name)
            for kind, count in (counted - self._told).items():
                await store.notice(tx, kind, None, count)
        self._told = counted

    async def _note_ended(self, tx: Transaction, *, alone: bool = False) -> None:
        for name, seen_at in (await store.all_writers(tx)).items():
            is_late = seen_at < tx.now - _GONE_SECONDS * _MICROSECONDS
            if name != self._name and (alone or is_late or has_ended(name)):
                await store.remove_writer(tx, name)
                await store.notice(tx, "interrupted", seen_at, None)
                log.warning("requests.interrupted", writer=name)

    async def write(self) -> None:
        """Write all notes that wait. If that fails, they wait for the next call. Raises DatabaseUnusable."""
        await self._make_ready()
        while self._ready and self._database is not None:
            batch = self._ready[:AT_ONCE]
            async with self._database.transaction(quiet=True) as tx:
                add = partial(store.add, tx.now, self._epoch(tx.now), batch)
                firsts = await tx.connection.run(add)
                if self._bodies is not None:
                    await self._bodies.write(tx, zip(firsts, batch, strict=True))
            del self._ready[: len(batch)]
            self._forget(batch)

    async def _make_ready(self) -> None:
        """Make blocks of the sheets, and write their access lines."""
        self._taken += self._notes.take()
        began = monotonic()
        while self._taken:
            await self._deal_with(self._taken.popleft())
            if monotonic() - began > _LONGEST_TURN:
                await asyncio.sleep(0)
                began = monotonic()
        too_many = sum(block.count for block in self._ready) - MOST_READY
        while too_many > 0:
            dropped = self._ready.pop()
            too_many -= dropped.count
            self._notes.dropped += dropped.count
            self._forget([dropped])

    async def _deal_with(self, sheet: Sheet) -> None:
        called = list(map(self._called, sheet.places))
        if self._counting is not None:
            self._counting.add(sheet, called)
        if self._database is None and not self._lines.are_wanted:
            return
        block = await self._block(sheet, called)
        if self._lines.are_wanted:
            self._lines.write(block, self._epoch(int(time() * _MICROSECONDS)))
        if self._database is not None:
            self._ready.append(block)

    async def _block(self, sheet: Sheet, called: Sequence[Called]) -> NewBlock:
        content = content_of(sheet, called)
        bodies = {} if self._bodies is None else await self._bodies.texts(sheet)
        callers = frozenset(one.caller for one in called)
        return NewBlock(sheet.account_id, len(sheet), content, bodies, callers)

    def _forget(self, blocks: Sequence[NewBlock]) -> None:
        if self._bodies is not None:
            self._bodies.forget(blocks)

    def _called(self, what: What) -> Called:
        """What was called, with the path that may be shown."""
        caller, method, native, decided = what
        path = self._paths.get(native)
        if path is None:
            path = self._paths[native] = shown(native)
        if decided is None or decided.operation is None:
            operation = self._operation(caller.app, method, native)
        else:
            operation = _kept(decided.operation)
        if decided is None:
            return Called(caller, method, path, operation)
        return Called(caller, method, path, operation, decided.verdict.action, decided.verdict.rule)

    @staticmethod
    def _epoch(now: int) -> int:
        """The time at which the monotonic clock stood at 0, in microseconds since the epoch."""
        return now - int(monotonic() * _MICROSECONDS)

    async def close(self) -> None:
        """Write what waits, and say that this process has written all. Raises DatabaseUnusable."""
        if self._under_way is not None:
            await asyncio.wait([self._under_way])
        await self.write()
        await self.tell()
        if self._database is not None:
            async with self._database.transaction(quiet=True) as tx:
                await store.remove_writer(tx, self._name)

    def _operation(self, app: str, method: bytes, native: bytes) -> Operation:
        """What a call does, as far as its method and its path say it."""
        # Ids don't change it, and there are more of them than can be remembered.
        call = app, method, without_ids(native)
        operation = self._operations.get(call)
        if operation is None:
            path, _, query = native.partition(b"?")
            classified = self._classify(app, method.decode("latin-1"), path, query)
            operation = self._operations[call] = _kept(classified)
        return operation

    async def _done(self, work: Coroutine[Any, Any, None]) -> bool:
        """True if the work is done, False if the database can't be used. The end of the loop does not break it off."""
        self._under_way = asyncio.ensure_future(work)
        try:
            await asyncio.shield(self._under_way)
        except DatabaseUnusable:
            return False
        return True


def _kept(operation: Classified) -> Operation:
    """What the log keeps of an operation."""
    return Operation(operation.name[:LONGEST], operation.kind, shown_modules(operation.modules))
