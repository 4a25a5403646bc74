"""The files in an organisation's schema."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from moorage.crm.storage.contract.files import PART_SIZE, StoredFile
from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.storage.files import (
    PARTS,
    TABLES,
    FileQuestions,
    FileTables,
    Note,
    by_owner,
    handle_of,
    kept_ids,
)
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.postgresql.statements import Statements

# Gives the rows of a question, or none if there are no tables for files.
AskFiles = Callable[[str, Sequence[Any]], Awaitable[Sequence[Sequence[Any]]]]
_PART_TYPES = ("int8", "int8", "bytea")


def files_of(
    statements: Statements,
    schema: str,
    now: int,
    new_ids: Callable[[int], Sequence[int]],
    exist: Callable[[], bool],
    make: Callable[[], None],
    note: Note,
) -> FileTables:
    def add_rows(table: str, rows: Sequence[Sequence[Any]]) -> None:
        statements.write(f"{schema}.{table}", TABLES[table], _PART_TYPES, rows)

    return FileTables(statements.ask, f"{schema}.", now, new_ids, exist, make, add_rows, note)


class PostgresqlFileReads:
    """`FileReads` of the contract."""

    def __init__(self, server: PostgresqlServer, schema: str, ask: AskFiles) -> None:
        self._server = server
        self._schema = schema
        self._ask = ask
        self._questions = FileQuestions(f"{schema}.")

    async def find(self, key: str) -> StoredFile | None:
        rows = await self._rows(self._questions.by_key, (key,))
        return StoredFile(*rows[0]) if rows else None

    async def owned_by(self, owners: Iterable[int]) -> Mapping[int, list[StoredFile]]:
        asked = list(owners)
        return by_owner(await self._rows(self._questions.by_owners(asked), asked)) if asked else {}

    async def owned_after(self, file: int, limit: int) -> list[StoredFile]:
        return [StoredFile(*row) for row in await self._rows(self._questions.owned_after, (file, limit))]

    async def has_due(self, now: int) -> bool:
        return bool(await self._rows(self._questions.due, (now, now)))

    async def has_content(self, digest: str) -> bool:
        return bool(await self._rows(self._questions.content, (digest,)))

    async def keep(self, content: int, body: BinaryIO, start: int, size: int) -> str | None:
        """Write the parts in a transaction of their own, as one stream: nobody finds them, and no writer waits."""
        handle = handle_of(body)
        if handle is None:
            return None
        await self._server.stream(partial(self._write, content, handle, start, size))
        return PARTS

    def _write(self, content: int, handle: int, start: int, size: int) -> None:
        ids = kept_ids(content, size)
        places = range(start, start + size, PART_SIZE)
        rows = (
            (i, content, os.pread(handle, min(PART_SIZE, start + size - place), place))
            for i, place in zip(ids, places, strict=True)
        )
        try:
            with (
                self._server.lend(self._schema) as connection,
                Statements(connection).committed() as statements,
            ):
                statements.stream(f"{self._schema}.{PARTS}", TABLES[PARTS], _PART_TYPES, rows)
        finally:
            os.close(handle)

    async def tidy(self) -> None:
        """Nothing is kept beside the database."""

    async def parts(self, content: int) -> AsyncGenerator[bytes, None]:
        following = self._read_on(content, -1)
        try:
            while rows := await following:
                following = self._read_on(content, rows[-1][0])  # While these are sent.
                for _, data in rows:
                    yield data
        finally:
            await asyncio.gather(following, return_exceptions=True)

    def _read_on(self, content: int, last: int) -> "asyncio.Future[list[tuple[int, bytes]]]":
        return asyncio.ensure_future(asyncio.to_thread(self._next_parts, content, last))

    def _next_parts(self, content: int, last: int) -> list[tuple[int, bytes]]:
        """The next parts, read in a transaction of their own."""
        with suppress(StoreClosed), self._server.lend(self._schema) as connection:
            cursor = connection.cursor(binary=True)
            sql = self._questions.next_parts.replace("?", "%s")
            return cursor.execute(sql, (content, last)).fetchall()
        return []  # A snapshot without files was restored.

    async def _rows(self, sql: str, params: Sequence[Any]) -> Sequence[Sequence[Any]]:
        return await self._ask(sql.replace("?", "%s"), params)
