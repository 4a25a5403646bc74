"""`/oauth/v2/token`, `/oauth/v2/token/revoke` and `/oauth/user/info`, as Zoho's accounts server answers them.

Zoho answers most token errors with status 200 and `{"error": code}`; clients look for the missing access token.

Sources: [Z access-refresh], [Z client-credentials], [Z revoke-tokens]; of errors, [Z observed].
"""

from collections.abc import Mapping
from typing import Any

from moorage.crm.accounts import openid
from moorage.crm.accounts.basic import with_basic
from moorage.crm.accounts.clients import Clients
from moorage.crm.accounts.errors import (
    GrantTypeUnsupported,
    OrganisationWrong,
    ScopeRefused,
    TokenRefused,
    TooManyTokens,
)
from moorage.crm.accounts.forms import form
from moorage.crm.accounts.model import Client, Grant
from moorage.crm.accounts.openid import IdTokens
from moorage.crm.accounts.service import ACCESS_LIFETIME, Accounts, Issued
from moorage.crm.accounts.wording import published
from moorage.crm.centres import Site
from moorage.crm.faults import Fault
from moorage.crm.storage.contract.organisations import OpenOrganisation
from moorage.crm.wire.call import answer, with_headers
from moorage.crm.wire.principal import Principal
from moorage.http.message import Request, Response

PROFILE_SCOPE = "AaaServer.profile.READ"


class TokenEndpoints:
    def __init__(
        self,
        accounts: Accounts,
        clients: Clients,
        open_organisation: OpenOrganisation,
        id_tokens: IdTokens,
    ) -> None:
        self._id_tokens = id_tokens
        self._accounts = accounts
        self._clients = clients
        self._open = open_organisation

    async def token(self, request: Request, site: Site) -> Response:
        """Tokens for a grant."""
        if request.method != "POST":
            return _only("POST")
        given = form(request)
        try:
            given = with_basic(request.header(b"authorization"), given)
            issued = await self._granted(given, site)
        except TooManyTokens as refused:
            document = {"error_description": str(refused), "error": refused.error, "status": "failure"}
            return answer(document, 400)
        except TokenRefused as refused:
            why = {"error_description": str(refused)} if str(refused) else {}
            return answer({"error": refused.error, **why})
        document = self._document(issued, site)
        if given["grant_type"] == "authorization_code" and issued.scopes.allows("openid"):
            document |= await self._id_token(issued, given["client_id"], site)
        return answer(document)

    async def _id_token(self, issued: Issued, client_id: str, site: Site) -> dict[str, str]:
        """Who consented, for the client to know; nothing when the user is gone in this very moment."""
        user = await self._user(issued.organisation, issued.user)
        if user is None:
            return {}
        return {"id_token": await self._id_tokens.sign(openid.claims(issued, user, client_id, site))}

    async def _user(self, identity: int, user: int) -> Mapping[str, Any] | None:
        organisation = await self._open(identity)
        document = organisation.metadata.find("user", user) if organisation else None
        return document.body if document else None

    async def _granted(self, given: dict[str, str], site: Site) -> Issued:
        grant_type = given.get("grant_type")
        if grant_type not in {"authorization_code", "refresh_token", "client_credentials"}:
            raise GrantTypeUnsupported
        client_id, client_secret = given.get("client_id", ""), given.get("client_secret", "")
        client = await self._accounts.authenticate(site, client_id, client_secret)
        if grant_type == "refresh_token":
            return await self._accounts.refresh(client, given.get("refresh_token", ""))
        if grant_type == "client_credentials":
            return await self._accounts.grant_access(client, await self._of_the_client(client, given))
        code, uri, verifier = given.get("code", ""), given.get("redirect_uri"), given.get("code_verifier")
        return await self._clients.redeem(client, code, uri, verifier)

    async def _of_the_client(self, client: Client, given: dict[str, str]) -> Grant:
        """What a client may do without anybody's consent: act in its own organisation as who registered it."""
        organisation = await self._open(client.organisation)
        if organisation is None or given.get("soid") != f"ZohoCRM.{organisation.metadata.org['zgid']}":
            raise OrganisationWrong("soid has to be ZohoCRM. and the zgid of the client's organisation.")
        try:
            scopes = published(given.get("scope", ""))
        except ValueError as error:
            raise ScopeRefused from error
        return Grant(client.client_id, client.organisation, client.user, str(scopes))

    def _document(self, issued: Issued, site: Site) -> dict[str, Any]:
        lasting = {"refresh_token": issued.refresh_token} if issued.refresh_token else {}
        return {
            "access_token": issued.access_token,
            **lasting,
            "scope": str(issued.scopes),
            "api_domain": site.base(issued.centre),
            "token_type": "Bearer",
            "expires_in": ACCESS_LIFETIME,
        }

    async def revoke(self, request: Request, site: Site) -> Response:
        """Make the token of the form or the query worthless; with a refresh token go its access tokens."""
        if request.method != "POST":
            return _only("POST")
        given = form(request)
        try:
            given = with_basic(request.header(b"authorization"), given)
            # Zoho asks for no client here; one that says who it is has to be that one.
            if given.get("client_secret"):
                await self._accounts.authenticate(site, given.get("client_id", ""), given["client_secret"])
        except TokenRefused as refused:
            return answer({"status": "failure", "error": refused.error}, 400)
        token = given.get("token")
        if token and await self._accounts.revoke(token, site):
            return answer({"status": "success"})
        return answer({"status": "failure", "error": "invalid_token"}, 400)

    async def user_info(self, request: Request, site: Site) -> Response:
        """Who a token stands for, in Zoho's own keys."""
        if request.method != "GET":
            return _only("GET")
        found = await self._asked_by(request, site, PROFILE_SCOPE)
        if isinstance(found, Response):
            return found
        body, _ = found
        return answer(
            {
                "First_Name": body["first_name"],
                "Last_Name": body["last_name"],
                "Email": body["email"],
                "Display_Name": body["full_name"],
                "ZUID": int(body["zuid"]) if body["zuid"] else None,
            }
        )

    async def openid_user(self, request: Request, site: Site) -> Response:
        """Who a token stands for, in OpenID Connect's."""
        if request.method not in {"GET", "POST"}:
            return _only("GET, POST")
        found = await self._asked_by(request, site, "openid")
        return found if isinstance(found, Response) else answer(openid.who(found[0], found[1].scopes.allows))

    async def _asked_by(
        self, request: Request, site: Site, scope: str
    ) -> tuple[Mapping[str, Any], Principal] | Response:
        """The user whose token it is, and what else the token says; the refusal of one without the scope."""
        try:
            principal = await self._accounts.principal(request.header(b"authorization"))
        except Fault:
            return answer({"error": "INVALID_OAUTHTOKEN"}, 401)
        is_here = site.admits(principal.centre)
        user = await self._user(principal.organisation, principal.user) if is_here else None
        if user is None:
            return answer({"error": "INVALID_OAUTHTOKEN"}, 401)
        if not principal.scopes.allows(scope):
            return answer({"error": "INVALID_OAUTHSCOPE"}, 401)
        return user, principal

    async def discovery(self, request: Request, site: Site) -> Response:
        return answer(openid.discovery(site)) if request.method == "GET" else _only("GET")

    async def keys(self, request: Request, _site: Site) -> Response:
        """What ID tokens are verified with."""
        if request.method != "GET":
            return _only("GET")
        return answer(await self._id_tokens.published())


def _only(method: str) -> Response:
    """What a path says to any other method than its own."""
    document = {"error": "invalid_request", "error_description": f"Send a {method} request."}
    return with_headers(answer(document, 405), (b"allow", method.encode()))
