"""One organisation's records in one SQLite file.

Reads that an index backs run in the caller's thread, because to hand them to another one costs more than the read. All
other reads run in threads of their own. So do reads that take too long although an index backs them: it may lead to
very many records, or past many before the few that match. Writes go to the one writer. Every acknowledged write is
flushed to disk (synchronous=FULL).
"""

import contextlib
import copy
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import apsw

from moorage.clock import Clock
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.shown import Shape
from moorage.crm.metadata.times import zoned
from moorage.crm.query.selection import Selection
from moorage.crm.storage.companions import companion as companion_of
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
    TookTooLong,
    Transaction,
    Window,
)
from moorage.crm.storage.contract.recycle_bin import BinEntry, InBin
from moorage.crm.storage.sqlite import companions
from moorage.crm.storage.sqlite.change_mark import ChangeMark
from moorage.crm.storage.sqlite.files import SqliteFileReads
from moorage.crm.storage.sqlite.long_files import LongFiles
from moorage.crm.storage.sqlite.metadata_change import MetadataChange, version
from moorage.crm.storage.sqlite.moment import moment
from moorage.crm.storage.sqlite.questions import Query, Question, Questions
from moorage.crm.storage.sqlite.readers import AsideReaders, OrganisationFile, Reader, ReadThreads
from moorage.crm.storage.sqlite.text_layout import TextLayout, read_places
from moorage.crm.storage.sqlite.transaction import SqliteTransaction
from moorage.crm.storage.sqlite.trouble import translated
from moorage.crm.storage.sqlite.within import SqliteWithin
from moorage.crm.storage.sqlite.writer import Writer
from moorage.crm.storage.together import together

T = TypeVar("T")


class SqliteStore:
    """`prefix` is the first seven digits of all ids of the organisation, `known_version` the version of the catalog."""

    confirm = None

    def __init__(
        self,
        file: OrganisationFile,
        catalog: Catalog,
        prefix: int,
        zone: ZoneInfo,
        clock: Clock,
        threads: ReadThreads,
        *,
        mark: ChangeMark,
        known_version: int,
        listener: Listener | None = None,
    ) -> None:
        self._version = known_version
        self._catalog = catalog
        self._zone = zone
        self._threads = threads
        self._file = file
        self.long_files = LongFiles(file.path)
        self._closed = False
        self._mark = mark
        self._seen: bytes | None = None  # The mark when the metadata were last seen to be unchanged.
        self._prefix = prefix
        self._clock = clock
        self._reader = Reader(self._connect())
        self._layout = TextLayout(catalog, self._reader.whole(read_places))
        self._questions = Questions(catalog, zone, clock, self._layout, self._ask)
        self._aside_readers = AsideReaders(self._connect, threads.are_stopped)
        self._writer = Writer(
            self._connect,
            self._begin,
            listener,
        )

    @property
    def closed(self) -> bool:
        if not self._closed and (self._seen is None or self._mark.now() != self._seen):
            self._look()
        return self._closed

    def _look(self) -> None:
        """Find out whether the metadata have changed."""
        mark = self._mark.now()
        if self._reader.whole(version) != self._version:
            self._closed = True
        elif self._mark.is_settled():
            self._seen = mark

    def _begin(self, connection: apsw.Connection) -> SqliteTransaction:
        """Raises StoreClosed if the metadata have changed: the jobs were prepared by older ones."""
        if version(connection) != self._version:
            self._closed = True
            raise StoreClosed
        now = int(self._clock.timestamp())
        return SqliteTransaction(connection, self._catalog, self._prefix, now, self._layout)

    def _connect(self) -> apsw.Connection:
        try:
            connection = self._file.connect()
        except StoreClosed:
            self._closed = True
            raise
        except apsw.Error as error:
            raise translated(error) from None
        connection.create_scalar_function("zoned", self._zoned, 1, deterministic=True)
        return connection

    def _zoned(self, *arguments: Any) -> str | None:
        return zoned(self._zone, arguments[0])

    def page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Page | Awaitable[Page]:
        return self._brief_or_aside(self._questions.page(module, shape, filters, order, window))

    def record(self, module: Module, shape: Shape, record: int) -> bytes | None:
        return self._ask(self._questions.record(module, shape, record))

    def count(self, module: Module, filters: Sequence[Filter]) -> Awaitable[int]:
        return self._aside(self._questions.count(module, filters))

    def lines(
        self, module: Module, columns: Sequence[Column], filters: Sequence[Filter], after: int, limit: int
    ) -> Awaitable[Lines]:
        return self._aside(self._questions.lines(module, columns, filters, after, limit))

    def select(self, selection: Selection, filters: Sequence[Filter]) -> Page | Awaitable[Page]:
        return self._brief_or_aside(self._questions.select(selection, filters))

    def deleted(self, module: Module, which: Deleted, window: Window) -> Page | Awaitable[Page]:
        return self._brief_or_aside(self._questions.deleted(module, which, window))

    def bin_entries(self, which: InBin, window: Window) -> Awaitable[Sequence[BinEntry]]:
        return self._aside(self._questions.bin_entries(which, window))

    def bin_count(self, which: InBin) -> Awaitable[int]:
        return self._aside(self._questions.bin_count(which))

    def companions(self, which: CompanionsOf, window: Window) -> CompanionPage | Awaitable[CompanionPage]:
        return self._brief_or_aside(Question(companions.query(which, window), brief=True))

    def companion(self, kind: str, companion: int) -> Companion | None:
        rows = self._open_reader().whole(companions.single(kind, companion))
        return companion_of(rows[0]) if rows else None

    @property
    def files(self) -> SqliteFileReads:
        return SqliteFileReads(self._file, self.long_files, self._open_reader().whole)

    def write(self, job: Callable[[Transaction], T], *, lasting: bool = True) -> Awaitable[T]:
        self._require_file()
        return self._writer.submit(job, lasting=lasting)

    async def change_metadata(self, job: Callable[[MetadataTransaction], T]) -> T:
        self._require_file()

        def run(transaction: SqliteTransaction) -> T:
            change = MetadataChange(transaction)
            result = job(change)
            change.finish()
            return result

        return await self._writer.submit(run, alone=self._mark.changing)

    async def together(self, work: Callable[[RecordStore], Awaitable[T]], seconds: float) -> T:
        self._require_file()
        submit = partial(self._writer.submit, alone=contextlib.nullcontext)
        return await together(submit, SqliteWithin(self, seconds), work, seconds)

    def moment(self) -> AbstractAsyncContextManager[RecordStore]:
        return moment(self, self._connect, self._version)

    def read_with(self, reader: Any, aside: Any, file: Any = None) -> None:
        """Read with other connections from now on. This is for a copy of a store."""
        self._closed, self._reader, self._aside_readers = False, reader, aside
        self._file = file or self._file
        self._questions = copy.copy(self._questions)
        self._questions.read_with(self._ask)

    def close(self) -> None:
        self._closed = True
        self._writer.close()
        self._reader.close()
        self._aside_readers.close()

    def _require_file(self) -> None:
        """Raises StoreClosed if the file is gone: a write into a deleted file would be acknowledged and lost."""
        if self._file.is_gone():
            self._closed = True
            raise StoreClosed

    def _ask(self, query: Query[T]) -> T:
        return self._open_reader().whole(query)

    def _open_reader(self) -> Reader:
        if self._closed:
            raise StoreClosed
        return self._reader

    def _brief_or_aside(self, question: Question[T]) -> T | Awaitable[T]:
        if not question.brief:
            return self._aside(question)
        try:
            return self._open_reader().brief(question.answer)
        except TookTooLong:
            return self._aside(question)

    def _aside(self, question: Question[T]) -> Awaitable[T]:
        threads = self._threads.text if question.searches_text else self._threads.scans
        return self._aside_readers.read(threads, question.answer)
