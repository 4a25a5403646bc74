"""Selections as SQLite answers them: each row is the JSON of a record or a group."""

from collections.abc import Sequence

from moorage.crm.query.selection import Selection
from moorage.crm.storage.compile import Clause, Dialect
from moorage.crm.storage.paging import where_of
from moorage.crm.storage.selecting import (
    Drawn,
    Groups,
    Params,
    Sql,
    Tables,
    drawn_records,
    order_of_records,
    text_of,
    walks,
)
from moorage.crm.storage.sqlite.projection import Projection

# See `questions.py`: SQLite plans by the value of a bare parameter of LIMIT.
_HIDDEN = " LIMIT CAST(? AS INTEGER) OFFSET CAST(? AS INTEGER)"
_BARE = " LIMIT ? OFFSET ?"


def statement(
    selection: Selection, clauses: Sequence[Clause], projection: Projection, dialect: Dialect
) -> Sql:
    """The statement whose rows are NULL, an id or NULL, and JSON. There is one row more if others follow."""
    window = (selection.limit + 1, selection.offset)
    if selection.groups is not None:
        groups = Groups(selection, clauses, dialect)
        shown, labels = _json(groups.drawn, projection, dialect, named=selection.named)
        source, params = groups.source
        sql = f"SELECT NULL, NULL, {shown} FROM {source}{groups.order}{_HIDDEN}"
        return sql, (*labels, *params, *window)
    return _of_records(selection, clauses, projection, dialect, window)


def _of_records(
    selection: Selection, clauses: Sequence[Clause], projection: Projection, dialect: Dialect, window: Params
) -> Sql:
    tables = Tables(selection.module, dialect)
    drawn = drawn_records(selection, tables)
    order, order_params = order_of_records(selection, tables, dialect)
    shown, labels = _json(drawn, projection, dialect, named=selection.named)
    where, params = where_of(clauses)
    shown = f"SELECT NULL, r.id, {shown} FROM"
    if walks(selection) and (not clauses or not selection.orders):
        sql = f"{shown} {tables.first}{tables.joins}{where}{order}{_HIDDEN}"
        return sql, (*labels, *params, *order_params, *window)
    # The ids come first: else SQLite builds the JSON of all records that it sorts.
    inner = Tables(selection.module, dialect)
    by, by_params = order_of_records(selection, inner, dialect)
    few = f"(SELECT r.id AS id FROM {inner.first}{inner.joins}{where}{by}{_BARE})"
    sql = f"{shown} {few} c JOIN {tables.first} ON r.id = c.id{tables.joins}{order}"
    return sql, (*labels, *params, *by_params, *window, *order_params)


def _json(drawn: Sequence[Drawn], projection: Projection, dialect: Dialect, *, named: bool) -> Sql:
    """The JSON object of the values. Its keys are bound, because callers write them."""
    pairs: list[str] = []
    params: list[object] = []
    for value in drawn:
        expression: str
        params.append(value.key)
        if value.texts is not None:
            expression, more = text_of(value.expression, value.texts, dialect)
            params += more
        else:
            expression = projection.drawn(value.expression, value.storage, value.field, named=named)
        pairs.append(f"?, {expression}")
    return f"json_object({', '.join(pairs)})", tuple(params)
