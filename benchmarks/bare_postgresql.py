"""What PostgreSQL alone takes: the very statements that an answer asks, run by psycopg without anything around them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import psycopg

from benchmarks.bare import Statement
from benchmarks.load import Sample
from moorage.crm.storage.postgresql.reader import Reader, Rows


@contextmanager
def overheard() -> Iterator[list[Statement]]:
    """Every statement that is read inside the block."""
    statements: list[Statement] = []
    fetch = Reader.fetch

    async def listening(self: Reader, sql: str, params: Sequence[Any]) -> Rows:
        statements.append((sql, params))
        return await fetch(self, sql, params)

    Reader.fetch = listening  # type: ignore[method-assign]
    try:
        yield statements
    finally:
        Reader.fetch = fetch  # type: ignore[method-assign]


class BareQueries:
    """Runs the statements of some answers in turn, prepared as the store prepares them, and fetches their rows."""

    def __init__(self, url: str, answers: Sequence[Sequence[Statement]]) -> None:
        self._connection = psycopg.connect(url, autocommit=True, prepare_threshold=1)
        for setting in ("jit", "max_parallel_workers_per_gather"):
            self._connection.execute(f"SET {setting} = 0")
        self._cursor = self._connection.cursor(binary=True)
        self._answers = answers

    def run(self, seconds: float) -> Sample:
        execute, fetch, answers = self._cursor.execute, self._cursor.fetchall, cycle(self._answers)
        before = time.process_time()
        started = now = time.perf_counter()
        count = 0
        while now < started + seconds:
            for sql, parameters in next(answers):
                execute(sql, parameters)
                fetch()
            count += 1
            now = time.perf_counter()
        return Sample(count / (now - started), (time.process_time() - before) / count * 1e6)

    def close(self) -> None:
        self._connection.close()
