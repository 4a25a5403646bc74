"""The accounts server's paths."""

from collections.abc import Awaitable, Callable

from moorage.crm.accounts.clients import Clients
from moorage.crm.accounts.consent import ConsentPage
from moorage.crm.accounts.endpoints import TokenEndpoints
from moorage.crm.accounts.openid import IdTokens
from moorage.crm.accounts.people import People
from moorage.crm.accounts.service import Accounts, Write
from moorage.crm.call import answer
from moorage.crm.centres import Site
from moorage.crm.organisation import Organisation
from moorage.http.errors import BodyTooLarge
from moorage.http.message import Request, Response


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
        self._consent = ConsentPage(accounts, clients, people, write)
        self._tokens = TokenEndpoints(accounts, clients, open_organisation, write, id_tokens)

    def answer(self, request: Request, site: Site) -> Response | Awaitable[Response] | None:
        """The answer to a request for one of these paths; None for any other."""
        try:
            return self._answer(request, site)
        except BodyTooLarge as error:
            return answer({"error": "invalid_request", "error_description": error.message}, 413)

    def _answer(self, request: Request, site: Site) -> Response | Awaitable[Response] | None:
        match request.path:
            case b"/oauth/v2/auth":
                return self._consent.answer(request, site)
            case b"/oauth/v2/token":
                return self._tokens.token(request, site)
            case b"/" if request.method == "POST":
                # Zoho's SDK takes the accounts URL for the complete token URL, so the bare base serves it too.
                return self._tokens.token(request, site)
            case b"/oauth/v2/token/revoke":
                return self._tokens.revoke(request, site)
            case b"/oauth/user/info":
                return self._tokens.user_info(request, site)
            case b"/oauth/v2/userinfo":
                return self._tokens.openid_user(request, site)
            case b"/oauth/v2/keys":
                return self._tokens.keys(request)
            case b"/.well-known/openid-configuration":
                return self._tokens.discovery(request, site)
        return None
