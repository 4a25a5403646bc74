"""The full text of a module's records: tables of vectors by range of ids, and one for long texts.

An index of words gives no order: PostgreSQL reads all matches, and sorts them, before it gives the first. With several
tables, a page that the newest one fills is read from that one. Texts in several vectors are in a table of their own,
which a module has once it has such a text.

Which tables there are, `counters` says: `text t<n> <first>` for each range but the first, `text t<n> long`. Who adds a
table raises the version of the metadata, so an open store knows all tables (`read_text_tables`).

A field that a module gains needs nothing here, because lexemes have the code of their field. When a field leaves the
full text, the records with a value in it have to be indexed again (`index`).
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
import psycopg
from msgspec.structs import replace

from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.fixed_ids import FIRST_RECORD
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.contract.records import Row
from moorage.crm.storage.postgresql.lexemes import TextQuery, vectors

# Ids of a table. Among 200,000 leads, a page for a word takes the server 2.5 ms with tables of so many ids, 3.3 with
# half as many, and 10 with twice as many. Later tables span more, so that a search with few matches need not read very
# many: there are 8 for the first 200,000 ids, 22 for a million, and 42 for eight million.
SHORTEST_SPAN, LONGEST_SPAN, SPAN_SHARE = 25_000, 500_000, 8

_LONG = "long"
# Kilobytes of words that an index keeps unmerged at most: long before, `text_merging.py` merges them.
_UNMERGED = 32_768
_BINARY = "bytea"  # A vector is in its binary form already.


class TextTables(msgspec.Struct, frozen=True):
    """The tables of one module: where each range of ids begins, the first at 0, and whether there are long texts."""

    firsts: tuple[int, ...] = (0,)
    has_long: bool = False


# By the name of a module's first table.
AllTextTables: TypeAlias = Mapping[str, TextTables]

READ_COUNTERS = "SELECT name, value FROM {schema}.counters WHERE name LIKE 'text %%'"


def read_text_tables(counters: Iterable[tuple[str, int]]) -> AllTextTables:
    """The tables of all modules that have more than the first, from the rows of `READ_COUNTERS`."""
    tables: dict[str, TextTables] = {}
    for name, value in sorted(counters, key=lambda counter: counter[1]):
        _, table, kind = name.split(" ")
        known = tables.get(table, TextTables())
        tables[table] = (
            replace(known, has_long=True) if kind == _LONG else replace(known, firsts=(*known.firsts, value))
        )
    return tables


def tables_of(module: Module, tables: AllTextTables) -> TextTables:
    return tables.get(module.text_table, TextTables())


def creation(schema: str, module: Module, first: int = 0) -> Iterator[str]:
    """The statements that make the table for ids from `first` on."""
    name = _name(module, first)
    yield f"CREATE TABLE {schema}.{name} (id bigint PRIMARY KEY, words tsvector NOT NULL)"
    yield _index_creation(schema, name)


def _index_creation(schema: str, name: str) -> str:
    return f"CREATE INDEX {name}_words ON {schema}.{name} USING gin (words) WITH (gin_pending_list_limit = {_UNMERGED})"


def newest_index(module: Module, tables: TextTables) -> str:
    """The name of the index that gets the words of new records, without the schema."""
    return f"{_name(module, tables.firsts[-1])}_words"


def _long_creation(schema: str, module: Module) -> Iterator[str]:
    name = _long_name(module)
    columns = "id bigint, part integer, words tsvector NOT NULL, PRIMARY KEY (id, part)"
    yield f"CREATE TABLE {schema}.{name} ({columns})"
    yield _index_creation(schema, name)


def _name(module: Module, first: int) -> str:
    return f"{module.text_table}_{first}" if first else module.text_table


def _long_name(module: Module) -> str:
    return f"{module.text_table}_{_LONG}"


def names(module: Module, tables: TextTables) -> list[str]:
    """The names of a module's tables, without the schema."""
    return [_name(module, first) for first in tables.firsts] + [_long_name(module)] * tables.has_long


def index(
    cursor: psycopg.Cursor[Any],
    schema: str,
    module: Module,
    tables: TextTables,
    rows: Sequence[Row],
    *,
    new: bool,
) -> TextTables:
    """Write the text of records. Each row has `id` and the columns of the full text.

    `new` says that none of them had a text before. Gives the tables as they are afterwards. If they are others, the
    caller has to raise the version of the metadata.
    """
    if not new:
        remove(cursor, schema, module, tables, [row["id"] for row in rows])
    short: dict[int, bytes] = {}
    long: list[tuple[int, int, bytes]] = []
    for row in rows:
        texts = vectors(module, row)
        if len(texts) == 1:
            short[row["id"]] = texts[0]
        else:
            long += [(row["id"], part, text) for part, text in enumerate(texts)]
    tables = _opened(cursor, schema, module, tables, short.keys())
    if long and not tables.has_long:
        _run(cursor, _long_creation(schema, module))
        _count(cursor, schema, f"text {module.text_table} {_LONG}", 0)
        tables = replace(tables, has_long=True)
    for first, ids in _by_range(tables, short):
        added = [(record, short[record]) for record in ids]
        _add(cursor, f"{schema}.{_name(module, first)} (id, words)", ("int8", _BINARY), added)
    if long:
        _add(cursor, f"{schema}.{_long_name(module)} (id, part, words)", ("int8", "int4", _BINARY), long)
    return tables


def _add(
    cursor: psycopg.Cursor[Any], table: str, types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    with cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def remove(
    cursor: psycopg.Cursor[Any], schema: str, module: Module, tables: TextTables, records: Collection[int]
) -> None:
    """Remove the text of records."""
    _remove_short(cursor, schema, module, tables, records)
    if tables.has_long:
        cursor.execute(f"DELETE FROM {schema}.{_long_name(module)} WHERE id = ANY(%s)", (list(records),))


def _remove_short(
    cursor: psycopg.Cursor[Any], schema: str, module: Module, tables: TextTables, records: Iterable[int]
) -> None:
    for first, ids in _by_range(tables, records):
        cursor.execute(f"DELETE FROM {schema}.{_name(module, first)} WHERE id = ANY(%s)", (ids,))


def _opened(
    cursor: psycopg.Cursor[Any], schema: str, module: Module, tables: TextTables, records: Collection[int]
) -> TextTables:
    """Begin a table for the new ones of the records, if the last table has its share of ids."""
    last = tables.firsts[-1]
    begin = max(last % ID_SPACE, FIRST_RECORD)
    span = min(max(SHORTEST_SPAN, (begin - FIRST_RECORD) // SPAN_SHARE), LONGEST_SPAN)
    if not records or max(records) % ID_SPACE - begin < span:
        return tables
    newest = cursor.execute(f"SELECT max(id) FROM {schema}.{_name(module, last)}").fetchone()
    newest_id = newest[0] if newest is not None and newest[0] is not None else 0
    first = min((record for record in records if record > newest_id), default=None)
    if first is None or first == last:
        return tables
    _run(cursor, creation(schema, module, first))
    _count(cursor, schema, f"text {module.text_table} {first}", first)
    return replace(tables, firsts=(*tables.firsts, first))


def _run(cursor: psycopg.Cursor[Any], statements: Iterator[str]) -> None:
    for statement in statements:
        cursor.execute(statement)


def _count(cursor: psycopg.Cursor[Any], schema: str, name: str, value: int) -> None:
    cursor.execute(f"INSERT INTO {schema}.counters (name, value) VALUES (%s, %s)", (name, value))


def _by_range(tables: TextTables, records: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    """The records of each range that has some, by where the range begins."""
    by_first: dict[int, list[int]] = {}
    for record in records:
        first = tables.firsts[max(0, bisect_right(tables.firsts, record) - 1)]
        by_first.setdefault(first, []).append(record)
    yield from by_first.items()


def matching_ids(
    schema: str, module: Module, tables: TextTables, query: TextQuery
) -> tuple[str, tuple[str, ...]]:
    """The SELECT of the ids that match, each given once, and its parameters."""
    ranges = [matching_in_range(schema, module, first, query) for first in tables.firsts]
    selects = [*ranges, matching_long(schema, module, query)] if tables.has_long else ranges
    return " UNION ALL ".join(sql for sql, _ in selects), tuple(p for _, params in selects for p in params)


def matching_in_range(
    schema: str, module: Module, first: int, query: TextQuery
) -> tuple[str, tuple[str, ...]]:
    """The same in the table for ids from `first` on."""
    return f"SELECT t.id FROM {schema}.{_name(module, first)} t WHERE t.words @@ %s::tsquery", (query.whole,)


def matching_long(schema: str, module: Module, query: TextQuery) -> tuple[str, tuple[str, ...]]:
    """The same among the long texts: each piece of the query has to be in some vector of a record."""
    some = " | ".join(f"({piece})" for piece in query.pieces)
    every = " AND ".join(["bool_or(t.words @@ %s::tsquery)"] * len(query.pieces))
    return (
        f"SELECT t.id FROM {schema}.{_long_name(module)} t WHERE t.words @@ %s::tsquery GROUP BY t.id HAVING {every}",
        (some, *query.pieces),
    )


def beyond(tables: TextTables, start: int | None, *, descending: bool) -> list[int]:
    """Where the ranges begin that can have records beyond an id, in the order of the page."""
    if start is None:
        reached = list(tables.firsts)
    elif descending:
        reached = [first for first in tables.firsts if first < start]
    else:
        reached = list(tables.firsts[max(0, bisect_right(tables.firsts, start + 1) - 1) :])
    return reached[::-1] if descending else reached
