"""The full text of a module's records, in a table for each half a million ids.

FTS5 reads all matches of all words with the beginning that is searched for, before it gives the first. With several
tables, a page that the first one fills is read from that one: a search takes as long as the matches of one table need.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import apsw
import msgspec

from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.fixed_ids import FIRST_RECORD
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.query.words import plain_text
from moorage.crm.storage.compile import Clause
from moorage.crm.storage.paging import direction_of, where_of
from moorage.crm.storage.sqlite.text_layout import COLUMNS, Conditions, Family

SPAN = 500_000  # Ids. More tables would slow down searches with few matches, which read every table.


class TextRange(msgspec.Struct, frozen=True):
    """The ids of one table in each family, from `first` to the next range; the tables' names end in `suffix`."""

    suffix: str
    first: int


def add_functions(connection: apsw.Connection) -> None:
    """Give a connection what `indexed` needs."""
    connection.create_scalar_function("plain_text", _plain_text, 1, deterministic=True)


def _plain_text(*arguments: Any) -> str:
    return plain_text(arguments[0])


def indexed(column: str) -> str:
    """The SQL of a text as it is indexed. SQLite's tokenizer needs no help with ASCII, so only other text is a call."""
    return f"CASE WHEN length({column}) <> octet_length({column}) THEN plain_text({column}) ELSE {column} END"


def creation(name: str, columns: Iterable[str]) -> str:
    """The statement that makes a table of that name."""
    return (
        f"CREATE VIRTUAL TABLE {name} USING fts5({', '.join(columns)}, content='', contentless_delete=1,"
        " tokenize='unicode61 remove_diacritics 2', prefix='2 3')"
    )


def create_later(connection: apsw.Connection, module: Module, stem: str) -> None:
    """Make the tables of a family that the module gains."""
    for text_range in text_ranges(connection, module):
        connection.execute(creation(f"{stem}{text_range.suffix}", _later_columns()))


def text_ranges(connection: apsw.Connection, module: Module) -> list[TextRange]:
    """All ranges, in the order of their ids."""
    prefix = _counted(module)
    sql = "SELECT value FROM counters WHERE name >= ? AND name < ? ORDER BY value"
    later = connection.execute(sql, (f"{prefix} ", f"{prefix}!"))
    return [TextRange("", 0), *(_beginning(first) for (first,) in later)]


def open_next(
    connection: apsw.Connection, module: Module, families: Sequence[Family], records: Collection[int]
) -> None:
    """Begin a range for the new ones of the records, when the last range has its share of ids."""
    if not families[0].is_first:
        return  # Only the first family has all records, so only it can tell which of them are new.
    last = text_ranges(connection, module)[-1]
    if max(records) % ID_SPACE - max(last.first % ID_SPACE, FIRST_RECORD) < SPAN:
        return
    newest = f"SELECT rowid FROM {families[0].stem}{last.suffix} ORDER BY rowid DESC LIMIT 1"
    newest_id = connection.execute(newest).get or 0
    first = min((record for record in records if record > newest_id), default=None)
    if first is None:
        return
    for family in families:
        columns = family.columns.values() if family.is_first else _later_columns()
        connection.execute(creation(f"{family.stem}{_beginning(first).suffix}", columns))
    connection.execute("INSERT INTO counters VALUES (?, ?)", (f"{_counted(module)} {first}", first))


def by_range(ranges: Sequence[TextRange], records: Iterable[int]) -> Iterator[tuple[TextRange, list[int]]]:
    """The records of each range, whether it has them already or not yet."""
    firsts = [text_range.first for text_range in ranges]
    by_index: dict[int, list[int]] = {}
    for record in records:
        by_index.setdefault(bisect_right(firsts, record) - 1, []).append(record)
    for index, range_records in by_index.items():
        yield ranges[index], range_records


def beyond(ranges: Sequence[TextRange], start: int | None, *, descending: bool) -> list[TextRange]:
    """The ranges that can have records beyond an id, in the order of the page."""
    if start is None:
        reached = list(ranges)
    elif descending:
        reached = [text_range for text_range in ranges if text_range.first < start]
    else:
        ends = [text_range.first for text_range in ranges[1:]]
        reached = list(ranges[bisect_right(ends, start + 1) :])
    return reached[::-1] if descending else reached


def matching_ids(conditions: Conditions, suffix: str) -> tuple[str, tuple[str, ...]]:
    """The SELECT of the ids in one range that meet all the conditions, and its parameters."""
    selects = [" UNION ALL ".join(_select(stem, suffix) for stem, _ in either) for either in conditions]
    sql = selects[0]
    if len(selects) > 1:
        sql = f"SELECT rowid FROM ({sql}) WHERE " + " AND ".join(
            f"rowid IN ({other})" for other in selects[1:]
        )
    return sql, tuple(match for either in conditions for _, match in either)


def ids_in_range(
    module: Module,
    conditions: Conditions,
    text_range: TextRange,
    others: Sequence[Clause],
    start: int | None,
    descending: bool,
) -> tuple[str, tuple[object, ...]]:
    """The statement that gives ids from one range of the full text; its last parameter is how many at most."""
    (stem, match), *more = conditions[0]
    if more or len(conditions) > 1:
        ids, values = matching_ids(conditions, text_range.suffix)
        key, tables = "r.id", f"{module.table} r"
        clauses = [Clause(f"r.id IN ({ids})", values, indexed=False), *others]
    else:
        text = f"{stem}{text_range.suffix}"
        key, tables = (
            f"{text}.rowid",
            f"{text} CROSS JOIN {module.table} r ON r.id = {text}.rowid",
        )  # Led by the text.
        clauses = [Clause(f"{text} MATCH ?", (match,), indexed=False), *others]
    if start is not None:
        clauses.append(Clause(f"{key} {'<' if descending else '>'} ?", (start,), indexed=True))
    where, params = where_of(clauses)
    return f"SELECT {key} FROM {tables}{where} ORDER BY {key} {direction_of(descending)} LIMIT ?", params


def _select(stem: str, suffix: str) -> str:
    return f"SELECT rowid FROM {stem}{suffix} WHERE {stem}{suffix} MATCH ?"


def _later_columns() -> Iterator[str]:
    return (f"s{position}" for position in range(COLUMNS))


def _beginning(first: int) -> TextRange:
    return TextRange(f"_{first}", first)


def _counted(module: Module) -> str:
    return f"text {module.text_table}"
