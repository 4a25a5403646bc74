"""query_records: asks in COQL, Zoho's query language, also for counts and sums."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from moorage.mcp.answers import Table, Told, counted, shortened, table_told
from moorage.mcp.crm.account import Account
from moorage.mcp.crm.calls import call
from moorage.mcp.crm.cursors import LONGEST, Cursor, cursor_for, digest_of
from moorage.mcp.crm.searching import NARROW, has_more, records_in
from moorage.mcp.crm.values import rows_of
from moorage.mcp.session import Session, segments
from moorage.mcp.tool import Tool

_MOST = 200  # Rows of a result.
_FEW = 50  # Rows of a result, if neither the query nor the agent says how many.

# `limit 10`, `limit 5, 10` or `limit 10 offset 5`, at the end of a query. A text there would end with an apostrophe.
_LIMIT = re.compile(r"\s+limit\s+(\d{1,9})(?:\s*,\s*(\d{1,9})|\s+offset\s+(\d{1,9}))?$", re.IGNORECASE)
_SELECT = re.compile(r"\s*select\s+", re.IGNORECASE)
_FROM = re.compile(r"\s+from\b", re.IGNORECASE)
_ALIAS = re.compile(r"\s+as\s+", re.IGNORECASE)


class Query(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    coql: Annotated[
        str,
        Meta(
            description="select Stage, sum(Amount) as total from Deals where Amount > 0 group by Stage",
            min_length=1,
            max_length=10_000,
        ),
    ]
    limit: Annotated[int, Meta(ge=1, le=_MOST)] | None = None
    cursor: Annotated[str, Meta(max_length=LONGEST)] | None = None


async def query_records(session: Session, asked: Query) -> Told:
    text = asked.coql.strip().rstrip(";").rstrip()
    query, begin, count = _parts(text)
    question = digest_of("query", session.account or asked.account, text, asked.limit)
    told = cursor_for(asked.cursor, question).skip
    size = asked.limit or min(count or _FEW, _MOST)
    if count is not None:
        size = min(size, count - told)
    path = segments("crm", "v8", "coql")
    body = {"select_query": f"{query} limit {begin + told}, {max(size, 0)}"}
    document = await call(session, asked.account, "POST", path, body=body)
    records = records_in(document)
    columns = _columns(query, records)
    table = Table(columns=columns, rows=shortened(rows_of(records, columns)))
    told += len(table.rows)
    is_cut = len(table.rows) < len(records)
    if is_cut or (has_more(document) and (count is None or told < count)):
        table.cursor = Cursor(question, skip=told).written()
    if is_cut:
        table.note = f"The rest did not fit. {NARROW}"
    return table_told(f"{counted(len(table.rows), 'row')}.", table)


def _parts(text: str) -> tuple[str, int, int | None]:
    """A query without its limit, where its rows begin, and how many it wants."""
    limit = _LIMIT.search(text)
    if limit is None:
        return text, 0, None
    first, second, offset = limit.groups()
    if second is not None:
        return text[: limit.start()], int(first), int(second)
    return text[: limit.start()], int(offset or 0), int(first)


def _columns(query: str, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns in the order of the query; then what the API has added, such as `id`."""
    named = _selected(query)
    if not records:
        return named
    keys = dict.fromkeys(key for record in records for key in record if not key.startswith("$"))
    by_letters = {_letters(key): key for key in keys}
    ordered = dict.fromkeys(by_letters[name] for name in map(_letters, named) if name in by_letters)
    return [*ordered, *(key for key in keys if key not in ordered)]


def _selected(query: str) -> list[str]:
    """The names that a query gives its columns: an alias, or what stands there."""
    begin = _SELECT.match(query)
    end = _FROM.search(query, begin.end() - 1 if begin else 0)
    if begin is None or end is None:
        return []
    items = [item.strip() for item in query[begin.end() : end.start()].split(",")]
    return [_ALIAS.split(item)[-1].strip("'\" ") for item in items]


def _letters(name: str) -> str:
    """A name whatever its case and its spaces: `count( id )` comes back as `COUNT(id)`."""
    return "".join(name.split()).casefold()


QUERY_RECORDS = Tool(
    "query_records",
    "Query records",
    "Ask in COQL: joins by lookups (Account_Name.Industry), count(), sum(), group by. where is required:"
    " where id is not null means all.",
    Query,
    Table,
    query_records,
)
