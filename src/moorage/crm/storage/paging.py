"""What pages have in common in every engine that has SQL."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from moorage.crm.storage.columns import INDEXED_TIMES
from moorage.crm.storage.compile import Clause
from moorage.crm.storage.contract.records import Page, Position, Window

# A row of a page has the key of the order, the id, and then what the engine needs to show the record.
Rows: TypeAlias = list[Any]

INDEXED_ORDERS = frozenset({"id", *INDEXED_TIMES})


def page_of(rows: Rows, window: Window, shown: Callable[[Rows], bytes]) -> Page:
    """The page of rows, as `shown` makes JSON of them. One row more than it can hold says that others follow."""
    more = len(rows) > window.limit
    del rows[window.limit :]
    if window.backwards:
        rows.reverse()
        more = True
    return Page(
        data=shown(rows),
        count=len(rows),
        first=Position(rows[0][0], rows[0][1]) if rows else None,
        last=Position(rows[-1][0], rows[-1][1]) if rows else None,
        more=more,
    )


def where_of(clauses: Sequence[Clause]) -> tuple[str, tuple[object, ...]]:
    """The WHERE of records that meet all clauses, and its parameters."""
    if not clauses:
        return "", ()
    sql = " AND ".join(f"({clause.sql})" for clause in clauses)
    return f" WHERE {sql}", tuple(value for clause in clauses for value in clause.params)


def direction_of(descending: bool) -> str:
    return "DESC" if descending else "ASC"
