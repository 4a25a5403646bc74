"""The request of a client at `/oauth/v2/auth`, and the addresses that tell it the result [Z auth-request]."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from moorage.crm.accounts.errors import ClientUnknown
from moorage.crm.accounts.model import Client
from moorage.crm.accounts.service import Accounts
from moorage.crm.accounts.wording import published
from moorage.crm.centres import Site
from moorage.crm.wire.scopes import ScopeSet

# The parameters that each page passes on to the next, in the order of their query.
PARAMETERS = (
    "response_type",
    "client_id",
    "scope",
    "redirect_uri",
    "access_type",
    "prompt",
    "state",
    "code_challenge",
    "code_challenge_method",
    "nonce",
)
MAX_NONCE = 500
MAX_STATE = 4096  # Its length in an address. Each page passes it on, and the form of a page has a limit, too.
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class AuthorizationInvalid(Exception):
    """Only the person at the browser learns of it. `error` is the code that Zoho's page shows."""

    def __init__(self, error: str, help_: str) -> None:
        super().__init__(error)
        self.error = error
        self.help = help_


class AuthorizationRefused(Exception):
    """The client learns of it: `location` is its redirect URI with an `error` of OAuth."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


class Authorization(msgspec.Struct, frozen=True):
    """A request whose redirect URI belongs to its client. `parameters` are those of the request, as they came."""

    client: Client
    scopes: ScopeSet
    redirect_uri: str
    offline: bool
    ask_again: bool
    challenge: str | None
    state: str | None
    parameters: Mapping[str, str]

    def accepted(self, code: str, *, location: str, accounts_server: str) -> str:
        """The address to which the browser takes the code."""
        result = {"code": code, "location": location, "accounts-server": accounts_server}
        return _with(self.redirect_uri, result, self.state)

    def refused(self, error: str) -> str:
        """The address to which the browser takes the error."""
        return _with(self.redirect_uri, {"error": error}, self.state)

    @property
    def query(self) -> str:
        """The same request as the query of an address."""
        return urlencode(self.parameters)


async def read(parameters: Mapping[str, str], accounts: Accounts, site: Site) -> Authorization:
    """Read a request. Raises AuthorizationInvalid; AuthorizationRefused if the redirect URI is one of the client's."""
    if parameters.get("response_type") != "code":
        raise AuthorizationInvalid("ERROR_invalid_response_type", "response_type has to be code.")
    client = await _client(parameters, accounts, site)
    redirect_uri = parameters.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris:
        raise AuthorizationInvalid(
            "ERROR_invalid_redirect_uri",
            "redirect_uri has to be one that the client is registered with, to the letter.",
        )
    try:
        scopes = published(parameters.get("scope", ""))
    except ValueError as error:
        raise AuthorizationInvalid("ERROR_invalid_scope", str(error)) from error
    state = parameters.get("state")
    if state is not None and _encoded_length(state) > MAX_STATE:
        raise AuthorizationRefused(_with(redirect_uri, {"error": "invalid_request"}, None))
    if not _is_sound(parameters):
        raise AuthorizationRefused(_with(redirect_uri, {"error": "invalid_request"}, state))
    return Authorization(
        client,
        scopes,
        redirect_uri,
        offline=parameters.get("access_type") == "offline",
        ask_again="consent" in parameters.get("prompt", "").lower(),
        challenge=parameters.get("code_challenge"),
        state=state,
        parameters={name: parameters[name] for name in PARAMETERS if name in parameters},
    )


async def _client(parameters: Mapping[str, str], accounts: Accounts, site: Site) -> Client:
    try:
        client = await accounts.client_at(site, parameters.get("client_id", ""))
    except ClientUnknown:
        client = None
    # A client of Moorage itself sends people to this page only if it has a redirect URI.
    if client is None or not (client.registered or client.redirect_uris):
        raise AuthorizationInvalid(
            "ERROR_invalid_client", "No such client is registered in this data centre."
        )
    return client


def _is_sound(parameters: Mapping[str, str]) -> bool:
    """True if the access type exists, the nonce is short enough, and PKCE, if it is used, has the method S256."""
    if len(parameters.get("nonce", "")) > MAX_NONCE:
        return False
    if parameters.get("access_type", "online") not in {"online", "offline"}:
        return False
    if "code_challenge" not in parameters:
        return "code_challenge_method" not in parameters
    by_s256 = parameters.get("code_challenge_method") == "S256"
    return by_s256 and bool(_CHALLENGE.fullmatch(parameters["code_challenge"]))


def _encoded_length(text: str) -> int:
    """The length of a text in an address, where a byte outside of `_UNRESERVED` takes three characters."""
    raw = text.encode("utf-8", "surrogatepass")
    return len(raw) + 2 * len(raw.translate(None, _UNRESERVED))


def _with(redirect_uri: str, result: Mapping[str, str], state: str | None) -> str:
    with_state = {**result} if state is None else {**result, "state": state}
    separator = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{separator}{urlencode(with_state)}"
