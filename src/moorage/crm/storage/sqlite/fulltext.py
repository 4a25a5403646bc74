"""The full text of a module's records, in one table for each half a million ids.

FTS5 reads all matches of all words that begin as the one sought before it gives the first. Now a page that one table
fills is read from that one, so that a search takes as long as there are matches in a table, not in the organisation.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import apsw

from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.fixed_ids import FIRST_RECORD
from moorage.crm.metadata.ids import ID_SPACE

SPAN = 500_000  # Smaller ones would lengthen searches that match little, as those ask every table.


@dataclass(frozen=True, slots=True)
class TextTable:
    """`first` is the lowest id it may hold; where the next one begins, it ends."""

    name: str
    first: int


def creation(module: Module, name: str) -> str:
    """The statement that makes a table of that name."""
    columns = ", ".join(f.column for f in module.full_text)
    return (
        f"CREATE VIRTUAL TABLE {name} USING fts5({columns}, content='', contentless_delete=1,"
        " tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
    )


def text_tables(connection: apsw.Connection, module: Module) -> list[TextTable]:
    """The tables there are, in the order of their ids."""
    prefix = _counted(module)
    sql = "SELECT value FROM counters WHERE name >= ? AND name < ? ORDER BY value"
    later = connection.execute(sql, (f"{prefix} ", f"{prefix}!"))
    return [TextTable(module.text_table, 0), *(_named(module, first) for (first,) in later)]


def open_next(connection: apsw.Connection, module: Module, records: Collection[int]) -> None:
    """Make a table for those of the records that are new, when the last one has its share of ids."""
    last = text_tables(connection, module)[-1]
    if max(records) % ID_SPACE - max(last.first % ID_SPACE, FIRST_RECORD) < SPAN:
        return
    held = connection.execute(f"SELECT rowid FROM {last.name} ORDER BY rowid DESC LIMIT 1").get or 0
    first = min((one for one in records if one > held), default=None)
    if first is not None:
        connection.execute(creation(module, _named(module, first).name))
        connection.execute("INSERT INTO counters VALUES (?, ?)", (f"{_counted(module)} {first}", first))


def by_table(tables: Sequence[TextTable], records: Iterable[int]) -> Iterator[tuple[TextTable, list[int]]]:
    """The records that each table holds, or is to hold."""
    firsts = [table.first for table in tables]
    held: dict[int, list[int]] = {}
    for record in records:
        held.setdefault(bisect_right(firsts, record) - 1, []).append(record)
    for place, some in held.items():
        yield tables[place], some


def beyond(tables: Sequence[TextTable], start: int | None, *, descending: bool) -> list[TextTable]:
    """The tables that can hold records beyond an id, in the order in which a page meets them."""
    if start is None:
        found = list(tables)
    elif descending:
        found = [table for table in tables if table.first < start]
    else:
        ends = [table.first for table in tables[1:]]
        found = list(tables[bisect_right(ends, start + 1) :])
    return found[::-1] if descending else found


def _named(module: Module, first: int) -> TextTable:
    return TextTable(f"{module.text_table}_{first}", first)


def _counted(module: Module) -> str:
    return f"text {module.text_table}"
