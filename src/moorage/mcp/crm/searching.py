"""search_records: finds records by words, e-mail, phone or criteria."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from moorage.mcp.answers import Table, Told, counted, shortened, table_told, without_empty
from moorage.mcp.crm.account import Account, Fields, Module
from moorage.mcp.crm.calls import call, path_of
from moorage.mcp.crm.cursors import LONGEST, Cursor, cursor_for, digest_of
from moorage.mcp.crm.metadata import columns_of, fields_of, near_modules, no_fields
from moorage.mcp.crm.values import rows_of
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Session
from moorage.mcp.tool import Tool

_MOST = 2000  # Records that a search, or a list without page tokens, goes through.
NARROW = "Narrow it with fields or where, or use query_records with count()."


class Search(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    module: Module
    words: Annotated[str, Meta(description="Found in any field", max_length=200)] | None = None
    email: Annotated[str, Meta(max_length=200)] | None = None
    phone: Annotated[str, Meta(max_length=60)] | None = None
    where: (
        Annotated[
            str,
            Meta(description="Such as (City:equals:Rome)and(Amount:greater_than:5)", max_length=3000),
        ]
        | None
    ) = None
    fields: Fields | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 20
    cursor: Annotated[str, Meta(max_length=LONGEST)] | None = None


async def search_records(session: Session, asked: Search) -> Told:
    way = _way(asked)
    question = digest_of(
        "search", session.account or asked.account, asked.module, way, asked.fields, asked.limit
    )
    cursor = cursor_for(asked.cursor, question)
    async with near_modules(session, asked.account, asked.module):
        names = named_fields(asked.fields) or await columns_of(session, asked.account, asked.module)
        document = await call(
            session,
            asked.account,
            "GET",
            path_of(asked.module, *(["search"] if way else [])),
            query={**way, "fields": ",".join(names), "per_page": asked.limit, **_position(cursor)},
        )
    records = records_in(document)
    columns = ["id", *(name for name in names if name != "id")]
    table = _table(records[cursor.skip :], columns, chosen=asked.fields is not None)
    _page(table, cursor, document, asked.limit, len(records), by_token=not way)
    if asked.fields is not None:
        unknown = await unknown_fields(session, asked.account, asked.module, names, records)
        table.note = " ".join(filter(None, [table.note, *unknown])) or None
    return table_told(f"{counted(len(table.rows), 'record')} of {asked.module}.", table)


def _way(asked: Search) -> dict[str, str]:
    """The parameter that says which records are meant; none for all of them. Raises ToolFailed for two."""
    ways = {"word": asked.words, "email": asked.email, "phone": asked.phone, "criteria": asked.where}
    chosen = {name: text for name, text in ways.items() if text is not None}
    if len(chosen) > 1:
        raise ToolFailed(
            "Give only one of words, email, phone and where.",
            step="Several conditions stand in where: (City:equals:Rome)and(Amount:greater_than:5).",
            code="arguments_invalid",
        )
    return chosen


def _position(cursor: Cursor) -> dict[str, Any]:
    """The parameter of a page. The API takes no number beside a token."""
    return {"page": cursor.page} if cursor.token is None else {"page_token": cursor.token}


def records_in(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The records of an answer; none of one without a body. Raises ToolFailed for an answer about something else."""
    records = document.get("data", [])
    if not isinstance(records, list) or (document and "data" not in document):
        raise ToolFailed("There are no records at this name.", step="describe_module shows the modules.")
    return [record for record in records if isinstance(record, dict)]


def has_more(document: Mapping[str, Any]) -> bool:
    """Whether the API has more records than those of this answer."""
    return bool(_info(document).get("more_records"))


def _info(document: Mapping[str, Any]) -> Mapping[str, Any]:
    info = document.get("info")
    return info if isinstance(info, dict) else {}


def _table(records: Sequence[Mapping[str, Any]], columns: Sequence[str], *, chosen: bool) -> Table:
    """As many rows as are affordable. Columns that nobody has chosen are shown only if they have values."""
    rows = shortened(rows_of(records, columns))
    return without_empty(columns, rows, always=columns if chosen or not rows else ["id"])


def _page(
    table: Table, cursor: Cursor, document: Mapping[str, Any], limit: int, on_page: int, *, by_token: bool
) -> None:
    """Say in a table how it goes on, or how many records there are if that is the end."""
    told, token = cursor.skip + len(table.rows), _info(document).get("next_page_token")
    if told < on_page:
        table.cursor = msgspec.structs.replace(cursor, skip=told).written()
        table.note = f"The rest did not fit. {NARROW}"
    elif not has_more(document):
        table.total = (cursor.page - 1) * limit + on_page
    elif by_token and isinstance(token, str):
        table.cursor = Cursor(cursor.question, cursor.page + 1, token=token).written()
    elif (cursor.page + 1) * limit <= _MOST:
        table.cursor = Cursor(cursor.question, cursor.page + 1).written()
    else:
        table.note = f"There are more, but a search ends after {_MOST:,} records. {NARROW}"


def named_fields(fields: Sequence[str] | None) -> list[str]:
    """The names of an argument, each once. Some agents write several into one text."""
    parts = [part.strip() for text in fields or () for part in text.split(",")]
    return list(dict.fromkeys(filter(None, parts)))


async def unknown_fields(
    session: Session,
    account: str | None,
    module: str,
    names: Sequence[str],
    records: Sequence[Mapping[str, Any]],
) -> list[str]:
    """A sentence for each of these fields that there is not: the API just leaves them out of the records."""
    absent = [name for name in names if records and not any(name in record for record in records)]
    if not absent:
        return []
    try:
        known = await fields_of(session, account, module)
    except ToolFailed:
        return []
    return list(no_fields(module, [name for name in absent if name not in known], known).values())


SEARCH_RECORDS = Tool(
    "search_records",
    "Search records",
    "Find records by one of words, email, phone and where; without any, the newest.",
    Search,
    Table,
    search_records,
)
