"""What a store of one organisation's records promises. SQLite implements it; PostgreSQL can be a second.

`tests/contracts` asks every store for all of it, and has one in memory that does nothing else. Where organisations are
kept, and how one is made, opened, copied and removed, is `OrganisationStorage` in `organisations.py`.

Rows travel as mappings from column to stored value, None where there is none. A field's column is `Field.column`; a
lookup into several modules has a second one, `Field.module_column`, for the `Module.number` that its id is of. By
`Field.storage` the value is stored as the one and shown as the other:

    text, date           a str; a date as 2026-02-06                    the same
    integer, real        an int, a float                                the same
    bigint               an int                                         its digits, as text
    boolean              0 or 1                                         false or true
    datetime             an int: seconds since the epoch                in the organisation's zone (`metadata/times.py`)
    list, json           JSON text: an array of strings, any shape      the same
    tags                 JSON text: objects with `id` and `name`        the same; [] where there are none
    user                 an int: the full id of 19 digits               `name`, `id` and `email`
    id                   the same                                       its digits, as text
    lookup               the same                                       `name` and `id` of the record it points to

and null where there is no value, or no record any more. A `multi_module_lookup` shows first of all which `module` the
record is of, by `api_name` and `id`. A subform has no column: its rows are records of a module of their own, which
point to their parent; they are shown in the order of their ids, with the keys that `shown.row_names` gives. Which other
keys a record shows, and their values, `metadata/shown.py` knows: a store only writes them down.

Reads give JSON text ready to send, because building it in the database is what makes lists fast.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.shown import Shape
from moorage.crm.query.tree import Checked
from moorage.crm.storage.contract.metadata import MetadataTransaction

T = TypeVar("T")
Row: TypeAlias = dict[str, Any]


class StoreClosed(Exception):
    """The store was closed, or what it stood on is gone. Nothing was done: open the organisation anew and ask again."""


class TookTooLong(Exception):
    """A read was given up, because no index backs it and there are too many records to look at them all."""


@dataclass(frozen=True, slots=True)
class Order:
    """By one field, and by id among equals, both in the same direction.

    Text goes by its code points, except that A to Z count as a to z. Records without a value come first ascending and
    last descending.
    """

    field: Field
    descending: bool


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a record: the order field's value (None when ordered by id) and the id.

    Only of orders by id and by fields that every record has a value for.
    """

    key: Any
    id: int


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the ordered records: after a position, or after `offset` records; backwards, the last before it."""

    limit: int
    offset: int = 0
    start: Position | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Ids:
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModifiedSince:
    timestamp: int


@dataclass(frozen=True, slots=True)
class FlagIs:
    field: Field
    value: bool


Filter: TypeAlias = Checked | Ids | ModifiedSince | FlagIs


@dataclass(frozen=True, slots=True)
class Page:
    """`data` is a JSON array of records in order; `first` and `last` are their positions.

    `more` says if others follow; of a page that was reached backwards some always do.
    """

    data: bytes
    count: int
    first: Position | None
    last: Position | None
    more: bool


class Transaction(Protocol):
    """One all-or-nothing group of changes. `now` is when it began, in whole seconds since the epoch.

    It reads what it has written. Each call is a question to the database, which may be elsewhere: a request asks once
    for all its records, and never once for each (`records/batch.py`).
    """

    now: int

    def new_ids(self, count: int) -> range:
        """Ids that were in no acknowledged change before, greater than all of those."""

    def next_numbers(self, field: Field, count: int) -> range:
        """The next counts of an autonumber field, from 1."""

    def existing(self, module: Module, ids: Iterable[int]) -> set[int]:
        """Those of the ids that are records of the module."""

    def rows(self, module: Module, ids: Iterable[int]) -> dict[int, Row]:
        """Every column of those records that there are, `id` among them."""

    def matching(self, module: Module, field: Field, values: Sequence[Any]) -> dict[Any, list[int]]:
        """By value, ids of the two oldest records whose field equals it, text regardless of (ASCII) case."""

    def children(self, module: Module, parent_column: str, parents: Iterable[int]) -> dict[int, list[Row]]:
        """By parent, the rows of a subform whose parent that is, oldest first; nothing of one without any."""

    def insert(self, module: Module, rows: Sequence[Row]) -> None:
        """Each row has its `id`; columns left out are empty.

        Raises for a value of a unique field that another record has.
        """

    def update(self, module: Module, changes: Mapping[int, Row]) -> None:
        """Change the columns named of each record, if there is one, in this order."""

    def recycle(self, module: Module, records: Iterable[int], by: int) -> set[int]:
        """Move records to the recycle bin, with the rows of their subforms; gives those that were there."""

    def drop(self, module: Module, records: Iterable[int]) -> None:
        """Remove rows for good, without a trace: for the rows of subforms."""

    def tags(self, module: Module, names: Sequence[str]) -> dict[str, int]:
        """By name, the ids of a module's tags, made where they are new; (ASCII) case makes no other tag."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """Filter of the recycle bin's list; `kind` None means every kind."""

    kind: str | None
    since: int | None


class RecordStore(Protocol):
    """Several stores, in several processes, may stand on one organisation: what one has written, all of them show.

    Every call raises StoreClosed, at once or through its awaitable, when the store is closed. What gives an awaitable
    to read may raise TookTooLong through it.
    """

    @property
    def closed(self) -> bool:
        """Whether the store was closed, or what it stood on is gone, or the metadata are no longer those it knows.

        Asked for each call of the API: whatever change of the metadata somebody was told of before, shows.
        """

    def page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Page | Awaitable[Page]:
        """A page of the records that every filter lets through.

        Answers at once when an index leads there soon, else through an awaitable: the caller's thread is the event
        loop's.
        """

    def record(self, module: Module, shape: Shape, record: int) -> bytes | Awaitable[bytes | None] | None:
        """One record as a JSON object, None when there is none."""

    def count(self, module: Module, filters: Sequence[Filter]) -> Awaitable[int]:
        """How many records every filter lets through."""

    def deleted(self, module: Module, which: Deleted, window: Window) -> Page | Awaitable[Page]:
        """A page of the recycle bin, latest first; the window has an offset and no position.

        Each shows `deleted_by`, `id`, `display_name`, `type` (its kind), `created_by` and `deleted_time`; of the two
        users their `name` and `id`.
        """

    def write(self, job: Callable[[Transaction], T]) -> Awaitable[T]:
        """Run the job in a transaction of the organisation's one writer; durable, and shown, when it returns.

        Jobs that wait at the same time are committed together. What a job raises undoes that job alone. The job runs
        in another thread.
        """

    def change_metadata(self, job: Callable[[MetadataTransaction], T]) -> Awaitable[T]:
        """Change the organisation's metadata in one durable step. What the job raises undoes it all.

        Whoever has a store on the organisation, in whatever process, finds it closed before their next read or write by
        the metadata of before. Raises ValuesRepeat.
        """

    def close(self) -> None:
        """Finish the writes at hand and release everything. Reads that are under way come to their end."""
