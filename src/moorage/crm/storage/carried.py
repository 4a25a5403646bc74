"""An organisation as rows, in which one storage gives it to another.

Ids, texts and numbers are the same in every storage; JSON is text. Full text and indexes are not carried: they are made
of the rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from moorage.crm.errors import OrganisationInvalid, SnapshotUnwritable
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.storage.errors import DatabaseUnusable

ColumnType: TypeAlias = Literal["text", "integer", "real"]
Part: TypeAlias = Sequence[Sequence[Any]]
# Id, kind, module, name and body of a document.
DocumentRow: TypeAlias = tuple[int, str, int, str, str]
# Called with a number of records that were just carried.
Progress: TypeAlias = Callable[[int], None]

PART = 2_000  # Rows that are in memory at a time.
# The tables that every organisation has besides those of its modules, its metadata and its counters.
FIXED_TABLES: Mapping[str, Sequence[str]] = {
    "users": ("id", "full_name", "email", "shown"),
    "tags": ("id", "module", "name"),
    "recycle": (
        "id", "module", "display_name", "deleted_by", "created_by", "deleted_time", "kind", "body",
    ),
}  # fmt: skip
# Each storage counts for itself where its full text is; PostgreSQL also the version of the metadata, and its moves.
_OWN_COUNTERS = ("text ", "version", "move")


class OrganisationRows(Protocol):
    """An organisation at one moment. `version` is that of its metadata."""

    @property
    def version(self) -> int: ...

    def documents(self) -> Sequence[DocumentRow]:
        """The metadata in their order."""

    def counters(self) -> Mapping[str, int]:
        """All counters, also those that only this storage has."""

    def columns(self, table: str) -> Mapping[str, ColumnType]:
        """The columns of a module's table, also those of fields that were removed. Empty if there is no such table."""

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[Part]:
        """All rows in the order of their ids, in parts of at most `PART`."""


def is_carried(counter: str) -> bool:
    return not counter.startswith(_OWN_COUNTERS)


def catalog_of(documents: Sequence[DocumentRow]) -> Catalog:
    decode = msgspec.json.Decoder().decode
    return Catalog(
        Metadata(
            Document(i, kind, module, name, decode(body))  # type: ignore[arg-type]
            for i, kind, module, name, body in documents
        )
    )


def no_snapshot(source: Path, slug: str) -> OrganisationInvalid:
    return OrganisationInvalid(
        f"{source} is damaged, or is not a snapshot of {slug!r}.",
        help="Use a file that `crm org snapshot` made of this organisation.",
    )


def on_its_way(slug: str) -> DatabaseUnusable:
    return DatabaseUnusable(
        f"The organisation {slug!r} is on its way to another database.",
        help=f"If its move was interrupted, the same `moorage crm org move {slug} --to …` brings it to its end.",
        kind="busy",
        retry_after=1,
    )


def unwritable(target: Path, error: Exception) -> SnapshotUnwritable:
    return SnapshotUnwritable(
        f"The snapshot {target} can't be written: {error}.",
        help="Use a folder that exists, can be written to, and is on a disk with room.",
    )
