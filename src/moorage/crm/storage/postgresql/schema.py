"""The tables of one organisation's schema, in statements that a call to the server may have one of.

A module's tables are made by its first write, because few organisations use all modules: they are 400 relations.
"""

from collections.abc import Iterator

from psycopg import Connection

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.columns import INDEXED_TIMES, RARE_FLAGS, literal, stored
from moorage.crm.storage.outbox import creation
from moorage.crm.storage.postgresql import changed, fulltext
from moorage.crm.storage.postgresql.expressions import compared, nocase, phone_digits

# By `Field.storage`. Text is ordered by code points, whatever the database's own order is.
VALUE_TYPE = {
    "text": "text",
    "date": "text",
    "list": "text",
    "json": "text",
    "tags": "text",
    "real": "float8",
    "integer": "int8",
    "bigint": "int8",
    "boolean": "int2",
    "datetime": "int8",
    "user": "int8",
    "lookup": "int8",
}
_COLUMN_TYPE = {"text": 'text COLLATE "C"'}

FIXED = (
    """
    CREATE TABLE {0}.metadata (
        position bigint NOT NULL, id bigint PRIMARY KEY, kind text NOT NULL, module bigint NOT NULL,
        name text NOT NULL, body text NOT NULL
    )
    """,
    """
    CREATE TABLE {0}.users (
        id bigint PRIMARY KEY, full_name text COLLATE "C", email text COLLATE "C", shown text NOT NULL
    )
    """,
    # With a bound, so that PostgreSQL makes no second table for long names. In older organisations it is text.
    "CREATE TABLE {0}.counters (name varchar(400) PRIMARY KEY, value bigint NOT NULL)",
    f"INSERT INTO {{0}}.counters VALUES ('{changed.COUNTER}', 0)",
)


def schema_of(identity: int) -> str:
    """The name of the schema of the organisation with an id."""
    return f"org_{identity // ID_SPACE}"


def exists(connection: Connection, schema: str) -> bool:
    return bool(existing(connection, schema))


def existing(connection: Connection, *schemas: str) -> set[str]:
    """Those of the schemas that exist."""
    sql = "SELECT nspname::text FROM pg_namespace WHERE nspname = ANY(%s)"
    return {name for (name,) in connection.execute(sql, (list(schemas),))}


def has_counters(connection: Connection, schema: str) -> bool:
    """Whether the schema is there, with the table that each has from its first moment on."""
    return connection.execute("SELECT to_regclass(%s)", (f"{schema}.counters",)).fetchone() != (None,)


def fixed_statements(schema: str) -> Iterator[str]:
    """The statements for all that an organisation has from the first day."""
    return (statement.format(schema) for statement in FIXED)


def outbox_statement(schema: str) -> str:
    """Made by the first event. Another store may have made it: this is no change of what stores know."""
    return creation(f"{schema}.", "bigint")


def module_statements(schema: str, module: Module) -> Iterator[str]:
    yield table_statement(schema, module)
    yield from index_statements(schema, module)
    yield from text_statements(schema, module)


def table_statement(schema: str, module: Module) -> str:
    columns = ["id bigint PRIMARY KEY"]
    columns += [column for field in stored(module) for column in _columns(field)]
    return f"CREATE TABLE {schema}.{module.table} ({', '.join(columns)})"


def index_statements(schema: str, module: Module) -> Iterator[str]:
    for field in stored(module):
        yield from field_indexes(schema, module, field)


def text_statements(schema: str, module: Module) -> Iterator[str]:
    if module.full_text:
        yield from fulltext.creation(schema, module)


def field_statements(schema: str, module: Module, field: Field) -> Iterator[str]:
    """The statements that give a module's table the columns of a new field."""
    alter = f"ALTER TABLE {schema}.{module.table}"
    default = "" if field.initial is None else f" DEFAULT {literal(field.initial)}"
    for column in _columns(field):
        yield f"{alter} ADD COLUMN {column}{default}"
    if default:  # It was for the records that are there: a new one has the value that it is given.
        yield f"{alter} ALTER COLUMN {field.column} DROP DEFAULT"


def _columns(field: Field) -> Iterator[str]:
    kind = VALUE_TYPE[field.storage]
    yield f"{field.column} {_COLUMN_TYPE.get(kind, kind)}"
    if field.lookup_modules:
        yield f"{field.module_column} bigint"


def field_indexes(schema: str, module: Module, field: Field) -> Iterator[str]:
    """Indexes that every module needs from the first day, and no more, because every write updates them.

    They have the records without a value, too: PostgreSQL uses no statistics of an index that leaves records out.
    """
    column = field.column
    if field.unique:
        yield _creation(schema, module, field, f"({compared(field, column)})", kind="UNIQUE INDEX")
    elif field.data_type == "email":
        yield _creation(schema, module, field, f"({nocase(column)})")
    elif field.data_type == "phone":
        yield _creation(schema, module, field, f"({phone_digits(column)})")
    elif field.api_name in INDEXED_TIMES:
        # As pages are ordered: records without a value come first.
        yield _creation(schema, module, field, f"{column} NULLS FIRST, id")
    elif field.api_name in RARE_FLAGS:
        yield f"{_creation(schema, module, field, 'id')} WHERE {column} = 0"
    elif field.storage == "lookup":
        # A link is found by both its lookups.
        opposite = module.opposite(field)
        yield _creation(schema, module, field, column if opposite is None else f"{column}, {opposite.column}")


def types_of(module: Module) -> dict[str, str]:
    """By column, the types of a module's table, in the order of `columns_of`."""
    types = {"id": "int8"}
    for field in stored(module):
        types[field.column] = VALUE_TYPE[field.storage]
        if field.lookup_modules:
            types[field.module_column] = "int8"
    return types


def drop_indexes(schema: str, module: Module, field: Field) -> Iterator[str]:
    """Remove the indexes of `field_indexes`, and the one of `equal_index`."""
    for name in (_index(module, field), equal_index(module, field)):
        yield f"DROP INDEX IF EXISTS {schema}.{name}"


def equal_index(module: Module, field: Field) -> str:
    """The name of the index that lookups by a field's text in writes have made."""
    return f"{_index(module, field)}_equal"


def equal_index_statement(schema: str, module: Module, field: Field) -> str:
    return (
        f"CREATE INDEX IF NOT EXISTS {equal_index(module, field)}"
        f" ON {schema}.{module.table} (({nocase(field.column)}))"
    )


def _creation(schema: str, module: Module, field: Field, columns: str, kind: str = "INDEX") -> str:
    return f"CREATE {kind} {_index(module, field)} ON {schema}.{module.table} ({columns})"


def _index(module: Module, field: Field) -> str:
    return f"{module.table}_{field.column}"
