"""The tables of an organisation, made again on another server as they are here.

They are read from the server's catalogue and not made from the metadata: a table may have columns of fields that were
removed, whose values are kept, and indexes that writes have made.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from psycopg import Connection

# A collation that a column does not have from its type is always said, such as "C" of texts.
_TABLES = """
    SELECT c.relname, c.reloptions,
        (SELECT array_agg(quote_ident(a.attname) ORDER BY a.attnum) FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT array_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
            || coalesce(' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname), '')
            || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
            || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END ORDER BY a.attnum)
            FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
            LEFT JOIN pg_collation AS co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
            LEFT JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
            LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT array_agg('CONSTRAINT ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid))
            FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u')),
        (SELECT array_agg(pg_get_indexdef(i.indexrelid)) FROM pg_index AS i WHERE i.indrelid = c.oid
            AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)),
        (SELECT quote_ident(a.attname) FROM pg_index AS i
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
            WHERE i.indrelid = c.oid AND i.indisprimary AND a.atttypid = 'bigint'::regtype),
        greatest(c.reltuples, 0)::bigint
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY c.relname
"""


class Table(msgspec.Struct, frozen=True):
    """`key` is the first column of the primary key, if it is a number as the ids of records. `rows` is an estimate."""

    name: str
    columns: Sequence[str]
    creation: str
    indexes: Sequence[str]
    key: str | None
    rows: int


def tables(connection: Connection, schema: str) -> Mapping[str, Table]:
    """The tables of a schema by their names, with the statements that make them."""
    rows = connection.execute(_TABLES, (schema,)).fetchall()
    return {row[0]: _table(schema, *row) for row in rows}


def _table(
    schema: str,
    name: str,
    options: Sequence[str] | None,
    columns: Sequence[str],
    definitions: Sequence[str],
    constraints: Sequence[str] | None,
    indexes: Sequence[str] | None,
    key: str | None,
    rows: Any,
) -> Table:
    having = f" WITH ({', '.join(options)})" if options else ""
    creation = f"CREATE TABLE {schema}.{name} ({', '.join([*definitions, *(constraints or ())])}){having}"
    return Table(name, columns, creation, indexes or (), key, int(rows))


def make(connection: Connection, statements: Iterable[str]) -> None:
    """Run statements of tables or indexes, one by one, as Citus wants them."""
    for statement in statements:
        connection.execute(statement)
