"""Which organisations there are. The file also holds the accounts server's clients and tokens (`accounts/store.py`)."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import apsw
import msgspec

from moorage.crm.metadata.standard import OrganisationSpec
from moorage.crm.storage.sqlite.readers import transaction
from moorage.locks import FileLock
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import BUSY

_TABLES = {
    "organisations": """
    CREATE TABLE IF NOT EXISTS organisations (
        id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created_at INTEGER NOT NULL,
        spec BLOB NOT NULL, sample INTEGER NOT NULL
    )
    """,
    # Outlives the organisation, so that no other ever gets its id.
    "generations": (
        "CREATE TABLE IF NOT EXISTS generations (organisation INTEGER PRIMARY KEY, number INTEGER NOT NULL)"
    ),
    "unfinished": "CREATE TABLE IF NOT EXISTS unfinished (slug TEXT PRIMARY KEY) WITHOUT ROWID",
}


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """What the registry knows; `id` is the organisation's id in the API."""

    id: int
    slug: str
    name: str
    created_at: datetime


P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 5.0  # Seconds that a write waits for its turn and for the lock while a server runs.
_COMMANDS_PATIENCE = 10.0  # Of a command, which keeps nobody waiting but its own caller.


class Registry:
    """Several processes may hold one on the same file, and each thread has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = path.with_name("organisations.lock")
        self._own = threading.local()
        self._opened: list[apsw.Connection] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="crm-registry")
        path.touch(0o600)
        if not self._has_tables():  # A look at organisations needs no lock that another program may hold.
            with transaction(self.connection):
                for table in _TABLES.values():
                    self.connection.execute(table)

    @property
    def connection(self) -> apsw.Connection:
        """That of the thread which asks."""
        found: apsw.Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = apsw.Connection(str(self._path))
            self._opened.append(found)
            found.set_busy_timeout(int(_COMMANDS_PATIENCE * 1000))
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                found.execute(f"PRAGMA {pragma}")
        return found

    def _has_tables(self) -> bool:
        found = {row[0] for row in self.connection.execute("SELECT name FROM sqlite_schema")}
        return found >= _TABLES.keys()

    def only_read_here(self) -> None:
        """From now on this thread serves everybody, so it waits for no lock and writes nothing: `write` does."""
        self.connection.set_busy_timeout(0)
        self.connection.execute("PRAGMA query_only = ON")

    async def write(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Do in a thread what writes here. Raises DatabaseUnusable, apsw.BusyError: it waited in vain."""
        end = time.monotonic() + PATIENCE

        def within_time() -> T:
            left = end - time.monotonic()
            if left <= 0:
                raise DatabaseUnusable(
                    "The embedded CRM's registry can't be used: other writes wait for it.",
                    help=BUSY.fix,
                    kind=BUSY.kind,
                )
            self.connection.set_busy_timeout(int(left * 1000) + 1)
            return work(*given, **named)

        return await asyncio.get_running_loop().run_in_executor(self._writer, within_time)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While no other process makes, copies or removes whole organisations. A process that dies lets go of it.

        A lock of its own, because the registry's would keep others from their tokens for as long.
        """
        with FileLock(self._lock):
            yield

    def all(self) -> list[OrganisationRow]:
        """Oldest first."""
        sql = "SELECT id, slug, name, created_at FROM organisations ORDER BY created_at, id"
        return [_row(*row) for row in self.connection.execute(sql)]

    def find(self, slug: str) -> OrganisationRow | None:
        sql = "SELECT id, slug, name, created_at FROM organisations WHERE slug = ?"
        row = self.connection.execute(sql, (slug,)).fetchone()
        return _row(*row) if row else None

    def slug(self, identity: int) -> str | None:
        row = self.connection.execute("SELECT slug FROM organisations WHERE id = ?", (identity,)).fetchone()
        return str(row[0]) if row else None

    def given(self) -> list[int]:
        """The ids that organisations have, and those that deleted ones had."""
        return [int(row[0]) for row in self.connection.execute("SELECT organisation FROM generations")]

    def made_from(self, identity: int) -> tuple[OrganisationSpec, bool]:
        """What the organisation was created from, and whether with sample records."""
        row: Any = self.connection.execute(
            "SELECT spec, sample FROM organisations WHERE id = ?", (identity,)
        ).fetchone()
        return msgspec.json.decode(row[0], type=OrganisationSpec), bool(row[1])

    def generation(self, identity: int) -> int | None:
        """Differs whenever the organisation was made, restored or reset; None when there is none."""
        sql = (
            "SELECT ifnull(g.number, 0) FROM organisations o"
            " LEFT JOIN generations g ON g.organisation = o.id WHERE o.id = ?"
        )
        row = self.connection.execute(sql, (identity,)).fetchone()
        return int(row[0]) if row else None

    def announce(self, identity: int) -> None:
        """Tell every process that the organisation is not what it was."""
        self.connection.execute(
            "INSERT INTO generations VALUES (?, 1) ON CONFLICT DO UPDATE SET number = number + 1", (identity,)
        )

    def begin(self, slug: str) -> None:
        """Note what is to be removed, should this process die before the organisation is added."""
        self.connection.execute("INSERT OR IGNORE INTO unfinished VALUES (?)", (slug,))

    def add(self, row: OrganisationRow, spec: OrganisationSpec, *, sample: bool) -> None:
        values = (
            row.id,
            row.slug,
            row.name,
            row.created_at.timestamp(),  # With its fraction: two may be made within a second.
            msgspec.json.encode(spec),
            sample,
        )
        with transaction(self.connection):
            self.connection.execute("INSERT INTO organisations VALUES (?, ?, ?, ?, ?, ?)", values)
            self.announce(row.id)
            self.finish(row.slug)

    def remove(self, row: OrganisationRow) -> None:
        """Forget the organisation, its clients and tokens; what holds its records is left to be removed."""
        with transaction(self.connection):
            self.connection.execute("DELETE FROM organisations WHERE id = ?", (row.id,))
            self.begin(row.slug)

    def unfinished(self) -> list[str]:
        """The organisations that are to be removed."""
        return [str(row[0]) for row in self.connection.execute("SELECT slug FROM unfinished ORDER BY slug")]

    def finish(self, slug: str) -> None:
        self.connection.execute("DELETE FROM unfinished WHERE slug = ?", (slug,))

    def close(self) -> None:
        self._writer.shutdown()
        for connection in self._opened:
            connection.close()


def _row(identity: int, slug: str, name: str, created_at: float) -> OrganisationRow:
    return OrganisationRow(identity, slug, name, datetime.fromtimestamp(created_at, UTC))
