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
        parameters = form(request)
        try:
            parameters = with_basic(request.header(b"authorization"), parameters)
            issued = await self._issued(parameters, site)
        except TooManyTokens as error:
            document = {"error_description": str(error), "error": error.error, "status": "failure"}
            return answer(document, 400)
        except TokenRefused as error:
            description = {"error_description": str(error)} if str(error) else {}
            return answer({"error": error.error, **description})
        document = self._document(issued, site)
        if parameters["grant_type"] == "authorization_code" and issued.scopes.allows("openid"):
            document |= await self._id_token(issued, parameters["client_id"], site)
        return answer(document)

    async def _id_token(self, issued: Issued, client_id: str, site: Site) -> dict[str, str]:
        """A token that tells the client who consented; nothing if the user was just deleted."""
        user = await self._user(issued.organisation, issued.user)
        if user is None:
            return {}
        return {"id_token": await self._id_tokens.sign(openid.claims(issued, user, client_id, site))}

    async def _user(self, identity: int, user: int) -> Mapping[str, Any] | None:
        organisation = await self._open(identity)
        document = organisation.metadata.find("user", user) if organisation else None
        return document.body if document else None

    async def _issued(self, parameters: dict[str, str], site: Site) -> Issued:
        grant_type = parameters.get("grant_type")
        if grant_type not in {"authorization_code", "refresh_token", "client_credentials"}:
            raise GrantTypeUnsupported
        client_id, client_secret = parameters.get("client_id", ""), parameters.get("client_secret", "")
        client = await self._accounts.authenticate(site, client_id, client_secret)
        if grant_type == "refresh_token":
            return await self._accounts.refresh(client, parameters.get("refresh_token", ""))
        if grant_type == "client_credentials":
            return await self._accounts.grant_access(client, await self._own_grant(client, parameters))
        code, verifier = parameters.get("code", ""), parameters.get("code_verifier")
        return await self._clients.redeem(client, code, parameters.get("redirect_uri"), verifier)

    async def _own_grant(self, client: Client, parameters: dict[str, str]) -> Grant:
        """The grant of a client without anybody's consent: its own organisation, as the user who registered it."""
        organisation = await self._open(client.organisation)
        if organisation is None or parameters.get("soid") != f"ZohoCRM.{organisation.metadata.org['zgid']}":
            raise OrganisationWrong("soid has to be ZohoCRM. and the zgid of the client's organisation.")
        try:
            scopes = published(parameters.get("scope", ""))
        except ValueError as error:
            raise ScopeRefused from error
        return Grant(client.client_id, client.organisation, client.user, str(scopes))

    def _document(self, issued: Issued, site: Site) -> dict[str, Any]:
        refresh_token = {"refresh_token": issued.refresh_token} if issued.refresh_token else {}
        return {
            "access_token": issued.access_token,
            **refresh_token,
            "scope": str(issued.scopes),
            "api_domain": site.base(issued.centre),
            "token_type": "Bearer",
            "expires_in": ACCESS_LIFETIME,
        }

    async def revoke(self, request: Request, site: Site) -> Response:
        """Revoke the token of the form or the query; a refresh token with its access tokens."""
        if request.method != "POST":
            return _only("POST")
        parameters = form(request)
        try:
            parameters = with_basic(request.header(b"authorization"), parameters)
            # Zoho does not ask for a client here. But if a client says who it is, that must be true.
            if client_secret := parameters.get("client_secret"):
                await self._accounts.authenticate(site, parameters.get("client_id", ""), client_secret)
        except TokenRefused as error:
            return answer({"status": "failure", "error": error.error}, 400)
        token = parameters.get("token")
        if token and await self._accounts.revoke(token, site):
            return answer({"status": "success"})
        return answer({"status": "failure", "error": "invalid_token"}, 400)

    async def user_info(self, request: Request, site: Site) -> Response:
        """The user that a token stands for, with the keys of Zoho."""
        if request.method != "GET":
            return _only("GET")
        caller = await self._caller(request, site, PROFILE_SCOPE)
        if isinstance(caller, Response):
            return caller
        user, _ = caller
        return answer(
            {
                "First_Name": user["first_name"],
                "Last_Name": user["last_name"],
                "Email": user["email"],
                "Display_Name": user["full_name"],
                "ZUID": int(user["zuid"]) if user["zuid"] else None,
            }
        )

    async def openid_user(self, request: Request, site: Site) -> Response:
        """The user that a token stands for, with the keys of OpenID Connect."""
        if request.method not in {"GET", "POST"}:
            return _only("GET, POST")
        caller = await self._caller(request, site, "openid")
        if isinstance(caller, Response):
            return caller
        user, principal = caller
        return answer(openid.user_claims(user, principal.scopes.allows))

    async def _caller(
        self, request: Request, site: Site, scope: str
    ) -> tuple[Mapping[str, Any], Principal] | Response:
        """The user that the token of a request stands for, and its principal; or the answer that refuses the token."""
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
        """The keys that verify ID tokens."""
        if request.method != "GET":
            return _only("GET")
        return answer(await self._id_tokens.published())


def _only(method: str) -> Response:
    """The answer to a method that the path does not have."""
    document = {"error": "invalid_request", "error_description": f"Send a {method} request."}
    return with_headers(answer(document, 405), (b"allow", method.encode()))
