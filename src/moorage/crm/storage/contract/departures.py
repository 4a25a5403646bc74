"""What storages promise about an organisation that goes from one of them to another while it is used.

It goes as rows. Ids, texts, numbers and bytes are the same in every storage; JSON is text. Full text and indexes are
not carried: they are made of the rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeAlias

ColumnType: TypeAlias = Literal["text", "integer", "real", "bytes"]
Part: TypeAlias = Sequence[Sequence[Any]]
# Id, kind, module, name and body of a document.
DocumentRow: TypeAlias = tuple[int, str, int, str, str]
# Called with a number of records that were just carried.
Progress: TypeAlias = Callable[[int], None]
# Ids of rows that have changed or are gone, by table.
ChangedIds: TypeAlias = Mapping[str, Sequence[int]]


class CopyOvertaken(Exception):
    """The metadata of the organisation have changed, or it was restored: the copy has to begin again."""


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

    def rows(self, table: str, columns: Sequence[str], ids: Sequence[int] | None = None) -> Iterator[Part]:
        """The rows in the order of their ids, in parts. With `ids`, only those. `columns` has "id"."""


class Held(Protocol):
    """An organisation to which nobody writes at the moment, because it is about to leave its place."""

    rows: OrganisationRows
    changed: ChangedIds  # As `Departing.changes` gives them.

    def close(self) -> None:
        """Let nobody use the organisation any more, from this moment, and in every process.

        This lasts until `reopen`, or until the organisation is made anew, restored or removed. `open` raises
        DatabaseUnusable meanwhile.
        """


class Departing(Protocol):
    """An organisation whose changes are written down while it is copied. All methods raise CopyOvertaken."""

    def everything(self) -> AbstractContextManager[OrganisationRows]:
        """All rows. Those that change meanwhile may be of several moments: `changes` has them again."""

    def changes(self) -> AbstractContextManager[tuple[OrganisationRows, ChangedIds]]:
        """The organisation at one moment, and what has changed in it since the last changes were taken."""

    def hold(self) -> AbstractContextManager[Held]:
        """The context in which writers wait."""


class Arriving(Protocol):
    """A copy that is made of an organisation. It is at its place once its context has ended without an error."""

    def fill(self, rows: OrganisationRows, progress: Progress) -> None:
        """Make the copy of all rows, without indexes: unique values may meet as long as changes are missing."""

    def change(self, rows: OrganisationRows, changed: ChangedIds) -> None:
        """Bring the copy to the moment of `rows`."""

    def index(self) -> None: ...
