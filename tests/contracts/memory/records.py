"""The records of one organisation."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import msgspec

from moorage.crm.storage.contract.records import (
    ChangesMetadata,
    Page,
    Position,
    StoreClosed,
    TookTooLong,
)
from moorage.crm.storage.csv_lines import lines_of
from moorage.crm.storage.postgresql.shown_values import ShownTimes
from tests.contracts.memory import companions, recycle_bin
from tests.contracts.memory.change import MemoryChange
from tests.contracts.memory.conditions import Conditions, folded
from tests.contracts.memory.files import MemoryFileReads
from tests.contracts.memory.selecting import Selecting
from tests.contracts.memory.shown import Shown
from tests.contracts.memory.transaction import MemoryTransaction

encode = msgspec.json.encode


class MemoryStore:
    """See `RecordStore` for what the calls promise."""

    confirm = None

    def __init__(self, state, catalog, users, zone, clock, listener=None) -> None:
        self._state = state
        self._catalog = catalog
        self._users = users
        self._zone = zone
        self._clock = clock
        self._closed = False
        self._listener = listener
        self._version = state.version
        self._writer = ThreadPoolExecutor(1)

    @property
    def closed(self):
        return self._closed or self._is_outdated()

    def _is_outdated(self):
        return self._state.gone or self._state.version != self._version

    async def page(self, module, shape, filters, order, window):
        contents = self._open()
        rows = sorted(self._met(module, filters, contents), key=lambda row: _key(order, row))
        if order.descending is not window.backwards:
            rows.reverse()
        if window.start is not None:
            start, descending = (_place(order, window.start)), order.descending is not window.backwards
            rows = [r for r in rows if (_key(order, r) < start if descending else _key(order, r) > start)]
        rows = rows[window.offset : window.offset + window.limit + 1]
        more = len(rows) > window.limit or window.backwards
        rows = rows[: window.limit]
        if window.backwards:
            rows.reverse()
        shown = Shown(self._catalog, self._users, self._zone, contents)
        positions = [_position(order, row) for row in rows] or [None]
        data = encode([shown.record(module, shape, row) for row in rows])
        return Page(data, len(rows), positions[0], positions[-1], more)

    async def record(self, module, shape, record):
        contents = self._open()
        row = contents.table(module).get(record)
        shown = Shown(self._catalog, self._users, self._zone, contents)
        return None if row is None else encode(shown.record(module, shape, row))

    async def count(self, module, filters):
        return len(self._met(module, filters, self._open()))

    async def lines(self, module, columns, filters, after, limit):
        contents = self._open()
        rows = sorted(
            (row for row in self._met(module, filters, contents) if row["id"] > after),
            key=lambda row: row["id"],
        )
        times = ShownTimes(self._zone)
        values = [
            [row["id"], *(self._value(contents, column, row) for column in columns)] for row in rows[:limit]
        ]
        return lines_of(columns, times, lambda number: encode(number).decode())(values)

    def _value(self, contents, column, row):
        if column.through is not None:
            target = self._catalog.modules[column.through.lookup]
            row = contents.table(target).get(row.get(column.through.column), {})
        return row.get(column.field.column)

    async def select(self, selection, filters):
        contents = self._open()
        asked = [*filters, selection.conditions] if selection.conditions is not None else filters
        rows = self._met(selection.module, asked, contents)
        shown = Shown(self._catalog, self._users, self._zone, contents)
        results = Selecting(selection, contents, shown).results(rows)
        results = results[selection.offset : selection.offset + selection.limit + 1]
        data = encode(results[: selection.limit])
        return Page(data, len(results[: selection.limit]), None, None, len(results) > selection.limit)

    async def deleted(self, module, which, window):
        contents = self._open()
        entries = [
            entry
            for entry in contents.recycled
            if entry["module"] == module.number
            and which.kind in {None, entry["kind"]}
            and (which.since is None or entry["deleted_time"] >= which.since)
        ]
        entries.sort(key=lambda entry: (entry["deleted_time"], entry["id"]), reverse=True)
        entries = entries[window.offset : window.offset + window.limit + 1]
        shown = Shown(self._catalog, self._users, self._zone, contents)
        data = encode([shown.deleted(entry) for entry in entries[: window.limit]])
        return Page(data, len(entries[: window.limit]), None, None, len(entries) > window.limit)

    async def bin_entries(self, which, window):
        return recycle_bin.entries(self._open(), which)[window.offset : window.offset + window.limit + 1]

    async def bin_count(self, which):
        return len(recycle_bin.entries(self._open(), which))

    async def companions(self, which, window):
        return companions.page(self._open().companions, which, window)

    async def companion(self, kind, companion):
        stored = self._open().companions.get(companion)
        return stored if stored is not None and stored.kind == kind else None

    @property
    def files(self):
        return MemoryFileReads(self._open)

    def write(self, job, *, lasting=True):
        self._open()
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._writer, self._work, job, loop)

    def change_metadata(self, job):
        self._open()
        return asyncio.get_running_loop().run_in_executor(self._writer, self._change, job)

    def _change(self, job):
        with self._state.writing:
            if self._is_outdated():
                raise StoreClosed
            contents = self._state.contents.copy()
            prefix, now = self._state.identity // 10**12, int(self._clock.timestamp())
            change = MemoryChange(
                self._state.documents, MemoryTransaction(contents, self._catalog, prefix, now)
            )
            result = job(change)
            documents = change.checked()
            self._state.contents = contents
            if documents != self._state.documents:
                self._state.documents = documents
                self._state.version += 1
            return result

    async def together(self, work, seconds):
        self._open()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._state.writing.acquire)
        try:
            if self._is_outdated():
                raise StoreClosed
            inner = MemoryTogether(self, self._state.contents.copy(), int(self._clock.timestamp()))
            async with asyncio.timeout(seconds):
                result = await work(inner)
            self._state.contents = inner.contents
        except TimeoutError:
            raise TookTooLong from None
        else:
            return result
        finally:
            self._state.writing.release()

    @contextlib.asynccontextmanager
    async def moment(self):
        yield MemoryTogether(self, self._open(), 0)

    def close(self):
        self._closed = True
        self._writer.shutdown()

    def _open(self):
        if self.closed:
            raise StoreClosed
        return self._state.contents

    def _met(self, module, filters, contents):
        conditions = Conditions(module, self._catalog, self._users, contents)
        rows = contents.table(module).values()
        return [row for row in rows if all(conditions.meets(row, condition) for condition in filters)]

    def _work(self, job, loop):
        with self._state.writing:
            if self._is_outdated():
                raise StoreClosed
            contents = self._state.contents.copy()
            prefix = self._state.identity // 10**12
            transaction = MemoryTransaction(contents, self._catalog, prefix, int(self._clock.timestamp()))
            result = job(transaction)
            if transaction.wakes and self._listener is not None:
                asyncio.run_coroutine_threadsafe(self._listener.wake(), loop).result()
            self._state.contents = contents
            if transaction.wakes is not None and self._listener is not None:
                self._listener.told()
            return result


class MemoryTogether(MemoryStore):
    """A store within one transaction."""

    closed = False

    def __init__(self, store, contents, now) -> None:
        self.__dict__ |= store.__dict__
        self.contents = contents
        self._now = now

    def _open(self):
        return self.contents

    async def write(self, job, *, lasting=True):
        contents = self.contents.copy()
        result = job(MemoryTransaction(contents, self._catalog, self._state.identity // 10**12, self._now))
        self.contents = contents
        return result

    async def change_metadata(self, _job):
        raise ChangesMetadata

    async def together(self, work, _seconds):
        return await work(self)


def _key(order, row):
    """What rows are put in order by: first those without a value, and by id among equals."""
    return _ranked(None if order.field.storage == "id" else row.get(order.field.column), row["id"])


def _place(order, position):
    return _ranked(None if order.field.storage == "id" else position.key, position.id)


def _ranked(value, record):
    return (value is not None, 0 if value is None else folded(value), record)


def _position(order, row):
    return Position(None if order.field.storage == "id" else row.get(order.field.column), row["id"])
