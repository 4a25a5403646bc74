"""search_records: finds records by words, e-mail, phone or conditions."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from moorage.mcp.answers import Table, Told, shortened, table_told
from moorage.mcp.crm.account import Account, Module
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Session, segments
from moorage.mcp.tool import Tool


class Search(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    module: Module
    words: Annotated[str, Meta(description="Words to find anywhere", max_length=200)] | None = None
    email: Annotated[str, Meta(max_length=200)] | None = None
    phone: Annotated[str, Meta(max_length=60)] | None = None
    where: (
        Annotated[
            str,
            Meta(
                description="Criteria, such as (City:equals:Berlin)and(Amount:greater_than:5)",
                max_length=2000,
            ),
        ]
        | None
    ) = None
    fields: Annotated[list[str], Meta(description="API names of fields", max_length=50)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 20


async def search_records(session: Session, asked: Search) -> Told:
    ways = {"word": asked.words, "email": asked.email, "phone": asked.phone, "criteria": asked.where}
    chosen = {name: text for name, text in ways.items() if text is not None}
    if len(chosen) > 1:
        raise ToolFailed("Give only one of words, email, phone and where.", code="arguments_invalid")
    fields = asked.fields or ["Last_Name"]
    query: dict[str, Any] = {**chosen, "fields": ",".join(fields), "per_page": asked.limit}
    path = segments("crm", "v8", asked.module, *(["search"] if chosen else []))
    answer = await session.app(asked.account, "GET", path, query=query)
    records = (answer.document or {}).get("data", [])
    columns = ["id", *fields]
    rows = shortened([[record.get(column) for column in columns] for record in records])
    return table_told(f"{len(rows)} {asked.module}.", Table(columns=columns, rows=rows))


SEARCH_RECORDS = Tool(
    "search_records",
    "Search records",
    "Find records of a module by words, e-mail, phone or criteria; without any, the newest.",
    Search,
    Table,
    search_records,
)
