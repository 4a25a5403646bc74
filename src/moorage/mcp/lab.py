"""Tools for tests: they put organisations of the embedded CRM into a known state."""

from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from moorage.mcp.answers import SOFT_CAP, Table, Told, counted, shortened, table_told, with_note
from moorage.mcp.errors import ToolFailed
from moorage.mcp.profile import Profile
from moorage.mcp.session import Answer, Session, segments
from moorage.mcp.texts import size
from moorage.mcp.tool import Tool

_READ = "organisations:read"
_WRITE = "organisations:write"
_MOST_LISTED = 50
_COLUMNS = ["organisation", "name", "accounts", "snapshots"]

Organisation: TypeAlias = Annotated[
    str, Meta(description="Short name, as lab_list gives it", min_length=1, max_length=64)
]
Snapshot: TypeAlias = Annotated[str, Meta(description="1 to 40 of a-z 0-9 -", max_length=40)]


class Nothing(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """No arguments."""


async def lab_list(session: Session, _asked: Nothing) -> Told:
    accounts = await session.rights.organisations(session.principal)
    answer = await session.control("GET", "/organisations")
    listed = [row for row in answer.document["organisations"] if row["slug"] in accounts]
    rows = []
    for row in listed[:_MOST_LISTED]:
        kept = await session.control("GET", f"/organisations{segments(row['slug'])}/snapshots")
        names = ", ".join(snapshot["name"] for snapshot in kept.document["snapshots"])
        rows.append([row["slug"], row["name"], ", ".join(accounts[row["slug"]]), names or None])
    table = Table(columns=_COLUMNS, rows=shortened(rows), total=len(listed))
    if len(table.rows) < len(listed):
        table.note = "The rest did not fit."
    return table_told(f"{counted(len(table.rows), 'organisation')}.", table)


class One(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    organisation: Organisation


class Seed(One, kw_only=True):
    records: Annotated[
        dict[str, list[dict[str, Any]]],
        Meta(description='Records by module, such as {"Leads": [{"Last_Name": "Hopper"}]}'),
    ]


class Kept(One, kw_only=True):
    snapshot: Snapshot


class Done(msgspec.Struct, kw_only=True):
    """An organisation whose state was changed or saved."""

    organisation: str


class Seeded(Done, kw_only=True, omit_defaults=True):
    ids: Annotated[dict[str, list[str]], Meta(description="Of the records, in their order, by module")]
    note: str | None = None


async def lab_reset(session: Session, asked: One) -> Told:
    await _changed(session, asked, "reset", {})
    return Told(
        f"The organisation {asked.organisation} is as it was made. Its records have the same ids again.",
        Done(organisation=asked.organisation),
    )


async def lab_seed(session: Session, asked: Seed) -> Told:
    answer = await _changed(session, asked, "seed", {"records": asked.records})
    ids: dict[str, list[str]] = answer.document["ids"]
    count = sum(map(len, ids.values()))
    note = None
    if size(ids) > SOFT_CAP:
        most = SOFT_CAP // 40 // len(ids)
        ids = {module: of_module[:most] for module, of_module in ids.items()}
        note = f"Of each module, the ids of the first {most} records are shown."
    seeded = Seeded(organisation=asked.organisation, ids=ids, note=note)
    return Told(with_note(f"{counted(count, 'record')} inserted.", note), seeded)


async def lab_snapshot(session: Session, asked: Kept) -> Told:
    await _changed(session, asked, "snapshots", {"name": asked.snapshot})
    return Told(
        f"The organisation {asked.organisation} is saved as the snapshot {asked.snapshot}.",
        Done(organisation=asked.organisation),
    )


async def lab_restore(session: Session, asked: Kept) -> Told:
    await _changed(session, asked, "restore", {"snapshot": asked.snapshot})
    return Told(
        f"The organisation {asked.organisation} is as in the snapshot {asked.snapshot}.",
        Done(organisation=asked.organisation),
    )


async def _changed(session: Session, asked: One, change: str, body: Any) -> Answer:
    """The answer to a change of an organisation. Raises ToolFailed unless a connection of the account leads to it."""
    if asked.organisation not in await session.rights.organisations(session.principal):
        raise ToolFailed(
            f"No account leads to an organisation {asked.organisation!r}.",
            step="lab_list shows those that there are.",
            code="organisation_unknown",
        )
    return await session.control("POST", f"/organisations{segments(asked.organisation)}/{change}", body=body)


PROFILE = Profile(
    "lab",
    "Tools for tests, on organisations of the embedded CRM, which has no real customers. lab_snapshot saves the"
    " state of one, and lab_restore goes back to it. lab_reset goes back to how it was made. lab_seed inserts records.",
    [
        Tool(
            "lab_list",
            "List organisations",
            "List the organisations of the embedded CRM that your accounts lead to, with their snapshots.",
            Nothing,
            Table,
            lab_list,
            scope=_READ,
        ),
        Tool(
            "lab_reset",
            "Reset an organisation",
            "Put an organisation back to how it was made. All later changes are lost.",
            One,
            Done,
            lab_reset,
            kind="destructive",
            scope=_WRITE,
            is_idempotent=True,
        ),
        Tool(
            "lab_seed",
            "Insert records",
            "Insert records of several modules, all or none. A lookup needs the id of a record that is there.",
            Seed,
            Seeded,
            lab_seed,
            kind="write",
            scope=_WRITE,
        ),
        Tool(
            "lab_snapshot",
            "Save an organisation",
            "Save the state of an organisation under a name. An older snapshot of this name is replaced.",
            Kept,
            Done,
            lab_snapshot,
            kind="destructive",
            scope=_WRITE,
            is_idempotent=True,
        ),
        Tool(
            "lab_restore",
            "Restore an organisation",
            "Put an organisation back to a snapshot. All later changes are lost.",
            Kept,
            Done,
            lab_restore,
            kind="destructive",
            scope=_WRITE,
            is_idempotent=True,
        ),
    ],
)
