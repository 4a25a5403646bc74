"""Values of records as texts, for the cells of tables and of CSV files."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

# Spreadsheets run a text that begins so as a formula.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def cell_text(value: Any) -> str:
    """A value as people read it: the name of a lookup, the parts of a list."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        name = value.get("name")
        return name if isinstance(name, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return ", ".join(map(cell_text, value))
    return str(value)


def harmless(text: str) -> str:
    """A text for a cell of a CSV file, which no spreadsheet takes for a formula. Numbers stay numbers."""
    if not text.startswith(_DANGEROUS):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def csv_of(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows of values as lines of a CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell_text(value)) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")
