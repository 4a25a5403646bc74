"""What a store of one organisation's records promises. SQLite implements it; PostgreSQL can be a second store.

`tests/contracts` checks every store against it, and has a store in memory that does nothing else. To make, open, copy
and remove whole organisations is the part of `OrganisationStorage` in `organisations.py`.

A row is a mapping from columns to stored values, None for no value. A field's column is `Field.column`; a lookup into
several modules has a second one, `Field.module_column`, for the `Module.number` of the record it points to. How a value
is stored (first column) and shown (second column) depends on `Field.storage`:

    text, date           a str; a date as 2026-02-06                    the same
    integer, real        an int, a float                                the same
    bigint               an int                                         its digits, as text
    boolean              0 or 1                                         false or true
    datetime             an int: seconds since the epoch                in the organisation's zone (`metadata/times.py`)
    list, json           JSON text: an array of strings; any JSON       the same
    tags                 JSON text: `name`, `id`, `color_code` of each  the same; [] where there are none
    user                 an int: the full id of 19 digits               `name`, `id` and `email`
    id                   the same                                       its digits, as text
    lookup               the same                                       `name` and `id` of the record it points to

No value, or a record that is gone, is shown as null. A `multi_module_lookup` first shows the `module` of the record, by
`api_name` and `id`. A subform has no column, and neither has a field of links: their rows are records of a module of
their own, which point to their parent. They are shown in the order of their ids, with the keys of `shown.row_names`.
A `personal` field has no column, and is shown as null: the values that each user has are companions.
`metadata/shown.py` has all other keys that a record shows, with their values; a store only writes them out.

Reads give JSON text that is ready to send: lists are fast because the database builds it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.shown import Shape
from moorage.crm.query.selection import Selection
from moorage.crm.query.tree import Checked
from moorage.crm.storage.contract.aggregates import Aggregate
from moorage.crm.storage.contract.companions import Companion, CompanionPage, Companions, CompanionsOf
from moorage.crm.storage.contract.files import FileChanges, FileReads
from moorage.crm.storage.contract.lines import Column, Lines
from moorage.crm.storage.contract.metadata import MetadataTransaction
from moorage.crm.storage.contract.outbox import Outbox
from moorage.crm.storage.contract.recycle_bin import BinEntry, InBin, RecycleBin

T = TypeVar("T")
Row: TypeAlias = dict[str, Any]


class StoreClosed(Exception):
    """The store was closed, or its organisation is gone or changed. Nothing was done: open it again, and call again."""


class TookTooLong(Exception):
    """A read was given up: no index backs it, and there are too many records to look at all of them.

    Or work within `RecordStore.together` was not done in time.
    """


class ChangesMetadata(Exception):
    """The metadata can't be changed within `RecordStore.together`."""


class Order(Struct, frozen=True):
    """An order by one field, and by id where values are equal, both in the same direction.

    Text is ordered by code points, with A to Z as a to z. Records without a value come first in ascending order, and
    last in descending order.
    """

    field: Field
    descending: bool


class Position(Struct, frozen=True):
    """The place of a record in an order: its value of the order's field (None for an order by id), and its id.

    Only for orders by id and by fields that have a value in every record.
    """

    key: Any
    id: int


class Window(Struct, frozen=True):
    """The part of a list behind a position, or behind `offset` records; backwards: the last records before it."""

    limit: int
    offset: int = 0
    start: Position | None = None
    backwards: bool = False


class Ids(Struct, frozen=True):
    ids: tuple[int, ...]


class ModifiedSince(Struct, frozen=True):
    timestamp: int


class FlagIs(Struct, frozen=True):
    field: Field
    value: bool


class Present(Struct, frozen=True):
    """All records pass if there is a record of the module with this id, and otherwise none."""

    module: Module
    id: int


Filter: TypeAlias = Checked | Ids | ModifiedSince | FlagIs | Present


class Page(Struct, frozen=True):
    """`data` is a JSON array of records in order; `first` and `last` are their positions.

    `more` says whether records follow; after a page that was reached backwards some always do.
    """

    data: bytes
    count: int
    first: Position | None
    last: Position | None
    more: bool


class Transaction(Protocol):
    """One all-or-nothing group of changes. `now` is when it began, in whole seconds since the epoch.

    It reads what it has written. Each call is a question to the database, which may be on another machine: a request
    asks once for all its records, and never once for each (`records/batch.py`).
    """

    now: int

    def new_ids(self, count: int) -> range:
        """New ids, greater than every id of a change that was acknowledged before."""

    def next_numbers(self, field: Field, count: int) -> range:
        """The next numbers of an autonumber field, which counts from 1."""

    def existing(self, module: Module, ids: Iterable[int]) -> set[int]:
        """Those of the ids that are records of the module."""

    def rows(self, module: Module, ids: Iterable[int]) -> dict[int, Row]:
        """By id, all columns of the records that exist, `id` included."""

    def matching(self, module: Module, field: Field, values: Sequence[Any]) -> dict[Any, list[int]]:
        """By value, the ids of the two oldest records that have it in the field, text regardless of (ASCII) case."""

    def children(self, module: Module, parent_column: str, parents: Iterable[int]) -> dict[int, list[Row]]:
        """By parent, its rows in a module of rows, oldest first. A parent without rows is left out."""

    def aggregates(
        self, module: Module, lookup: Field, wanted: Sequence[Aggregate], parents: Iterable[int]
    ) -> dict[int, list[Any]]:
        """By parent, each aggregate over the records of the module whose lookup points to it.

        A parent to which no record points is left out.
        """

    def insert(self, module: Module, rows: Sequence[Row]) -> None:
        """Each row has an `id`. Columns that it leaves out are empty.

        Raises for a value of a unique field that another record has.
        """

    def update(self, module: Module, changes: Mapping[int, Row]) -> None:
        """Set the named columns of each record that exists, in this order."""

    def recycle(self, module: Module, records: Iterable[int], by: int) -> set[int]:
        """Move records to the recycle bin, with `Catalog.rows_pointing_to` them; gives the records that existed."""

    def drop(self, module: Module, records: Iterable[int]) -> None:
        """Remove rows for good, and not into the recycle bin: this is for the rows of fields."""

    def containing(self, module: Module, field: Field, part: str, after: int, most: int) -> dict[int, Any]:
        """By id, the values of a field that is stored as text, of the first records whose text contains the part.

        They are in the order of their ids, which are greater than `after`.
        """

    def take_old_tags(self) -> Sequence[tuple[int, int, str]]:
        """The tags that were made before tags were companions: id, number of the module, name. They are removed."""

    def emit(self, kind: str, payload: Any) -> None:
        """Put an event with any JSON value into the organisation's outbox, if the job is committed."""

    @property
    def is_watched(self) -> bool:
        """Whether somebody wants events of changes (`watch`). The answer costs next to nothing."""

    def watch(self, until: int) -> None:
        """Let transactions be watched until this time, in seconds since the epoch. It replaces an earlier one."""

    @property
    def outbox(self) -> Outbox:
        """The events that were not dealt with yet."""

    @property
    def companions(self) -> Companions:
        """The small documents that belong to records, or to the organisation."""

    @property
    def files(self) -> FileChanges: ...

    @property
    def bin(self) -> RecycleBin: ...


class Deleted(Struct, frozen=True):
    """A filter of the recycle bin's list; `kind` None means every kind."""

    kind: str | None
    since: int | None


class RecordStore(Protocol):
    """There may be several stores of one organisation, in several processes: all show what one of them has written.

    Every call raises StoreClosed, at once or through its awaitable, when the store is closed. The awaitable of a read
    may raise TookTooLong.
    """

    @property
    def closed(self) -> bool:
        """Whether the store was closed, its organisation is gone, or the metadata have changed since it was opened.

        This is asked for each call of the API, so that a call shows every change of the metadata that was acknowledged
        before. A store that has to ask its database for that learns it from reads and writes, and from `confirm`.
        """

    @property
    def confirm(self) -> Callable[[], Awaitable[None]] | None:
        """Makes sure that the metadata have not changed since the store was opened. Raises StoreClosed.

        It is for calls that ask nothing else of the store. None if `closed` is always right.
        """

    def page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Page | Awaitable[Page]:
        """A page of the records that pass every filter.

        The caller's thread is that of the event loop. So only a read that an index makes short answers at once; others
        give an awaitable.
        """

    def record(self, module: Module, shape: Shape, record: int) -> bytes | Awaitable[bytes | None] | None:
        """A record as a JSON object; None if there is none with this id."""

    def count(self, module: Module, filters: Sequence[Filter]) -> Awaitable[int]:
        """How many records pass every filter."""

    def lines(
        self, module: Module, columns: Sequence[Column], filters: Sequence[Filter], after: int, limit: int
    ) -> Awaitable[Lines]:
        """The first records by id, behind the id `after`, that pass every filter."""

    def select(self, selection: Selection, filters: Sequence[Filter]) -> Page | Awaitable[Page]:
        """The records or groups of a selection; records have to pass every filter, too.

        `data` has the keys of the selection. The page has no positions. As by `page`, only what an index makes short is
        answered at once.
        """

    def deleted(self, module: Module, which: Deleted, window: Window) -> Page | Awaitable[Page]:
        """A page of the recycle bin, latest first. The window has an offset and no position.

        Each entry shows `deleted_by`, `id`, `display_name`, `type` (its kind), `created_by` and `deleted_time`; users
        are shown by `name` and `id`.
        """

    def bin_entries(self, which: InBin, window: Window) -> Awaitable[Sequence[BinEntry]]:
        """Records in the recycle bin; one more than the window can hold says that others follow."""

    def bin_count(self, which: InBin) -> Awaitable[int]:
        """How many records in the recycle bin meet the conditions."""

    def companions(self, which: CompanionsOf, window: Window) -> CompanionPage | Awaitable[CompanionPage]:
        """A page of companions in the order of their ids. The window has an offset and no position."""

    def companion(self, kind: str, companion: int) -> Companion | Awaitable[Companion | None] | None:
        """A companion of a kind; None if there is none with this id."""

    @property
    def files(self) -> FileReads: ...

    def write(self, job: Callable[[Transaction], T], *, lasting: bool = True) -> Awaitable[T]:
        """Run the job in a transaction of the organisation's one writer. When it returns, its changes are durable.

        Those of a job that is not `lasting` are durable with the next one that is. They don't wait for the disk.

        Jobs that wait at the same time are committed together. An error that a job raises undoes this job only. The job
        runs in another thread.
        """

    def change_metadata(self, job: Callable[[MetadataTransaction], T]) -> Awaitable[T]:
        """Change the organisation's metadata in one durable step. An error that the job raises undoes all of it.

        Every other store of the organisation, in any process, is closed before its next read or write with the old
        metadata. Raises ValuesRepeat.
        """

    def together(self, work: Callable[["RecordStore"], Awaitable[T]], seconds: float) -> Awaitable[T]:
        """Do work in one transaction of the organisation's one writer. When it returns, its changes are durable.

        The store that the work is given writes and reads within the transaction: it reads what was written. If the
        work raises, nothing of it has happened. Other writers wait meanwhile. So all of it may take so many seconds,
        and raises TookTooLong then. The store's `change_metadata` raises ChangesMetadata.
        """

    def moment(self) -> AbstractAsyncContextManager["RecordStore"]:
        """A store that only reads, one call at a time, and sees the organisation as it is now until the context ends.

        Writers go on meanwhile. So does whoever changes the metadata: the store does not notice. The database can't
        forget older states before the end.
        """

    def close(self) -> None:
        """Finish the writes that wait, and release everything. Reads that have begun come to their end."""
