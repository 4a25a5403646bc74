"""One organisation's records in a schema of PostgreSQL.

Each read is one statement, in the event loop's own connections. It tells by itself if the metadata have changed: then
it gives no rows. So an empty answer is confirmed before it is given, and any other needs no second question.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from moorage.clock import Clock
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.shown import Shape
from moorage.crm.query.selection import Selection
from moorage.crm.storage import companions
from moorage.crm.storage.contract.companions import Companion, CompanionPage, CompanionsOf
from moorage.crm.storage.contract.lines import Column, Lines
from moorage.crm.storage.contract.metadata import MetadataTransaction
from moorage.crm.storage.contract.outbox import Listener
from moorage.crm.storage.contract.records import (
    Deleted,
    Filter,
    Order,
    Page,
    RecordStore,
    StoreClosed,
    Transaction,
    Window,
)
from moorage.crm.storage.contract.recycle_bin import BinEntry, InBin
from moorage.crm.storage.csv_lines import lines_of
from moorage.crm.storage.files import FILES
from moorage.crm.storage.paging import page_of
from moorage.crm.storage.postgresql.files import PostgresqlFileReads
from moorage.crm.storage.postgresql.inventory import Inventory, OpenSchema
from moorage.crm.storage.postgresql.metadata_change import MetadataChange
from moorage.crm.storage.postgresql.moment import moment
from moorage.crm.storage.postgresql.projection import Projection, Shown, encode
from moorage.crm.storage.postgresql.questions import Question, Questions
from moorage.crm.storage.postgresql.reader import Rows
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.postgresql.shown_values import ShownTimes, real_text
from moorage.crm.storage.postgresql.transaction import PostgresqlTransaction
from moorage.crm.storage.postgresql.within import PostgresqlWithin
from moorage.crm.storage.postgresql.writer import Writer
from moorage.crm.storage.recycle_bin import TABLE as RECYCLE
from moorage.crm.storage.recycle_bin import entry
from moorage.crm.storage.selecting import Drawn
from moorage.crm.storage.together import together

T = TypeVar("T")


class PostgresqlStore:
    """`prefix` is the first seven digits of all ids of the organisation. `users` has each user as JSON, by id."""

    def __init__(
        self,
        server: PostgresqlServer,
        opened: OpenSchema,
        catalog: Catalog,
        prefix: int,
        zone: ZoneInfo,
        clock: Clock,
        users: Mapping[int, str],
        listener: Listener | None = None,
    ) -> None:
        self._server = server
        self._opened = opened
        self._catalog = catalog
        self._users = users
        self._zone = zone
        self._times = ShownTimes(zone)
        self._closed = False
        self._reading = self._new_reading()
        self._writer = Writer(server, opened, catalog, prefix, clock, listener)

    @property
    def closed(self) -> bool:
        """What other processes change is only noticed by reads, by writes and by `confirm`."""
        return self._closed or self._opened.is_outdated

    async def confirm(self) -> None:
        """Raise StoreClosed if the metadata have changed since the store was opened."""
        await self._confirm(self._open_reading().inventory)

    def page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Awaitable[Page]:
        return self._page(module, shape, filters, order, window)

    async def _page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Page:
        def question(reading: _Reading) -> Question:
            columns = reading.projection.of(module, shape).columns
            return reading.questions.page(module, columns, filters, order, window)

        reading, rows = await self._asked(module.table, question)
        return page_of(rows, window, reading.projection.of(module, shape).encoded)

    async def record(self, module: Module, shape: Shape, record: int) -> bytes | None:
        def question(reading: _Reading) -> Question:
            return reading.questions.record(module, reading.projection.of(module, shape).columns, record)

        reading, rows = await self._asked(module.table, question)
        return encode(reading.projection.of(module, shape).build(rows)[0]) if rows else None

    async def count(self, module: Module, filters: Sequence[Filter]) -> int:
        def question(reading: _Reading) -> Question:
            return reading.questions.count(module, filters)

        _, rows = await self._asked(module.table, question)
        return int(rows[0][0]) if rows else 0

    async def lines(
        self, module: Module, columns: Sequence[Column], filters: Sequence[Filter], after: int, limit: int
    ) -> Lines:
        def question(reading: _Reading) -> Question:
            return reading.questions.lines(module, columns, filters, after, limit)

        _, rows = await self._asked(module.table, question)
        return await asyncio.to_thread(lines_of(columns, ShownTimes(self._zone), real_text), rows)

    def select(self, selection: Selection, filters: Sequence[Filter]) -> Awaitable[Page]:
        return self._select(selection, filters)

    async def _select(self, selection: Selection, filters: Sequence[Filter]) -> Page:
        shown: Shown | None = None

        def question(reading: _Reading) -> Question:
            def columns(drawn: Sequence[Drawn]) -> Sequence[str]:
                nonlocal shown
                shown = reading.projection.drawn(drawn, named=selection.named)
                return shown.columns

            return reading.questions.select(selection, filters, columns)

        # A group of no records is a row as well, so that a module without its tables has to be asked for it.
        table = selection.module.table if selection.groups is None else None
        _, rows = await self._asked(table, question)
        window = Window(selection.limit, selection.offset)
        return page_of(rows, window, lambda rows: shown.encoded(rows) if shown is not None else b"[]")

    def deleted(self, module: Module, which: Deleted, window: Window) -> Awaitable[Page]:
        return self._deleted(module, which, window)

    async def _deleted(self, module: Module, which: Deleted, window: Window) -> Page:
        _, rows = await self._asked(RECYCLE, lambda reading: reading.questions.deleted(module, which, window))
        return page_of(rows, window, lambda shown: encode(self._shown_deleted(shown)))

    def _shown_deleted(self, rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
        return [
            {
                "deleted_by": self._person(deleted_by),
                "id": str(record),
                "display_name": name,
                "type": kind,
                "created_by": self._person(created_by),
                "deleted_time": self._times[deleted_time],
            }
            for _, record, deleted_by, name, kind, created_by, deleted_time in rows
        ]

    def _person(self, user: int | None) -> dict[str, str] | None:
        if user is None or user not in self._users:
            return None
        shown = msgspec.json.decode(self._users[user])
        return {"name": shown["name"], "id": str(user)}

    async def bin_entries(self, which: InBin, window: Window) -> Sequence[BinEntry]:
        _, rows = await self._asked(RECYCLE, lambda reading: reading.questions.bin_entries(which, window))
        return [entry(row) for row in rows]

    async def bin_count(self, which: InBin) -> int:
        _, rows = await self._asked(RECYCLE, lambda reading: reading.questions.bin_count(which))
        return int(rows[0][0]) if rows else 0

    def companions(self, which: CompanionsOf, window: Window) -> Awaitable[CompanionPage]:
        return self._companions(which, window)

    async def _companions(self, which: CompanionsOf, window: Window) -> CompanionPage:
        _, rows = await self._asked(
            companions.TABLE, lambda reading: reading.questions.companions(which, window)
        )
        return companions.page_of(rows, window)

    async def companion(self, kind: str, companion: int) -> Companion | None:
        _, rows = await self._asked(
            companions.TABLE, lambda reading: reading.questions.companion(kind, companion)
        )
        return companions.companion(rows[0]) if rows else None

    @property
    def files(self) -> PostgresqlFileReads:
        return PostgresqlFileReads(self._server, self._opened.name, self._ask_files)

    async def _ask_files(self, sql: str, params: Sequence[Any]) -> Rows:
        """The rows of a question about files, which asks for nothing that depends on the metadata."""
        _, rows = await self._asked(FILES, lambda _: Question(sql, tuple(params)))
        return rows

    def write(self, job: Callable[[Transaction], T], *, lasting: bool = True) -> Awaitable[T]:
        return self._writer.submit(job, lasting=lasting)

    def change_metadata(self, job: Callable[[MetadataTransaction], T]) -> Awaitable[T]:
        def run(transaction: PostgresqlTransaction) -> T:
            change = MetadataChange(transaction)
            result = job(change)
            change.finish()
            return result

        return self._writer.submit(run, alone=True)

    async def together(self, work: Callable[[RecordStore], Awaitable[T]], seconds: float) -> T:
        submit = partial(self._writer.submit, alone=True, opens=True)
        return await together(submit, PostgresqlWithin(self, seconds), work, seconds)

    def moment(self) -> AbstractAsyncContextManager[RecordStore]:
        return moment(self, self._server, self._opened)

    def read_with(self, server: Any, opened: OpenSchema) -> None:
        """Read with another connection from now on, and what is known of the schema there. This is for a copy."""
        self._closed, self._server, self._opened = False, server, opened
        self._reading = self._new_reading()

    def close(self) -> None:
        self._closed = True
        self._writer.close()

    async def _asked(
        self, table: str | None, question: "Callable[[_Reading], Question]"
    ) -> "tuple[_Reading, Rows]":
        """The rows of a question, and what was known when it was asked. A table that is made by its first row may be
        missing.
        """
        while True:
            reading = self._open_reading()
            rows: Rows = []
            if table is None or table in reading.inventory.relations:
                asked = question(reading)
                rows = await self._fetch(asked.sql, asked.params, slow=asked.slow)
            if rows and rows[0] != (0,):  # A count of 0 may come from other metadata, too.
                return reading, rows
            if await self._confirm(reading.inventory):
                return reading, rows

    async def _confirm(self, inventory: Inventory) -> bool:
        """Whether the inventory is still right; False if this store itself has changed it meanwhile.

        Raises StoreClosed if another store did, or if the metadata have changed.
        """
        sql = f"SELECT value FROM {self._opened.name}.counters WHERE name = 'version'"
        version = await self._fetch(sql)
        if version == [(inventory.version,)]:
            return True
        if self._opened.is_outdated or self._opened.inventory.version == inventory.version:
            self._opened.is_outdated = True
            raise StoreClosed
        return False

    async def _fetch(self, sql: str, params: Sequence[Any] = (), *, slow: bool = False) -> Rows:
        try:
            return await self._server.fetch(self._opened.name, sql, params, slow=slow)
        except StoreClosed:  # The schema is gone, or has other tables.
            self._opened.is_outdated = True
            raise

    def _open_reading(self) -> "_Reading":
        if self.closed:
            raise StoreClosed
        if self._reading.inventory is not self._opened.inventory:
            self._reading = self._new_reading()
        return self._reading

    def _new_reading(self) -> "_Reading":
        return _Reading(self._opened, self._opened.inventory, self._catalog, self._times, self._users)


class _Reading:
    """What reads are made of, for the tables that there are at the moment."""

    def __init__(
        self,
        opened: OpenSchema,
        inventory: Inventory,
        catalog: Catalog,
        times: ShownTimes,
        users: Mapping[int, str],
    ) -> None:
        self.inventory = inventory
        self.questions = Questions(opened.name, inventory, catalog)
        self.projection = Projection(catalog, times, users, self.questions.dialect.table)
