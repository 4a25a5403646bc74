"""What a tool tells: a sentence, and data. Agents pay for each byte of it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from moorage.mcp.texts import cell, marked, size

SOFT_CAP = 16_000  # Bytes of the data of a result. A list ends before it, and says how to go on.
HARD_CAP = 80_000  # Bytes of the data of any result. What is longer is cut, and says so.

T = TypeVar("T")


class Told(msgspec.Struct, frozen=True):
    """`data` is what the output schema of the tool describes. `text` shows it to whoever reads only text.

    A `verbatim` text is all that such a reader gets, as programs may parse it.
    """

    sentence: str
    data: Any
    text: str = ""
    verbatim: bool = False

    def content(self) -> str:
        """The text of the result. The data in it is marked, as it may have been written by anybody."""
        if self.verbatim or not self.text:
            return self.text or self.sentence
        return marked(self.sentence, self.text)


class Table(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Rows of values. An id is a text. A related record is its name, with its id in parentheses."""

    columns: list[str]
    rows: list[list[Any]]
    cursor: Annotated[str | None, Meta(description="For the next page; absent after the last")] = None
    total: int | None = None
    note: str | None = None


def counted(count: int, what: str) -> str:
    """`1 record`, `2 records`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def table_told(sentence: str, table: Table) -> Told:
    """A table as a result. `sentence` is followed by the table's own note."""
    told = with_note(sentence, table.note)
    if table.cursor is not None:
        told = f"{told} For more, call again with the same arguments and cursor {table.cursor}"
    return Told(told, table, "\n".join(lines_of(table)))


def with_note(sentence: str, note: str | None) -> str:
    """A sentence, with a note behind it if there is one."""
    return sentence if note is None else f"{sentence} {note}"


def lines_of(table: Table) -> Iterator[str]:
    """The lines of a table; none if it has no rows."""
    if not table.rows:
        return
    yield " | ".join(map(cell, table.columns))
    for row in table.rows:
        yield " | ".join(map(cell, row))


def shortened(parts: Sequence[T], most: int = SOFT_CAP) -> list[T]:
    """The first parts of a list, as many as fit into so many bytes; at least one."""
    kept: list[T] = []
    left = most
    for part in parts:
        left -= size(part) + 1
        if kept and left < 0:
            break
        kept.append(part)
    return kept


def without_empty(columns: Sequence[str], rows: Sequence[list[Any]], always: Iterable[str] = ()) -> Table:
    """A table without the columns that have no value in any row, except those that are always shown."""
    filled = [
        place for place, name in enumerate(columns)
        if name in always or any(row[place] is not None for row in rows)
    ]  # fmt: skip
    return Table(
        columns=[columns[place] for place in filled], rows=[[row[place] for place in filled] for row in rows]
    )
