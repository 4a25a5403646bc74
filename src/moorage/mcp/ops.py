"""Tools for operators, which change nothing: the request log, and how connections are."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from moorage.mcp.answers import (
    Table,
    Told,
    counted,
    lines_of,
    shortened,
    table_told,
    with_note,
    without_empty,
)
from moorage.mcp.errors import ToolFailed
from moorage.mcp.profile import Profile
from moorage.mcp.session import Session, segments
from moorage.mcp.texts import as_text, fitted, in_a_line
from moorage.mcp.tool import Tool

_CALLS = "requests:read"
_CONNECTIONS = "connections:read"
_LONGEST = 32_000  # Bytes of the JSON of a body. Two of them fit into a result.
_TAIL = "tail"  # At its path is a stream, which does not end.
_CALL_COLUMNS = ["at", "key", "connection", "method", "path", "status", "error", "ms", "request_id"]
_ALWAYS = ("at", "key", "method", "path", "status", "request_id")
_CONNECTION_COLUMNS = [
    "connection",
    "app",
    "status",
    "environment",
    "organisation",
    "user",
    "health",
    "reason",
    "next",
]
_FINDING_COLUMNS = ["severity", "code", "cause", "evidence", "fix"]
_NOTICES = {
    "interrupted": "A process was killed; calls of its last second may be missing.",
    "dropped": "Calls are missing, because the database could not be written.",
}


class Calls(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    query: (
        Annotated[
            str,
            Meta(
                description="Terms that calls fit, such as status:>=400 module:Leads key:ci -method:GET since:1h,"
                ' or "a text". Fields: status, error, module, method, operation, class, app, key, connection, path,'
                " verdict, duration, since, until",
                max_length=1000,
            ),
        ]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 20
    cursor: Annotated[str, Meta(max_length=30)] | None = None


async def list_requests(session: Session, asked: Calls) -> Told:
    given = {"q": asked.query, "limit": asked.limit, "cursor": asked.cursor}
    query = {name: value for name, value in given.items() if value is not None}
    document = (await session.control("GET", "/requests", query=query)).document
    calls = document["requests"]
    rows = shortened([_call_row(call) for call in calls])
    table = without_empty(_CALL_COLUMNS, rows, always=_ALWAYS)
    is_cut = len(rows) < len(calls)
    table.cursor = str(calls[len(rows) - 1]["number"]) if is_cut else document["next_cursor"]
    kinds = {notice["kind"] for notice in document["notices"]}
    table.note = " ".join(told for kind, told in _NOTICES.items() if kind in kinds) or None
    return table_told(f"{counted(len(rows), 'call')}, the newest first.", table)


def _call_row(call: Mapping[str, Any]) -> list[Any]:
    connection = call["connection"] or {}
    return [
        f"{call['at'][:19]}Z",
        call["key"]["name"] or call["key"]["id"],
        connection.get("alias") or connection.get("id"),
        call["method"],
        call["path"] if call["query"] is None else f"{call['path']}?{call['query']}",
        call["status"],
        call["error"],
        round(call["duration_ms"]),
        call["request_id"],
    ]


class OneCall(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    request_id: Annotated[
        str, Meta(description="As X-Request-Id and list_requests give it", min_length=1, max_length=200)
    ]
    bodies: Annotated[bool, Meta(description="Also the two bodies, if the server keeps them")] = False


class Call(msgspec.Struct, omit_defaults=True):
    request: Annotated[dict[str, Any], Meta(description="All that is known of it")]
    note: str | None = None


async def get_request(session: Session, asked: OneCall) -> Told:
    if asked.request_id == _TAIL:
        raise ToolFailed("No request has this id.", step="list_requests shows ids.", code="request_unknown")
    query = {"bodies": "true"} if asked.bodies else None
    answer = await session.control("GET", f"/requests{segments(asked.request_id)}", query=query)
    call = {name: value for name, value in answer.document["request"].items() if value is not None}
    for body in filter(None, call.get("bodies", {}).values()):
        body["text"] = fitted(body["text"], _LONGEST)
    note = "The server kept no bodies of it." if asked.bodies and "bodies" not in call else None
    sentence = f"The call ended with {call.get('status', 'no answer')}."
    lines = [f"{name}: {in_a_line(as_text(value))}" for name, value in call.items()]
    return Told(with_note(sentence, note), Call(call, note), "\n".join(lines))


class OneConnection(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    connection: Annotated[str, Meta(description="Its alias or id", min_length=1, max_length=64)]


class Finding(msgspec.Struct, omit_defaults=True, kw_only=True):
    severity: Literal["ok", "warning", "problem"]
    code: str
    cause: str
    evidence: str = ""
    fix: str | None = None


class Diagnosis(msgspec.Struct, kw_only=True):
    connection_id: str
    app: str
    status: str
    healthy: bool
    findings: list[Finding]


async def diagnose_connection(session: Session, asked: OneConnection) -> Told:
    answer = await session.control("GET", f"/connections{segments(asked.connection)}/diagnosis")
    # The answer may have a url with which a person can lead the connection elsewhere. It is not for agents.
    diagnosis = msgspec.convert(answer.document, Diagnosis)
    rows = [[getattr(finding, column) for column in _FINDING_COLUMNS] for finding in diagnosis.findings]
    text = "\n".join(lines_of(Table(columns=_FINDING_COLUMNS, rows=rows)))
    state = "works" if diagnosis.healthy else "does not work, or not for long"
    return Told(
        f"The connection {asked.connection} ({diagnosis.app}, {diagnosis.status}) {state}.", diagnosis, text
    )


class Wanted(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    app: Annotated[str, Meta(description="Such as zoho-crm", max_length=64)] | None = None
    status: Literal["ACTIVE", "PENDING", "FAILED"] | None = None
    environment: Literal["live", "sandbox", "embedded"] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=100)] | None = None


async def list_connections(session: Session, asked: Wanted) -> Told:
    query = {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not None}
    document = (await session.control("GET", "/connections", query=query)).document
    rows = shortened([_connection_row(connection) for connection in document["connections"]])
    if len(rows) < len(document["connections"]):  # A shorter page has the cursor behind what is shown.
        document = (await session.control("GET", "/connections", query=query | {"limit": len(rows)})).document
        rows = [_connection_row(connection) for connection in document["connections"]]
    table = without_empty(_CONNECTION_COLUMNS, rows, always=("connection", "app", "status", "health"))
    table.cursor = document.get("next_cursor")
    return table_told(f"{counted(len(rows), 'connection')}, the oldest first.", table)


def _connection_row(connection: Mapping[str, Any]) -> list[Any]:
    metadata, health = connection["metadata"], connection["health"]
    return [
        connection["alias"] or connection["id"],
        *(connection[name] for name in ("app", "status", "environment")),
        *(metadata.get(name) for name in ("organisation", "user")),
        *(health[name] for name in ("status", "reason", "next")),
    ]


PROFILE = Profile(
    "ops",
    "Tools that look after a Moorage server and change nothing. list_requests searches the calls that went through it,"
    " and get_request shows one with all that is known. If calls fail, list_connections and diagnose_connection tell"
    " why, and what to do.",
    [
        Tool(
            "list_requests",
            "List requests",
            "Find calls in the request log, the newest first.",
            Calls,
            Table,
            list_requests,
            scope=_CALLS,
        ),
        Tool(
            "get_request",
            "Get a request",
            "Show one call of the request log: operation, verdict, error, sizes and times.",
            OneCall,
            Call,
            get_request,
            scope=_CALLS,
        ),
        Tool(
            "list_connections",
            "List connections",
            "List connections with their health in plain words.",
            Wanted,
            Table,
            list_connections,
            scope=_CONNECTIONS,
        ),
        Tool(
            "diagnose_connection",
            "Diagnose a connection",
            "Try a connection with one harmless call, and tell what is wrong and what to do.",
            OneConnection,
            Diagnosis,
            diagnose_connection,
            scope=_CONNECTIONS,
        ),
    ],
)
