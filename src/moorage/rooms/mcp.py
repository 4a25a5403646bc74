"""The MCP server, and the calls that it makes within the process."""

from functools import cached_property
from typing import TYPE_CHECKING

from moorage.rooms.approvals import ApprovalRooms

if TYPE_CHECKING:
    from starlette.requests import Request

    from moorage.http.inside import InsideCalls
    from moorage.mcp.routes import Caller, McpServers

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class McpRooms(ApprovalRooms):
    @cached_property
    def inside(self) -> "InsideCalls":
        """Calls of this process to the gateway's origin, once that is served."""
        from moorage.http.inside import InsideCalls

        return InsideCalls()

    @cached_property
    def mcp(self) -> "McpServers":
        from moorage.mcp.accounts import Accounts
        from moorage.mcp.rights import Rights
        from moorage.mcp.routes import McpServers
        from moorage.mcp.sealing import PURPOSE, SealingKeys

        vault = self.vault
        rights = Rights(self.connections, self.policies)
        apps = lambda: self.providers.names  # noqa: E731
        accounts = Accounts(self.connections, self.policies)
        keys = SealingKeys(lambda: vault.derive(PURPOSE), lambda: vault.derived(PURPOSE))
        return McpServers(self.inside, self._caller, rights, apps, accounts, keys, self.urls.gateway)

    async def _caller(self, request: "Request") -> "Caller":
        """The caller of a request to the MCP server. Raises KeyInvalid."""
        from moorage.mcp.routes import Caller

        principal = await self.keys.authenticate(request.headers.get("authorization"))
        return Caller(principal, self.keys.inside(principal))
