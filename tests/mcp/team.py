"""Connections in a control database, and keys that may do different things with them."""

import pytest

from moorage.connections.labels import Labels
from moorage.connections.model import Upstream
from moorage.keys.scopes import parse
from moorage.mcp.accounts import Accounts
from moorage.mcp.rights import Rights

EMBEDDED = Upstream("embedded", organisation="acme")
LIVE = Upstream("remote", "https://www.zohoapis.com", data_centre="us")


class Team:
    """An account of somebody, and what its keys see over MCP."""

    def __init__(self, caller):
        self.caller = caller
        self.rooms = caller.control.rooms
        self.accounts = Accounts(self.rooms.connections, self.rooms.policies)
        self.rights = Rights(self.rooms.connections, self.rooms.policies)

    def run(self, coroutine):
        return self.caller.control.run(coroutine)

    def connection(self, upstream=EMBEDDED, alias=None, app="zoho-crm", **metadata):
        """A connection, which leads there; PENDING if there is None."""
        return self.run(self._connection(upstream, alias, app, metadata))

    async def _connection(self, upstream, alias, app, metadata):
        async def nothing(_tx):
            pass

        made = await self.rooms.connections.create(self.caller.account, app, labels=Labels(alias=alias))
        if upstream is not None:
            await self.rooms.connections.activate(made, upstream, metadata, nothing)
        self.caller.control.clock.advance(1)
        return made.id

    def fail(self, connection_id):
        async def failing():
            connection = await self.rooms.connections.get(self.caller.account, connection_id)
            async with self.rooms.database.transaction() as tx:
                await self.rooms.connections.fail_in(tx, connection, "invalid_code")

        self.run(failing())

    def key(self, *scopes, mode="live", policy=None):
        """The principal of a new key."""
        made, _ = self.run(
            self.rooms.keys.create(
                self.caller.account, "agent", mode=mode, scopes=parse(scopes or ["proxy"]), policy=policy
            )
        )
        return self.run(self.rooms.keys.principal_of(self.caller.account, made.id))

    def kinds(self, principal, account=None):
        return list(self.run(self.rights.kinds(principal, account)))

    def listed(self, principal, app=None, cursor=None):
        found, following = self.run(self.accounts.page(principal, app, cursor))
        return {account.name: account for account in found}, following


@pytest.fixture
def team(owner):
    return Team(owner)


@pytest.fixture
def others(stranger):
    return Team(stranger)
