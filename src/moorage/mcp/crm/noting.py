"""add_note: writes a note to a record."""

from typing import Annotated

import msgspec
from msgspec import Meta

from moorage.mcp.answers import Told
from moorage.mcp.crm.account import Account, Id, Module
from moorage.mcp.crm.calls import call_for_one, path_of
from moorage.mcp.crm.metadata import near_modules
from moorage.mcp.session import Session
from moorage.mcp.tool import Tool


class Note(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    module: Module
    id: Id
    title: Annotated[str, Meta(max_length=120)] | None = None
    text: Annotated[str, Meta(min_length=1, max_length=32_000)]


class Noted(msgspec.Struct, kw_only=True):
    id: str


async def add_note(session: Session, asked: Note) -> Told:
    note = {"Note_Content": asked.text}
    if asked.title is not None:
        note["Note_Title"] = asked.title
    async with near_modules(session, asked.account, asked.module):
        path = path_of(asked.module, asked.id, "Notes")
        made = await call_for_one(session, asked.account, path, note, "The note was not added")
    return Told(f"Note {made.get('id')} was added.", Noted(id=str(made.get("id"))))


ADD_NOTE = Tool(
    "add_note",
    "Add note",
    "Write a note to a record.",
    Note,
    Noted,
    add_note,
    kind="write",
)
