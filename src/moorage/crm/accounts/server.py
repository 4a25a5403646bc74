"""The paths of the accounts server."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from moorage.crm.accounts.clients import Clients
from moorage.crm.accounts.consent import ConsentPage
from moorage.crm.accounts.endpoints import TokenEndpoints
from moorage.crm.accounts.openid import IdTokens
from moorage.crm.accounts.people import People
from moorage.crm.accounts.service import Accounts
from moorage.crm.centres import Site
from moorage.crm.storage.contract.organisations import OpenOrganisation
from moorage.crm.wire.call import answer
from moorage.http.errors import BodyTooLarge
from moorage.http.message import Request, Response

Endpoint: TypeAlias = Callable[[Request, Site], Awaitable[Response]]


class AccountsServer:
    """Answers requests. It never waits in the event loop for a disk or a lock."""

    def __init__(
        self,
        accounts: Accounts,
        clients: Clients,
        people: People,
        open_organisation: OpenOrganisation,
        id_tokens: IdTokens,
    ) -> None:
        tokens = TokenEndpoints(accounts, clients, open_organisation, id_tokens)
        self._token = tokens.token
        self.paths: dict[bytes, Endpoint] = {
            b"/oauth/v2/auth": ConsentPage(accounts, clients, people).answer,
            b"/oauth/v2/token": tokens.token,
            b"/oauth/v2/token/revoke": tokens.revoke,
            b"/oauth/user/info": tokens.user_info,
            b"/oauth/v2/userinfo": tokens.openid_user,
            b"/oauth/v2/keys": tokens.keys,
            b"/.well-known/openid-configuration": tokens.discovery,
        }

    def answer(self, request: Request, site: Site) -> Awaitable[Response] | None:
        """The answer to a request for one of these paths; None for another path."""
        endpoint = self.paths.get(request.path)
        if endpoint is None and request.path == b"/" and request.method == "POST":
            # Zoho's SDK uses the accounts URL as the whole token URL [Z sdk], so the base URL answers it, too.
            endpoint = self._token
        return None if endpoint is None else _answer(endpoint, request, site)


async def _answer(endpoint: Endpoint, request: Request, site: Site) -> Response:
    try:
        return await endpoint(request, site)
    except BodyTooLarge as error:
        return answer({"error": "invalid_request", "error_description": error.message}, 413)
