"""The files of an organisation, in statements that SQLite and PostgreSQL have in common.

The tables are made by the first file, because many organisations have none. All changes run in the turn of the
organisation's one writer, so there is nothing to lock. No index is unique, because a copy of an organisation that is
used meanwhile may for a while have rows of several moments.
"""

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO, TypeAlias

from moorage.crm.storage.contract.files import (
    LINGER,
    PART_SIZE,
    UNUSED,
    ContentGone,
    NewFile,
    StoredFile,
)

FILES, CONTENTS, PARTS = "files", "contents", "content_parts"
TABLES: Mapping[str, Sequence[str]] = {
    FILES: ("id", "key", "name", "size", "content", "link", "owner", "created_time", "created_by", "due"),
    CONTENTS: ("id", "digest", "size", "due"),
    PARTS: ("id", "content", "data"),
}
_SHOWN = ", ".join(TABLES[FILES][:-1])
_COLUMNS = {
    FILES: (
        "id {0} PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, size {0} NOT NULL, content {0}, link TEXT,"
        " owner {0}, created_time {0} NOT NULL, created_by {0} NOT NULL, due {0}"
    ),
    CONTENTS: "id {0} PRIMARY KEY, digest TEXT, size {0} NOT NULL, due {0}",
    PARTS: "id {0} PRIMARY KEY, content {0} NOT NULL, data {1} NOT NULL",
}
_INDEXES = {FILES: ("key", "owner", "content", "due"), CONTENTS: ("digest", "due"), PARTS: ("content, id",)}
_TYPE_OF_BYTES = {"INTEGER": "BLOB", "bigint": "bytea"}  # By the type of numbers.

AT_ONCE = 4  # Parts that are read at a time: 1 MB.

# Runs a statement with ? for its parameters. Gives its rows.
Ask: TypeAlias = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]
# Adds rows to a table.
AddRows: TypeAlias = Callable[[str, Sequence[Sequence[Any]]], None]
# What stands for the parts of a body that was kept: its name, and the place and the size of the bytes in it.
Places: TypeAlias = Callable[[str, int, int], Sequence[str]]
# Told which rows of a table are changed.
Note: TypeAlias = Callable[[str, Iterable[int]], None]


def creation(table: str, prefix: str, number_type: str) -> list[str]:
    """The statements that make one of `TABLES`. `prefix` is what the names of tables begin with."""
    columns = _COLUMNS[table].format(number_type, _TYPE_OF_BYTES[number_type])
    indexes = [
        f"CREATE INDEX IF NOT EXISTS {table}_by_{columns.partition(',')[0]} ON {prefix}{table} ({columns})"
        for columns in _INDEXES[table]
    ]
    return [f"CREATE TABLE IF NOT EXISTS {prefix}{table} ({columns})", *indexes]


class FileQuestions:
    """The statements of reads, with `?` for parameters."""

    def __init__(self, prefix: str) -> None:
        self.by_key = f"SELECT {_SHOWN} FROM {prefix}{FILES} WHERE key = ?"
        self._by_owners = f"SELECT {_SHOWN} FROM {prefix}{FILES} WHERE owner IN ({{}}) ORDER BY id"
        self.owned_after = (
            f"SELECT {_SHOWN} FROM {prefix}{FILES} WHERE id > ? AND owner IS NOT NULL ORDER BY id LIMIT ?"
        )
        self.due = (
            f"SELECT id FROM {prefix}{FILES} WHERE due <= ? UNION ALL SELECT id FROM {prefix}{CONTENTS}"
            " WHERE due <= ? LIMIT 1"
        )
        self.content = f"SELECT id FROM {prefix}{CONTENTS} WHERE digest = ?"
        self.next_parts = (
            f"SELECT id, data FROM {prefix}{PARTS} WHERE content = ? AND id > ? ORDER BY id LIMIT {AT_ONCE}"
        )

    def by_owners(self, owners: Sequence[int]) -> str:
        return self._by_owners.format(", ".join("?" * len(owners)))


def kept_ids(content: int, size: int) -> range:
    """The ids of the parts of a body that is kept."""
    return range(content + 1, content + 1 + -(-size // PART_SIZE))


def handle_of(body: BinaryIO) -> int | None:
    """Another handle of a file on the disk, for a thread that may outlast the call."""
    try:
        return os.dup(body.fileno())
    except OSError:
        return None


def by_owner(rows: Sequence[Sequence[Any]]) -> dict[int, list[StoredFile]]:
    files: dict[int, list[StoredFile]] = {}
    for row in rows:
        file = StoredFile(*row)
        if file.owner is not None:
            files.setdefault(file.owner, []).append(file)
    return files


class FileTables:
    """`FileChanges` of the contract. `make` makes the tables if they are not there; `exist` says whether they are.

    Without `places`, the parts of a body that is kept are in their table already.
    """

    def __init__(
        self,
        ask: Ask,
        prefix: str,
        now: int,
        new_ids: Callable[[int], Sequence[int]],
        exist: Callable[[], bool],
        make: Callable[[], None],
        add_rows: AddRows,
        note: Note = lambda *_: None,
        places: Places | None = None,
    ) -> None:
        self._ask = ask
        self._add_rows = add_rows
        self._prefix = prefix
        self._now = now
        self._new_ids = new_ids
        self._exist = exist
        self._make = make
        self._note = note
        self._places = places
        self._written = f"SELECT coalesce(sum(length(data)), 0) FROM {prefix}{PARTS} WHERE content = ?"
        self._questions = FileQuestions(prefix)

    def begin_content(self, parts: int = 0) -> int:
        self._make()
        content = self._new_ids(1 + parts)[0]
        self._insert(CONTENTS, (content, None, 0, self._now + UNUSED))
        return content

    def add_parts(self, content: int, parts: Iterable[bytes | str]) -> None:
        self._require_unfinished(content)
        added = list(parts)
        ids = self._new_ids(len(added))
        self._add_rows(PARTS, [(i, content, part) for i, part in zip(ids, added, strict=True)])
        self._note(PARTS, ids)

    def add_kept(self, content: int, name: str, start: int, size: int) -> None:
        self._require_unfinished(content)
        ids = kept_ids(content, size)
        if self._places is not None:
            self._add_rows(
                PARTS, [(i, content, p) for i, p in zip(ids, self._places(name, start, size), strict=True)]
            )
        elif self._ask(self._written, (content,))[0][0] != size:
            raise ContentGone  # The server has lost what it had not flushed, and runs again.
        self._note(PARTS, ids)

    def finish_content(self, content: int, digest: str, size: int) -> int:
        self._require_unfinished(content)
        same = self.content_of(digest)
        if same is not None:
            self._change(CONTENTS, "due = ?", "id = ?", (self._now, content))
            return same
        self._change(CONTENTS, "digest = ?, size = ?", "id = ?", (digest, size, content))
        return content

    def content_of(self, digest: str) -> int | None:
        if not self._exist():
            return None
        rows = self._ask(self._questions.content, (digest,))
        return int(rows[0][0]) if rows else None

    def add(self, files: Iterable[NewFile]) -> list[StoredFile]:
        self._make()
        return [self._add(file) for file in files]

    def _add(self, file: NewFile) -> StoredFile:
        [new_id] = self._new_ids(1)
        key = secrets.token_hex(40)
        stored = StoredFile(
            new_id, key, file.name, file.size, file.content, file.link, file.owner, self._now, file.created_by
        )
        due = self._now + UNUSED if file.owner is None else None
        self._insert(FILES, (*(getattr(stored, name) for name in StoredFile.__struct_fields__), due))
        if file.content is not None:
            self._change(CONTENTS, "due = NULL", "id = ?", (file.content,))
        return stored

    def find(self, keys: Iterable[str]) -> Mapping[str, StoredFile]:
        if not self._exist():
            return {}
        rows = [row for key in keys for row in self._ask(self._questions.by_key, (key,))]
        return {file.key: file for file in (StoredFile(*row) for row in rows)}

    def owned_by(self, owners: Iterable[int]) -> Mapping[int, list[StoredFile]]:
        asked = list(owners)
        if not asked or not self._exist():
            return {}
        return by_owner(self._ask(self._questions.by_owners(asked), asked))

    def give(self, owners: Mapping[int, int]) -> None:
        for file, owner in owners.items():
            self._change(FILES, "owner = ?, due = NULL", "id = ?", (owner, file))

    def remove(self, files: Iterable[int]) -> None:
        if self._exist():
            for file in files:
                self._remove(file)

    def remove_all_of(self, owners: Iterable[int]) -> None:
        self.remove([file.id for files in self.owned_by(owners).values() for file in files])

    def _remove(self, file: int) -> None:
        for (content,) in self._delete(FILES, "id = ?", (file,), "content"):
            if content is not None:
                unnamed = f"id = ? AND NOT EXISTS (SELECT 1 FROM {self._prefix}{FILES} WHERE content = ?)"
                self._change(CONTENTS, "due = ?", unnamed, (self._now + LINGER, content, content))

    def sweep(self, most: int) -> bool:
        if not self._exist():
            return False
        files = self._due(FILES, most)
        if files:
            self.remove(files)
            return True
        for content in self._due(CONTENTS, 1):
            # From the first part on, it can neither be found nor written any more.
            self._change(CONTENTS, "digest = NULL, size = -1", "id = ?", (content,))
            some = f"SELECT id FROM {self._prefix}{PARTS} WHERE content = ? ORDER BY id LIMIT {most:d}"
            parts = self._delete(PARTS, f"id IN ({some})", (content,), "id")
            if len(parts) < most:
                self._delete(CONTENTS, "id = ?", (content,), "id")
            return True
        return False

    def _due(self, table: str, most: int) -> list[int]:
        sql = f"SELECT id FROM {self._prefix}{table} WHERE due <= ? ORDER BY due LIMIT {most:d}"
        return [row for (row,) in self._ask(sql, (self._now,))]

    def _require_unfinished(self, content: int) -> None:
        sql = f"SELECT id FROM {self._prefix}{CONTENTS} WHERE id = ? AND digest IS NULL AND size = 0"
        if not self._exist() or not self._ask(sql, (content,)):
            raise ContentGone

    def _insert(self, table: str, row: Sequence[Any]) -> None:
        places = ", ".join("?" * len(row))
        self._ask(f"INSERT INTO {self._prefix}{table} VALUES ({places}) RETURNING id", row)
        self._note(table, (row[0],))

    def _change(self, table: str, sets: str, where: str, params: Sequence[Any]) -> None:
        sql = f"UPDATE {self._prefix}{table} SET {sets} WHERE {where} RETURNING id"
        self._note(table, [row for (row,) in self._ask(sql, params)])

    def _delete(self, table: str, where: str, params: Sequence[Any], given: str) -> list[Sequence[Any]]:
        rows = self._ask(f"DELETE FROM {self._prefix}{table} WHERE {where} RETURNING id, {given}", params)
        self._note(table, [row[0] for row in rows])
        return [row[1:] for row in rows]
