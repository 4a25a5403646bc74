"""get_records: whole records by their ids, with what belongs to them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from moorage.mcp.answers import HARD_CAP, Table, Told, counted, lines_of, shortened, with_note, without_empty
from moorage.mcp.crm.account import Account, Fields, Ids, Module
from moorage.mcp.crm.calls import call, name_of, path_of
from moorage.mcp.crm.metadata import columns_of, module_of, near_modules
from moorage.mcp.crm.searching import has_more, named_fields, records_in, unknown_fields
from moorage.mcp.crm.values import plain_record, rows_of
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Session
from moorage.mcp.texts import cell, cut, fitted
from moorage.mcp.tool import Tool

_WHOLE = 10  # Records that are read one by one, as only a single record shows all of its values.
_BELONGING = 20  # Records of a related list that are shown.
_LONGEST = 2000  # Characters of a text, unless its field alone is asked for.
_NOTES = ("Note_Title", "Note_Content", "Owner", "Created_Time")


class Get(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    module: Module
    ids: Ids
    fields: Fields | None = None
    include: (
        Annotated[
            str,
            Meta(description="notes, or related:LIST such as related:Contacts", max_length=120),
        ]
        | None
    ) = None


class Records(msgspec.Struct, omit_defaults=True, kw_only=True):
    """`left` are ids of records that did not fit. `related` has a table for each id, as those of lists."""

    records: list[dict[str, Any]]
    missing: list[str] = []
    left: list[str] = []
    related: dict[str, Any] = {}
    note: str | None = None


async def get_records(session: Session, asked: Get) -> Told:
    ids = list(dict.fromkeys(asked.ids))
    fields = named_fields(asked.fields)
    if asked.include is not None and len(ids) > _WHOLE:
        raise ToolFailed(f"include is possible for {_WHOLE} ids at once.", step="Ask for fewer ids.")
    notes: list[str] = []
    async with near_modules(session, asked.account, asked.module):
        if fields:
            records = await _listed(session, asked, ids, fields)
            notes = await unknown_fields(session, asked.account, asked.module, fields, records)
        elif len(ids) <= _WHOLE:
            records = [record for id_ in ids for record in await _whole(session, asked, id_)]
        else:
            records = await _listed(
                session, asked, ids, await columns_of(session, asked.account, asked.module)
            )
            notes = [f"More than {_WHOLE} records show only these fields; name others in fields."]
    found = [str(record.get("id")) for record in records]
    is_one_value = len(records) == 1 and len(fields) == 1 and asked.include is None
    shown = _shown(records, is_one_value=is_one_value)
    told = Records(
        records=shown,
        missing=[id_ for id_ in ids if id_ not in found],
        left=found[len(shown) :],
        related=await _related(session, asked, found[: len(shown)]),
    )
    if told.left:
        notes.append("Some did not fit: ask for the ids in left, or for fewer fields.")
    told.note = " ".join(notes) or None
    return _told(asked.module, told)


async def _listed(
    session: Session, asked: Get, ids: Sequence[str], fields: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The records of a list, in the order of the ids."""
    query = {"ids": ",".join(ids), "fields": ",".join(fields), "per_page": 100}
    records = records_in(await call(session, asked.account, "GET", path_of(asked.module), query=query))
    places = {id_: place for place, id_ in enumerate(ids)}
    return sorted(records, key=lambda record: places.get(str(record.get("id")), len(places)))


async def _whole(session: Session, asked: Get, id_: str) -> list[Mapping[str, Any]]:
    """The record with all of its values, if there is one."""
    try:
        return records_in(await call(session, asked.account, "GET", path_of(asked.module, id_)))
    except ToolFailed as failed:
        if failed.code == "INVALID_DATA":  # No record has this id.
            return []
        raise


def _shown(records: Sequence[Mapping[str, Any]], *, is_one_value: bool) -> list[dict[str, Any]]:
    """The first of the records, as many as are affordable. A value that was asked for alone is whole."""
    values = [plain_record(record) for record in records]
    if is_one_value:
        return [fitted(value, HARD_CAP - 1000) for value in values]
    kept: list[dict[str, Any]] = shortened([cut(value, _LONGEST) for value in values])
    return [fitted(value, HARD_CAP // 2) for value in kept[:1]] + kept[1:]


async def _related(session: Session, asked: Get, ids: Sequence[str]) -> dict[str, Table]:
    """For each record, the first of its notes, or of a related list."""
    if asked.include is None:
        return {}
    if asked.include == "notes":
        name, columns = "Notes", list(_NOTES)
    else:
        name = asked.include.removeprefix("related:")
        columns = await _columns_of_list(session, asked, name)
    query = {"fields": ",".join(columns), "per_page": _BELONGING}
    tables = {}
    for id_ in ids:
        document = await call(session, asked.account, "GET", path_of(asked.module, id_, name), query=query)
        records = records_in(document)
        rows = shortened(rows_of(records, ["id", *columns]), HARD_CAP // 4 // len(ids))
        tables[id_] = without_empty(["id", *columns], rows, always=["id"])
        if len(rows) < len(records) or has_more(document):
            tables[id_].note = "There are more; query_records can ask for all."
    return tables


async def _columns_of_list(session: Session, asked: Get, name: str) -> list[str]:
    """The columns of the module whose records a related list has. Raises ToolFailed for a list that there is not."""
    lists = {
        related.api_name: related.module_name
        for related in (await module_of(session, asked.account, asked.module)).related_lists
    }
    if name not in lists:
        raise ToolFailed(
            f"{asked.module} has no related list {name_of(name, 'include')}.",
            step=f"It has {', '.join(sorted(lists))}." if lists else None,
            code="arguments_invalid",
        )
    module = lists[name]
    return ["Name"] if module is None else await columns_of(session, asked.account, module)


def _told(module: str, told: Records) -> Told:
    sentence = f"{counted(len(told.records), 'record')} of {module}."
    if told.missing:
        sentence = f"{sentence} No record has these ids: {', '.join(told.missing)}."
    lines = []
    for record in told.records:
        lines += [f"{cell(name)}: {cell(value)}" for name, value in record.items()]
        table = told.related.get(str(record.get("id")))
        lines += [] if table is None or not table.rows else ["Related:", *lines_of(table)]
        lines.append("")
    return Told(with_note(sentence, told.note), told, "\n".join(lines).rstrip())


GET_RECORDS = Tool(
    "get_records",
    "Get records",
    "Whole records by ids, without what is empty. Long texts are cut: name their field alone to get all.",
    Get,
    Records,
    get_records,
)
