"""The MCP server, and the calls that it makes within the process."""

from functools import cached_property
from typing import TYPE_CHECKING

from moorage.rooms.grants import GrantRooms

if TYPE_CHECKING:
    from starlette.requests import Request

    from moorage.http.inside import InsideCalls
    from moorage.mcp.routes import Caller, McpServers

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class McpRooms(GrantRooms):
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
        """The caller of a request to the MCP server, by an API key or by an access token of a grant.

        Raises KeyInvalid, TokenInvalid.
        """
        from moorage.grants.errors import TokenInvalid
        from moorage.grants.tokens import access_token_in
        from moorage.keys.errors import KeyInvalid
        from moorage.mcp.routes import Caller

        authorization, path = request.headers.get("authorization"), request.scope["path"]
        token = access_token_in(authorization)
        try:
            if token is None:
                principal = await self.keys.authenticate(authorization)
            else:
                principal = await self.grants.principal(token, f"{self.urls.gateway}{path}")
        except (KeyInvalid, TokenInvalid) as error:
            error.challenge = self.resources.challenge(path, was_sent=authorization is not None)
            raise
        return Caller(principal, self.keys.inside(principal))
