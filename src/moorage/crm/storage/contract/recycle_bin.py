"""The recycle bin of an organisation: records that were deleted, and can come back."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct

BinColumn: TypeAlias = Literal["id", "module", "display_name", "deleted_by", "deleted_time"]
BinComparison: TypeAlias = Literal["in", "not in", "<", "<=", ">", ">=", "contains", "starts", "ends"]


class BinCondition(Struct, frozen=True):
    """Texts are compared regardless of (ASCII) case, and no text is an empty one.

    "in" and "not in" have any number of values, all others one. Only texts contain, start and end.
    """

    column: BinColumn
    comparison: BinComparison
    values: tuple[Any, ...]


class InBin(Struct, frozen=True):
    """The records in the bin that meet all conditions, in an order; by id, in the same direction, where it is equal."""

    conditions: tuple[BinCondition, ...] = ()
    order: BinColumn = "deleted_time"
    descending: bool = True


class BinEntry(Struct, frozen=True):
    """`module` is the number of the module. `body` has the record's `row`, and the rows of its `subforms` by module."""

    id: int
    module: int
    display_name: str | None
    deleted_by: int | None
    deleted_time: int
    body: Any


class RecycleBin(Protocol):
    """All calls are part of a `Transaction`. To put records into the bin is `Transaction.recycle`."""

    def entries(self, which: InBin, limit: int) -> Sequence[BinEntry]: ...

    def take(self, records: Iterable[int]) -> None:
        """Take records out of the bin: whoever does so puts them back where they were."""

    def forget(self, records: Iterable[int]) -> None:
        """Keep of records no more than that they were deleted. They are not in the bin any more."""
