"""delete_records: moves records to the recycle bin."""

import msgspec

from moorage.mcp.answers import Told, counted
from moorage.mcp.crm.account import Account, Ids, Module
from moorage.mcp.crm.calls import call_for_each, path_of
from moorage.mcp.crm.metadata import near_modules
from moorage.mcp.crm.writing import Written, rows_of_outcomes, told_of
from moorage.mcp.session import Session
from moorage.mcp.tool import Tool


class Delete(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    module: Module
    ids: Ids


async def delete_records(session: Session, asked: Delete) -> Told:
    ids = list(dict.fromkeys(asked.ids))
    async with near_modules(session, asked.account, asked.module):
        outcomes = await call_for_each(
            session, asked.account, "DELETE", path_of(asked.module), query={"ids": ",".join(ids)}
        )
    rows = rows_of_outcomes(outcomes, "deleted")
    for row, id_ in zip(rows, ids, strict=False):
        row.id = row.id or id_
    return told_of(rows, f"of {counted(len(ids), 'record')} of {asked.module} deleted.")


DELETE_RECORDS = Tool(
    "delete_records",
    "Delete records",
    "Delete up to 100 records. They go to the recycle bin.",
    Delete,
    Written,
    delete_records,
    kind="destructive",
)
