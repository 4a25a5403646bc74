"""The tables of one organisation's SQLite file."""

from collections.abc import Iterator

import apsw

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.storage import recycle_bin
from moorage.crm.storage.columns import INDEXED_TIMES, RARE_FLAGS, literal, stored
from moorage.crm.storage.sqlite import fulltext
from moorage.crm.storage.sqlite.dialect import phone_digits

COLUMN_TYPE = {
    "text": "TEXT",
    "date": "TEXT",
    "list": "TEXT",
    "json": "TEXT",
    "tags": "TEXT",
    "real": "REAL",
    "integer": "INTEGER",
    "bigint": "INTEGER",
    "boolean": "INTEGER",
    "datetime": "INTEGER",
    "user": "INTEGER",
    "lookup": "INTEGER",
}

FIXED = (
    """
    CREATE TABLE metadata (
        position INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, kind TEXT NOT NULL, module INTEGER NOT NULL,
        name TEXT NOT NULL, body TEXT NOT NULL
    )
    """,
    # `shown` is the user as JSON, ready to be put into records, because every list shows owners.
    """
    CREATE TABLE users (
        id INTEGER PRIMARY KEY, full_name TEXT COLLATE NOCASE, email TEXT COLLATE NOCASE, shown TEXT NOT NULL
    )
    """,
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    *recycle_bin.creation("", "INTEGER"),
)


def has_table(connection: apsw.Connection, table: str) -> bool:
    """Asked each time, because a job that made a table may have been undone, or a restore have taken it away."""
    sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?"
    return connection.execute(sql, (table,)).fetchone() is not None


def module_statements(module: Module) -> Iterator[str]:
    yield table_statement(module)
    yield from index_statements(module)
    yield from text_statements(module)


def table_statement(module: Module) -> str:
    columns = ["id INTEGER PRIMARY KEY"]
    columns += [column for field in stored(module) for column in _columns(field)]
    return f"CREATE TABLE {module.table} ({', '.join(columns)})"


def index_statements(module: Module) -> Iterator[str]:
    for field in stored(module):
        yield from field_indexes(module, field)


def text_statements(module: Module) -> Iterator[str]:
    if module.full_text:
        yield fulltext.creation(module.text_table, [field.column for field in module.full_text])


def field_statements(module: Module, field: Field) -> Iterator[str]:
    """The statements that give a module's table the columns of a new field."""
    default = "" if field.initial is None else f" DEFAULT {literal(field.initial)}"
    for column in _columns(field):
        yield f"ALTER TABLE {module.table} ADD COLUMN {column}{default}"


def _columns(field: Field) -> Iterator[str]:
    yield f"{field.column} {COLUMN_TYPE[field.storage]}"
    if field.lookup_modules:
        yield f"{field.module_column} INTEGER"


def field_indexes(module: Module, field: Field) -> Iterator[str]:
    """Indexes that every module needs from the first day, and no more, because every write updates them."""
    name, table, column = _index(module, field), module.table, field.column
    if field.unique:
        yield f"CREATE UNIQUE INDEX {name} ON {table} ({column} COLLATE NOCASE) WHERE {column} IS NOT NULL"
    elif field.data_type == "email":
        yield f"CREATE INDEX {name} ON {table} ({column} COLLATE NOCASE) WHERE {column} IS NOT NULL"
    elif field.data_type == "phone":
        yield f"CREATE INDEX {name} ON {table} ({phone_digits(column)}) WHERE {column} IS NOT NULL"
    elif field.api_name in INDEXED_TIMES:
        yield f"CREATE INDEX {name} ON {table} ({column})"
    elif field.api_name in RARE_FLAGS:
        yield f"CREATE INDEX {name} ON {table} (id) WHERE {unset(column)}"
    elif field.storage == "lookup":
        # A link is found by both its lookups.
        opposite = module.opposite(field)
        columns = column if opposite is None else f"{column}, {opposite.column}"
        yield f"CREATE INDEX {name} ON {table} ({columns}) WHERE {column} IS NOT NULL"


def unset(column: str) -> str:
    """The condition that a flag is not set, as the index of the others has it: SQLite compares the words of both.

    Most statements have another condition for this, and so never use the index, which leads nowhere quickly.
    """
    return f"{column} IS FALSE"


def drop_indexes(module: Module, field: Field) -> Iterator[str]:
    """Remove the indexes of `field_indexes`, and the one that lookups in writes may have made."""
    yield f"DROP INDEX IF EXISTS {_index(module, field)}"
    yield f"DROP INDEX IF EXISTS {_index(module, field)}_equal"


def _index(module: Module, field: Field) -> str:
    return f"{module.table}_{field.column}"
