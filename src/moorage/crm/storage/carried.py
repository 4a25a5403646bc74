"""What of an organisation one storage gives to another, and what both say of it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from moorage.crm.errors import OrganisationInvalid, SnapshotUnwritable
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.storage import companions, files, old_tags, outbox, recycle_bin
from moorage.crm.storage.contract.departures import CopyOvertaken, DocumentRow, OrganisationRows
from moorage.storage.errors import DatabaseUnusable

MOST_TRIES = 5
PART = 2_000  # Rows that are in memory at a time.
PARTS_OF_FILES = 8  # The same of the bytes of files: 2 MB.
# The tables that every organisation has besides those of its modules, its metadata and its counters.
FIXED_TABLES: dict[str, Sequence[str]] = {
    "users": ("id", "full_name", "email", "shown"),
}
# The tables that are made by the first write into them, or that only older organisations have. Each `creation` does
# nothing if there is the table.
LATER_TABLES: Mapping[str, Sequence[str]] = {
    recycle_bin.TABLE: recycle_bin.COLUMNS,
    outbox.TABLE: outbox.COLUMNS,
    companions.TABLE: companions.COLUMNS,
    **files.TABLES,
    old_tags.TABLE: old_tags.COLUMNS,
}
# Only changes of the metadata write `STILL`. Whoever writes rows of `FOLLOWED` in PostgreSQL notes which ones
# (`changed.py`). Other tables are copied whole, while writers wait.
STILL = {"users"}
FOLLOWED = LATER_TABLES.keys()
# Each storage counts for itself where its full text is; PostgreSQL also the version of the metadata, and its moves.
_OWN_COUNTERS = ("text ", "version", "move")


def copy_unchanged(copy: Callable[[], None], begin_again: Callable[[], None]) -> None:
    """Copy an organisation, and once more if its fields were changed. Raises OrganisationInvalid after MOST_TRIES."""
    for _ in range(MOST_TRIES):
        try:
            copy()
        except CopyOvertaken:
            begin_again()
        else:
            return
    raise OrganisationInvalid(
        "The fields of the organisation were changed again and again while it was copied.",
        help="Repeat the command at a time when nobody changes them.",
    )


def carried_counters(rows: OrganisationRows) -> Sequence[tuple[str, int]]:
    """The counters that go with an organisation, and their values."""
    counters = rows.counters().items()
    return [(name, value) for name, value in counters if not name.startswith(_OWN_COUNTERS)]


def tables_beside_modules(rows: OrganisationRows) -> Mapping[str, Sequence[str]]:
    """The columns of `FIXED_TABLES`, and of those of `LATER_TABLES` that are there."""
    return FIXED_TABLES | {table: columns for table, columns in LATER_TABLES.items() if rows.columns(table)}


def later_creation(table: str, prefix: str, id_type: str) -> Sequence[str]:
    """The statements that make a table of `LATER_TABLES`; none for any other."""
    if table == recycle_bin.TABLE:
        return recycle_bin.creation(prefix, id_type)
    if table == companions.TABLE:
        return companions.creation(prefix, id_type)
    if table in files.TABLES:
        return files.creation(table, prefix, id_type)
    if table == old_tags.TABLE:
        return [old_tags.creation(prefix, id_type)]
    return [outbox.creation(prefix, id_type)] if table == outbox.TABLE else []


def part_of(table: str, rows: int) -> int:
    """How many rows of a table may be in memory at a time, if it is `rows` of others."""
    return min(rows, PARTS_OF_FILES) if table == files.PARTS else rows


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
