"""write_records: creates, updates or upserts records, each with its own outcome."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from moorage.mcp.answers import Told, counted, with_note
from moorage.mcp.crm.account import Account, Module
from moorage.mcp.crm.advice import RowError, row_error
from moorage.mcp.crm.calls import call_for_each, path_of
from moorage.mcp.crm.checks import faults_in, put_right, unknown_names
from moorage.mcp.crm.metadata import Field, fields_of, near_modules
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Session
from moorage.mcp.texts import in_a_line
from moorage.mcp.tool import Tool

Mode = Literal["create", "update", "upsert"]

_DRY = (
    "Nothing was written. Names, types, lengths and options were checked, and for create what is required. Whether"
    " ids exist, duplicates, rights and rules of the organisation show only when it is written."
)
_UNCHECKED = "The fields of the module can't be read, so nothing could be checked. Nothing was written."


class Write(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    module: Module
    mode: Mode
    records: Annotated[
        list[dict[str, Any]],
        Meta(description='{"API_Name": value}; update needs id', min_length=1, max_length=100),
    ]
    match_on: (
        Annotated[list[str], Meta(description="Fields by which upsert finds a record", max_length=20)] | None
    ) = None
    dry_run: Annotated[bool, Meta(description="Check only")] = False
    idempotency_key: (
        Annotated[
            str,
            Meta(description="Makes a repeat of a call that a person approves the same call", max_length=255),
        ]
        | None
    ) = None


class Row(msgspec.Struct, omit_defaults=True, kw_only=True):
    index: int
    status: str
    id: str | None = None
    error: RowError | None = None


class Written(msgspec.Struct, omit_defaults=True, kw_only=True):
    rows: list[Row]
    note: str | None = None


async def write_records(session: Session, asked: Write) -> Told:
    if asked.match_on is not None and asked.mode != "upsert":
        raise ToolFailed("match_on is for mode upsert.", code="arguments_invalid")
    async with near_modules(session, asked.account, asked.module):
        fields, refused = await _known_fields(session, asked)
        if asked.dry_run:
            return _tried(asked, fields, refused)
        if refused:
            return _not_sent(asked, refused)
        body: dict[str, Any] = {"data": [put_right(record, fields) for record in asked.records]}
        if asked.match_on is not None:
            body["duplicate_check_fields"] = asked.match_on
        outcomes = await call_for_each(
            session,
            asked.account,
            "PUT" if asked.mode == "update" else "POST",
            path_of(asked.module, *(["upsert"] if asked.mode == "upsert" else [])),
            body=body,
            idempotency_key=asked.idempotency_key,
        )
    rows = rows_of_outcomes(outcomes, "updated" if asked.mode == "update" else "created")
    return told_of(rows, f"of {counted(len(asked.records), 'record')} of {asked.module} written.")


async def _known_fields(session: Session, asked: Write) -> tuple[Mapping[str, Field], dict[int, RowError]]:
    """The fields of the module, and what `unknown_names` says of them; neither if they can't be read.

    A field that was made just now is among them.
    """
    try:
        for anew in (False, True):
            fields = await fields_of(session, asked.account, asked.module, anew=anew)
            unknown = unknown_names(asked.module, asked.records, asked.match_on or (), fields)
            if not unknown:
                break
    except ToolFailed as failed:
        if failed.code in {"INVALID_MODULE", "arguments_invalid"}:
            raise
        return {}, {}
    return fields, unknown


def _tried(asked: Write, fields: Mapping[str, Field], unknown: Mapping[int, RowError]) -> Told:
    """What is known to be wrong, without writing."""
    if not fields:
        return Told(_UNCHECKED, Written(rows=[], note=_UNCHECKED))
    faults = dict(unknown)
    for index, record in enumerate(asked.records):
        fault = faults.get(index) or faults_in(put_right(record, fields), fields, asked.mode)
        if fault is not None:
            faults[index] = fault
    rows = [
        Row(index=index, status="invalid" if index in faults else "valid", error=faults.get(index))
        for index in range(len(asked.records))
    ]
    return told_of(rows, f"of {counted(len(rows), 'record')} of {asked.module} can be written.", note=_DRY)


def _not_sent(asked: Write, refused: Mapping[int, RowError]) -> Told:
    """Names that there are not would just be ignored by the app, so nothing is written at all."""
    rows = [
        Row(index=index, status="refused" if index in refused else "not_sent", error=refused.get(index))
        for index in range(len(asked.records))
    ]
    note = "Nothing was written, as some names of fields are wrong. Correct them and send all records again."
    return told_of(rows, f"of {counted(len(rows), 'record')} of {asked.module} written.", note=note)


def rows_of_outcomes(outcomes: Sequence[Mapping[str, Any]], done: str) -> list[Row]:
    """A row for each outcome of Zoho's API. `done` is the status of one that went well, unless it says more."""
    return [_row(index, outcome, done) for index, outcome in enumerate(outcomes)]


def _row(index: int, outcome: Mapping[str, Any], done: str) -> Row:
    if outcome.get("status") != "success":
        return Row(index=index, status="refused", error=row_error(outcome))
    details, action = outcome.get("details"), outcome.get("action")
    id_ = details.get("id") if isinstance(details, dict) else None
    status = {"insert": "created", "update": "updated"}.get(str(action), done)
    return Row(index=index, status=status, id=None if id_ is None else str(id_))


def told_of(rows: Sequence[Row], of_what: str, note: str | None = None) -> Told:
    """`3 of 5 …`, and a line for each row."""
    well = sum(row.error is None and row.status != "not_sent" for row in rows)
    sentence = with_note(f"{well} {of_what}", note)
    return Told(sentence, Written(rows=[*rows], note=note), "\n".join(map(_line, rows)))


def _line(row: Row) -> str:
    parts = [f"{row.index}: {row.status}"]
    if row.id is not None:
        parts.append(row.id)
    if row.error is not None:
        field = "" if row.error.field is None else f"{row.error.field}: "
        parts.append(f"{row.error.code}, {field}{row.error.fix}")
    return in_a_line(" ".join(parts))


WRITE_RECORDS = Tool(
    "write_records",
    "Write records",
    "Create, update or upsert up to 100 records. Each row tells its id, or what is wrong with which field.",
    Write,
    Written,
    write_records,
    kind="write",
)
