"""convert_lead: makes a contact, an account and, if wanted, a deal of a lead."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from moorage.mcp.answers import Told
from moorage.mcp.crm.account import Account, Id
from moorage.mcp.crm.calls import call_for_one, path_of
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Session
from moorage.mcp.tool import Tool


class Convert(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    account: Account | None = None
    id: Id
    deal: (
        Annotated[dict[str, Any], Meta(description="Values of a new deal: Deal_Name, Closing_Date, Stage")]
        | None
    ) = None
    overwrite: Annotated[bool, Meta(description="Write over values of a contact and account that match")] = (
        False
    )
    add_to_existing: Annotated[bool, Meta(description="Add to a contact and account that match")] = False


class Converted(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The ids of what the lead became."""

    contact: str | None = None
    account: str | None = None
    deal: str | None = None


async def convert_lead(session: Session, asked: Convert) -> Told:
    lead: dict[str, Any] = {"overwrite": asked.overwrite}
    if asked.add_to_existing:
        lead["add_to_existing_record"] = True
    if asked.deal is not None:
        lead["Deals"] = asked.deal
    path = path_of("Leads", asked.id, "actions", "convert")
    try:
        details = await call_for_one(session, asked.account, path, lead, "The lead was not converted")
    except ToolFailed as failed:
        if failed.code == "DUPLICATE_DATA":
            failed.step = "Use add_to_existing to add the lead to the records that match."
        raise
    made = Converted(
        contact=_id(details.get("Contacts")),
        account=_id(details.get("Accounts")),
        deal=_id(details.get("Deals")),
    )
    names = ", ".join(f"{name} {id_}" for name, id_ in msgspec.to_builtins(made).items())
    return Told(f"Lead {asked.id} was converted: {names}.", made)


def _id(made: Any) -> str | None:
    """The id of a record that was made, in one of the forms of the API's versions."""
    id_ = made.get("id") if isinstance(made, dict) else made
    return None if id_ is None else str(id_)


CONVERT_LEAD = Tool(
    "convert_lead",
    "Convert lead",
    "Make a contact, an account and, if you give a deal, a deal of a lead. It can't be undone.",
    Convert,
    Converted,
    convert_lead,
    kind="destructive",
)
