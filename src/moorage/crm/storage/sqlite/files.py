"""The files in an organisation's SQLite file."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import apsw

from moorage.crm.storage.contract.files import StoredFile
from moorage.crm.storage.files import FILES, TABLES, FileQuestions, FileTables, by_owner, creation, handle_of
from moorage.crm.storage.sqlite.long_files import LongFileMissing, LongFiles, places
from moorage.crm.storage.sqlite.readers import OrganisationFile
from moorage.crm.storage.sqlite.schema import has_table
from moorage.crm.storage.sqlite.trouble import translated

T = TypeVar("T")

_QUESTIONS = FileQuestions("")
_PATIENCE = 10_000  # Milliseconds.


def files_of(connection: apsw.Connection, now: int, new_ids: Callable[[int], Sequence[int]]) -> FileTables:
    def ask(sql: str, params: Sequence[Any]) -> list[Any]:
        return connection.execute(sql, params).fetchall()

    def exist() -> bool:
        return has_table(connection, FILES)

    def make() -> None:
        if not exist():
            for table in TABLES:
                for statement in creation(table, "", "INTEGER"):
                    connection.execute(statement)

    def add_rows(table: str, rows: Sequence[Sequence[Any]]) -> None:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(TABLES[table]))})", rows)

    return FileTables(ask, "", now, new_ids, exist, make, add_rows, places=places)


class SqliteFileReads:
    """`FileReads` of the contract. `whole` runs a short query in the thread of the event loop."""

    def __init__(
        self,
        file: OrganisationFile,
        long_files: LongFiles,
        whole: Callable[[Callable[[apsw.Connection], Any]], Any],
    ) -> None:
        self._file = file
        self._long_files = long_files
        self._whole = whole

    async def find(self, key: str) -> StoredFile | None:
        rows = self._rows(_QUESTIONS.by_key, (key,))
        return StoredFile(*rows[0]) if rows else None

    async def owned_by(self, owners: Iterable[int]) -> Mapping[int, list[StoredFile]]:
        asked = list(owners)
        return by_owner(self._rows(_QUESTIONS.by_owners(asked), asked))

    async def owned_after(self, file: int, limit: int) -> list[StoredFile]:
        return [StoredFile(*row) for row in self._rows(_QUESTIONS.owned_after, (file, limit))]

    async def has_due(self, now: int) -> bool:
        return bool(self._rows(_QUESTIONS.due, (now, now)))

    async def has_content(self, digest: str) -> bool:
        return bool(self._rows(_QUESTIONS.content, (digest,)))

    async def keep(self, content: int, body: BinaryIO, start: int, size: int) -> str | None:  # noqa: ARG002
        handle = handle_of(body)
        return (
            None if handle is None else await asyncio.to_thread(self._long_files.keep, content, handle, size)
        )

    async def tidy(self) -> None:
        await asyncio.to_thread(self._tidy)

    def _tidy(self) -> None:
        try:
            self._long_files.tidy(lambda: self._file.connect(_connect_for_parts))
        except apsw.Error as error:
            raise translated(error) from None

    async def parts(self, content: int) -> AsyncGenerator[bytes, None]:
        parts = _Parts(self._file, self._long_files, content)
        try:
            while read := await asyncio.to_thread(parts.next):
                for data in read:
                    yield data
        finally:
            # In a thread, too: a part may just be read there, if the caller has gone.
            asyncio.get_running_loop().run_in_executor(None, parts.close)

    def _rows(self, sql: str, params: Sequence[Any]) -> list[Any]:
        def query(connection: apsw.Connection) -> list[Any]:
            return connection.execute(sql, params).fetchall() if has_table(connection, FILES) else []

        rows: list[Any] = self._whole(query)
        return rows


class _Parts:
    """Reads some parts after the other. Its connection maps no file into memory, and keeps no pages."""

    def __init__(self, file: OrganisationFile, long_files: LongFiles, content: int) -> None:
        self._file = file
        self._long_files = long_files
        self._content = content
        self._last = -1
        self._connection: apsw.Connection | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def next(self) -> list[bytes]:
        """The next parts; none after the last one."""
        with self._lock:
            if self._is_closed:
                return []
            try:
                if self._connection is None:
                    self._connection = self._file.connect(_connect_for_parts)
                params = (self._content, self._last)
                rows: list[Any] = self._connection.execute(_QUESTIONS.next_parts, params).fetchall()
                rows = self._long_files.whole(rows, 1)
            except LongFileMissing:
                return []  # It was swept just now.
            except apsw.Error as error:
                if "no such table" in str(error):
                    return []  # A snapshot without files was restored.
                raise translated(error) from None
            if rows:
                self._last = rows[-1][0]
            return [data for _, data in rows]

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()


def _connect_for_parts(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(_PATIENCE)
    connection.execute("PRAGMA cache_size = -512")
    return connection
