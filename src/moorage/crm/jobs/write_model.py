"""What a bulk write is asked to do, and how far it is."""

from typing import Any, Literal, TypeAlias

from msgspec import Struct

KIND = "bulk write"

Operation: TypeAlias = Literal["insert", "update", "upsert"]
Status: TypeAlias = Literal["ADDED", "UPDATED", "SKIPPED", "UNPROCESSED"]
# What became of a row: its status, the id of its record, and its errors, each as it stands in the result.
RowResult: TypeAlias = tuple[Status, str, str]


class Mapping(Struct, frozen=True):
    """Where the values of a field come from: a column, or the same value for all rows that have none there.

    `find_by` is the field by which the record or user that a lookup points to is found. With `parent_column`, it is
    the record that came from the row of the parents' file with the same value in that column.
    """

    api_name: str
    index: int | None = None
    format: str | None = None
    find_by: str | None = None
    default: Any = None
    parent_column: int | None = None


class Resource(Struct, frozen=True):
    """Files with records of one module. `mappings` None says that the headings are the names of fields."""

    module: str
    file_id: int
    key: str
    names: list[str]
    find_by: str | None = None
    ignore_empty: bool = False
    mappings: list[Mapping] | None = None


class WriteRequest(Struct, frozen=True):
    """`shown` has the mappings of each resource as they came."""

    operation: Operation
    encoding: str
    resources: list[Resource]
    shown: list[Any]


class FileProgress(Struct):
    """One file of one resource. `code` says why it can't be read, or SUCCESS."""

    resource: int
    name: str
    total: int = 0
    added: int = 0
    updated: int = 0
    skipped: int = 0
    code: str = "SUCCESS"

    @property
    def is_readable(self) -> bool:
        return self.code == "SUCCESS"


class WriteProgress(Struct):
    """The files, and the next row: `row` of the file `at`. `key` leads to the result, which is kept for a day."""

    files: list[FileProgress]
    at: int = 0
    row: int = 0
    key: str | None = None
