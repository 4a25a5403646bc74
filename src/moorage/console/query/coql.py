"""The query screen: a query in COQL, its rows, and what is wrong with it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from moorage.console.calls import Answer, Refused
from moorage.console.places import Connection, name_of, places
from moorage.console.query.curl import curl_of
from moorage.console.tables import csv_of
from moorage.console.visit import VALUES, Page, Shown, Visit, get
from moorage.http.control import json_response
from moorage.web.pages import named_headers

_EXAMPLE = "select Last_Name, Company, Email from Leads where Last_Name is not null limit 50"
LONGEST = 20_000  # Characters of a query.
_PATH = "/crm/v8/coql"


async def show(visit: Visit) -> Shown | Response:
    """`q` is the query. It is asked if the page's own form or link was used: it may cost credits."""
    where = await places(visit)
    query = visit.query.get("q", "")
    values: dict[str, Any] = {
        **where.document(),
        "q": query,
        "example": _EXAMPLE,
        "result": None,
        "fault": None,
    }
    if where.chosen is None or not query.strip() or not _is_own(visit):
        return Shown("query.html", values)
    if len(query) > LONGEST:
        fault = {
            "code": "query_too_long",
            "message": f"A query has at most {LONGEST:,} characters.",
            "details": {},
        }
        return Shown("query.html", {**values, "fault": fault}, 400)
    answer = await _asked(visit, where.chosen, query)
    if answer.status >= 400:
        return Shown("query.html", {**values, "fault": _fault(answer)}, answer.status)
    found = answer.document or {"data": [], "info": {"count": 0, "more_records": False}}
    rows = found["data"]
    columns = columns_of(rows)
    if visit.query.get("format") == "csv":
        return _as_csv(columns, rows)
    result = {
        "columns": columns,
        "rows": rows,
        "info": found["info"],
        "credits": answer.headers.get("x-api-credits-remaining"),
    }
    return Shown("query.html", {**values, "result": result, "curl": _curl(visit, where.chosen, query)})


async def _asked(visit: Visit, connection: Connection, query: str) -> Answer:
    return await visit.app(
        name_of(connection), "POST", _PATH, body={"select_query": query}, keeps_errors=True
    )


def _is_own(visit: Visit) -> bool:
    """False for a link on a page of another site."""
    return visit.request.headers.get("sec-fetch-site") in {None, "same-origin", "none"}


def _fault(answer: Answer) -> Mapping[str, Any]:
    document = answer.document
    if not isinstance(document, dict):
        return {"code": "", "message": f"The app answered {answer.status}.", "details": {}}
    own = document.get("error")
    if isinstance(own, dict):
        return {"code": own.get("code"), "message": own.get("message"), "details": {}}
    details = document.get("details")
    return {
        "code": document.get("code", ""),
        "message": document.get("message", ""),
        "details": details if isinstance(details, dict) else {},
    }


def columns_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The members of all rows, in the order in which they come."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _as_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Response:
    content = csv_of([columns, *([row.get(name) for name in columns] for row in rows)])
    headers = {
        **named_headers(sources="sandbox"),
        "content-disposition": 'attachment; filename="query.csv"',
    }
    return Response(content, headers=headers, media_type="text/csv")


def _curl(visit: Visit, connection: Connection, query: str) -> str:
    body = json.dumps({"select_query": query}, ensure_ascii=False)
    call = {"method": "POST", "path": _PATH, "query": "", "body": body}
    return curl_of(visit, connection, call)


async def names(visit: Visit) -> Response:
    """The names that complete a query: those of modules, or with `module` those of its fields."""
    where = await places(visit)
    if where.chosen is None:
        raise Refused(404, "connection_missing", "There is no active connection.")
    module = visit.query.get("module")
    connection = name_of(where.chosen)
    if module is None:
        found = await visit.app(connection, "GET", "/crm/v8/settings/modules", keeps_errors=True)
        modules = (found.document or {}).get("modules", []) if found.status < 400 else []
        named = [
            {"name": entry["api_name"], "label": entry["plural_label"]}
            for entry in modules
            if entry.get("api_supported")
        ]
        return json_response({"names": named})
    asked = {"module": module}
    found = await visit.app(connection, "GET", "/crm/v8/settings/fields", asked, keeps_errors=True)
    fields = (found.document or {}).get("fields", []) if found.status < 400 else []
    named = [
        {
            "name": entry["api_name"],
            "label": entry["field_label"],
            "type": entry["data_type"],
            "module": ((entry.get("lookup") or {}).get("module") or {}).get("api_name"),
        }
        for entry in fields
    ]
    return json_response({"names": named})


PAGES: tuple[Page, ...] = (get("/query", show, VALUES), get("/query/names", names, VALUES))
