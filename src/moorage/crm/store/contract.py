"""What a store of one organisation's records promises. SQLite implements it; PostgreSQL can be a second.

Rows travel as mappings from column (`Field.column`) to stored value; see `Storage` in `catalog.py` for the types.
Reads give JSON text ready to send, because building it in the database is what makes lists fast.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from moorage.crm.catalog import Field, Module
from moorage.crm.conditions import Checked

T = TypeVar("T")
Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """By one field, and by id among equals, both in the same direction."""

    field: Field
    descending: bool


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two records: the order field's value (None when ordered by id) and the id."""

    key: Any
    id: int


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the ordered records: from a position, or from an offset; backwards means before it."""

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
class Words:
    text: str


@dataclass(frozen=True, slots=True)
class EmailIs:
    text: str


@dataclass(frozen=True, slots=True)
class PhoneIs:
    text: str


@dataclass(frozen=True, slots=True)
class FlagIs:
    field: Field
    value: bool


Filter: TypeAlias = Checked | Ids | ModifiedSince | Words | EmailIs | PhoneIs | FlagIs


@dataclass(frozen=True, slots=True)
class Shape:
    """Which keys a record shows; `whole` adds what only a single record shows (subform rows and the like)."""

    names: tuple[str, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`data` is a JSON array of records in order; `first` and `last` are their positions."""

    data: bytes
    count: int
    first: Position | None
    last: Position | None
    more: bool


class Transaction(Protocol):
    """One all-or-nothing group of changes. `now` is when it began, in whole seconds since the epoch."""

    now: int

    def new_ids(self, count: int) -> range:
        """Ids never given before, rising."""

    def next_number(self, field: Field) -> int:
        """The next value of an autonumber field."""

    def existing(self, module: Module, ids: Iterable[int]) -> set[int]: ...

    def row(self, module: Module, record: int) -> Row | None: ...

    def matching(self, module: Module, field: Field, value: Any) -> list[int]:
        """Ids of the records whose field equals the value (text regardless of case), oldest first."""

    def children(self, module: Module, parent_column: str, parent: int) -> list[Row]:
        """The rows of a subform, oldest first."""

    def insert(self, module: Module, rows: Sequence[Row]) -> None:
        """Each row has its `id`; columns left out are empty."""

    def update(self, module: Module, record: int, changes: Row) -> None: ...

    def recycle(self, module: Module, record: int, by: int) -> bool:
        """Move a record to the recycle bin; False when there is none."""

    def drop(self, module: Module, records: Iterable[int]) -> None:
        """Remove rows for good, without a trace: for the rows of subforms."""

    def tag(self, module: Module, name: str) -> int:
        """The id of a module's tag, made when it is new."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """Filter of the recycle bin's list; `kind` None means every kind."""

    kind: str | None
    since: int | None


class OrganisationGone(Exception):
    """The organisation was deleted while its store was open, and perhaps another has its place."""


class RecordStore(Protocol):
    """Whatever reads or writes may raise OrganisationGone."""

    def shape(self, module: Module, fields: Sequence[str] | None, *, whole: bool = False) -> Shape:
        """The keys a record shows of those named (unknown ones are left out); None names all of them."""

    def page(
        self, module: Module, shape: Shape, filters: Sequence[Filter], order: Order, window: Window
    ) -> Page | Awaitable[Page]:
        """One page. Answers at once when an index backs it, else through an awaitable."""

    def record(self, module: Module, shape: Shape, record: int) -> bytes | None:
        """One record as a JSON object, None when there is none."""

    def count(self, module: Module, filters: Sequence[Filter]) -> Awaitable[int]: ...

    def deleted(self, module: Module, which: Deleted, window: Window) -> Page:
        """A page of the recycle bin, latest first."""

    def write(self, job: Callable[[Transaction], T]) -> Awaitable[T]:
        """Run the job in a transaction of the organisation's one writer; durable when it returns.

        Jobs that wait at the same time are committed together. What a job raises undoes that job alone.
        """

    def documents(self) -> list[Mapping[str, Any]]:
        """The rows of the organisation's metadata, in order."""

    def gone(self) -> bool:
        """Whether the organisation was deleted since the store was opened."""

    def close(self) -> None:
        """Finish the writes at hand and release everything."""
