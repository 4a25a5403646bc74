"""list_accounts and connect_account: the accounts that an agent can use, and one more of them."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from moorage.mcp.accounts import Account
from moorage.mcp.answers import Table, Told, counted, table_told
from moorage.mcp.errors import PersonNeeded
from moorage.mcp.rights import APP
from moorage.mcp.session import Session
from moorage.mcp.tool import Tool

_COLUMNS = (
    "account",
    "app",
    "organisation",
    "user",
    "environment",
    "health",
    "next",
    "mode",
    "default",
)


class Ask(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    app: Annotated[str, Meta(max_length=63)] | None = None
    cursor: Annotated[str, Meta(max_length=80)] | None = None


async def list_accounts(session: Session, asked: Ask) -> Told:
    if session.account is not None:
        found, cursor = [await session.accounts.one(session.principal, session.account, APP)], None
    else:
        found, cursor = await session.accounts.page(session.principal, asked.app, asked.cursor)
    table = Table(columns=list(_COLUMNS), rows=_rows(found), cursor=cursor)
    if not found and asked.cursor is None:
        return table_told("This key can use no account. A person connects one.", table)
    return table_told(f"{counted(len(found), 'account')}.", table)


def _rows(accounts: Sequence[Account]) -> list[list[Any]]:
    return [
        [
            account.name,
            account.app,
            account.organisation,
            account.user,
            account.environment,
            account.health,
            account.next,
            account.mode,
            account.is_default,
        ]
        for account in accounts
    ]


class Connect(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    app: Annotated[str, Meta(max_length=63)] = APP
    alias: Annotated[str, Meta(description="A name for it, such as sales-eu", max_length=63)] | None = None


class Connected(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`link` is the page on which a person connects the account, once and within half an hour."""

    account: str
    app: str
    health: str
    organisation: str | None = None
    user: str | None = None
    environment: str | None = None
    link: str | None = None


async def connect_account(session: Session, asked: Connect) -> Told:
    body = {"app": asked.app} | ({} if asked.alias is None else {"alias": asked.alias})
    made = (await session.control("POST", "/connections", body=body)).document["connection"]
    account = await session.accounts.one(session.principal, made["id"])
    if account.status != "PENDING":
        return Told(f"{account.name} is connected.", _connected(account))
    link: str = made["url"]
    raise PersonNeeded(
        f"{session.principal.name} asks you to connect an account of {asked.app}, which it can use from then on.",
        link,
        f"/connections/{made['id']}",
        Told(
            "Not connected yet: give the link to a person, who connects the account within half an hour. Then use"
            " list_accounts.",
            _connected(account, link),
            f"link: {link}",
        ),
    )


def _connected(account: Account, link: str | None = None) -> Connected:
    return Connected(
        account=account.name,
        app=account.app,
        health=account.health,
        organisation=account.organisation,
        user=account.user,
        environment=account.environment,
        link=link,
    )


LIST_ACCOUNTS = Tool(
    "list_accounts",
    "List accounts",
    "The accounts that can be used, and what may be done there. mode: cautious asks a person before what destroys,"
    " strict before each write; readonly only reads.",
    Ask,
    Table,
    list_accounts,
)
CONNECT_ACCOUNT = Tool(
    "connect_account",
    "Connect an account",
    "Ask a person to connect one more account of an app.",
    Connect,
    Connected,
    connect_account,
    kind="write",
    scope="connections:write",
    is_open=True,
    is_of_one_account=False,
)
