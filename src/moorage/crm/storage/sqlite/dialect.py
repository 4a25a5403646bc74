"""Conditions as SQLite writes them. Which indexes there are, `schema.py` says."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.texts import PHONE_FORMATTING

# The names of the tables that hold a module's full text.
TextTables: TypeAlias = Callable[[Module], Sequence[str]]

INDEXED_TIMES = frozenset({"Created_Time", "Modified_Time"})


def collation(field: Field) -> str:
    """Text is compared regardless of case; the index of a unique field is declared so for every type."""
    return " COLLATE NOCASE" if field.storage == "text" or field.unique else ""


def phone_digits(column: str) -> str:
    """SQL for a phone number without the signs that only format it."""
    for sign in PHONE_FORMATTING:
        column = f"replace({column},'{sign}','')"
    return column


class SqliteDialect:
    """See `Dialect` for what each means."""

    parameter = "?"

    def __init__(self, texts: TextTables) -> None:
        self._texts = texts

    def equal(self, field: Field, column: str) -> str:
        return f"{column} = ?{collation(field)}"

    def same_text(self, column: str) -> str:
        return f"{column} = ? COLLATE NOCASE"

    def like(self, column: str) -> str:
        return f"{column} LIKE ? ESCAPE '\\'"

    def items(self, column: str, key: str | None) -> tuple[str, str]:
        return f"json_each({column}) j", "j.value" if key is None else f"j.value ->> '$.{key}'"

    def digits(self, column: str) -> str:
        return phone_digits(column)

    def is_indexed(self, field: Field) -> bool:
        return (
            field.storage in {"id", "lookup"}
            or field.unique
            or field.data_type == "email"
            or field.api_name in INDEXED_TIMES
        )

    def is_listed(self, field: Field) -> bool:
        # SQLite passes over a partial index with a collation inside an OR.
        return bool(collation(field)) and self.is_indexed(field)

    def has_digits_indexed(self, field: Field) -> bool:
        return not field.unique  # The index of a unique field is of the number as it was written.

    def phrase_query(self, field: Field, text: str, *, start: bool) -> str:
        return f"{field.column} : ^ {_quoted(text)} *" if start else f"{field.column} : {_quoted(text)}"

    def word_starts_query(self, phrases: Sequence[str]) -> str:
        return " ".join(f"{_quoted(phrase)} *" for phrase in phrases)

    def matches(self, module: Module, query: str) -> tuple[str, tuple[object, ...]]:
        tables = self._texts(module)
        sql = " UNION ALL ".join(f"SELECT rowid FROM {table} WHERE {table} MATCH ?" for table in tables)
        return sql, (query,) * len(tables)


def _quoted(text: str) -> str:
    """A phrase of the full text's query language; inside quotes nothing but the quote has a meaning."""
    return '"' + text.replace('"', '""') + '"'
