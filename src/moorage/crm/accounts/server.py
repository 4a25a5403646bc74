"""The accounts server's paths."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from moorage.crm.accounts.clients import Clients
from moorage.crm.accounts.consent import ConsentPage
from moorage.crm.accounts.endpoints import TokenEndpoints
from moorage.crm.accounts.openid import IdTokens
from moorage.crm.accounts.people import People
from moorage.crm.accounts.service import Accounts, Write
from moorage.crm.centres import Site
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.wire.call import answer
from moorage.http.errors import BodyTooLarge
from moorage.http.message import Request, Response

Endpoint: TypeAlias = Callable[[Request, Site], Response | Awaitable[Response]]


class AccountsServer:
    """`write` does in a thread what writes the registry, as the event loop waits for no disk and no lock."""

    def __init__(
        self,
        accounts: Accounts,
        clients: Clients,
        people: People,
        open_organisation: Callable[[int], Organisation | None],
        write: Write,
        id_tokens: IdTokens,
    ) -> None:
        tokens = TokenEndpoints(accounts, clients, open_organisation, write, id_tokens)
        self._token = tokens.token
        self.paths: dict[bytes, Endpoint] = {
            b"/oauth/v2/auth": ConsentPage(accounts, clients, people, write).answer,
            b"/oauth/v2/token": tokens.token,
            b"/oauth/v2/token/revoke": tokens.revoke,
            b"/oauth/user/info": tokens.user_info,
            b"/oauth/v2/userinfo": tokens.openid_user,
            b"/oauth/v2/keys": lambda request, _site: tokens.keys(request),
            b"/.well-known/openid-configuration": tokens.discovery,
        }

    def answer(self, request: Request, site: Site) -> Response | Awaitable[Response] | None:
        """The answer to a request for one of these paths; None for any other."""
        endpoint = self.paths.get(request.path)
        if endpoint is None and request.path == b"/" and request.method == "POST":
            # Zoho's SDK takes the accounts URL for the complete token URL [Z sdk], so the bare base serves it too.
            endpoint = self._token
        try:
            return None if endpoint is None else endpoint(request, site)
        except BodyTooLarge as error:
            return answer({"error": "invalid_request", "error_description": error.message}, 413)
