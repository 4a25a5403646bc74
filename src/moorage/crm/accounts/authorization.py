"""What a client asks for at `/oauth/v2/auth`, and how it is told what came of it [Z auth-request]."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from moorage.crm.accounts.errors import ClientUnknown
from moorage.crm.accounts.model import Client
from moorage.crm.accounts.service import Accounts
from moorage.crm.accounts.wording import published
from moorage.crm.centres import Site
from moorage.crm.wire.scopes import ScopeSet

# All that goes on from page to page, in the order in which an address shows it.
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
MAX_STATE = 4096  # As it stands in an address; each page carries it on, and a form has its own limit.
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class AuthorizationInvalid(Exception):
    """Nobody can be told but the person at the browser. `error` is the code that Zoho's page shows."""

    def __init__(self, error: str, help_: str) -> None:
        super().__init__(error)
        self.error = error
        self.help = help_


class AuthorizationRefused(Exception):
    """The client is told, at its redirect URI, by an `error` of OAuth's."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


@dataclass(frozen=True, slots=True)
class Authorization:
    """A request whose client and redirect URI belong together. `given` are its parameters as they came."""

    client: Client
    scopes: ScopeSet
    redirect_uri: str
    offline: bool
    ask_again: bool
    challenge: str | None
    state: str | None
    given: Mapping[str, str]

    def accepted(self, code: str, *, location: str, accounts_server: str) -> str:
        """Where the browser takes the code to."""
        found = {"code": code, "location": location, "accounts-server": accounts_server}
        return _with(self.redirect_uri, found, self.state)

    def refused(self, error: str) -> str:
        return _with(self.redirect_uri, {"error": error}, self.state)

    @property
    def query(self) -> str:
        """The same request as the query of an address."""
        return urlencode(self.given)


async def read(given: Mapping[str, str], accounts: Accounts, site: Site) -> Authorization:
    """Raises AuthorizationInvalid, and once the redirect URI is known to be the client's, AuthorizationRefused."""
    if given.get("response_type") != "code":
        raise AuthorizationInvalid("ERROR_invalid_response_type", "response_type has to be code.")
    client = await _client(given, accounts, site)
    redirect_uri = given.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris:
        raise AuthorizationInvalid(
            "ERROR_invalid_redirect_uri",
            "redirect_uri has to be one that the client is registered with, to the letter.",
        )
    try:
        scopes = published(given.get("scope", ""))
    except ValueError as error:
        raise AuthorizationInvalid("ERROR_invalid_scope", str(error)) from error
    state = given.get("state")
    if state is not None and _encoded_length(state) > MAX_STATE:
        raise AuthorizationRefused(_with(redirect_uri, {"error": "invalid_request"}, None))
    if not _sound(given):
        raise AuthorizationRefused(_with(redirect_uri, {"error": "invalid_request"}, state))
    return Authorization(
        client,
        scopes,
        redirect_uri,
        offline=given.get("access_type") == "offline",
        ask_again="consent" in given.get("prompt", "").lower(),
        challenge=given.get("code_challenge"),
        state=state,
        given={name: given[name] for name in PARAMETERS if name in given},
    )


async def _client(given: Mapping[str, str], accounts: Accounts, site: Site) -> Client:
    try:
        client = await accounts.client_at(site, given.get("client_id", ""))
    except ClientUnknown:
        client = None
    # Of the clients that Moorage keeps for itself, those without a redirect URI have no business here.
    if client is None or not (client.registered or client.redirect_uris):
        raise AuthorizationInvalid(
            "ERROR_invalid_client", "No such client is registered in this data centre."
        )
    return client


def _sound(given: Mapping[str, str]) -> bool:
    """Whether the access type is known, the nonce can be kept, and PKCE, if it is used, is by S256."""
    if len(given.get("nonce", "")) > MAX_NONCE:
        return False
    if given.get("access_type", "online") not in {"online", "offline"}:
        return False
    if "code_challenge" not in given:
        return "code_challenge_method" not in given
    by_s256 = given.get("code_challenge_method") == "S256"
    return by_s256 and bool(_CHALLENGE.fullmatch(given["code_challenge"]))


def _encoded_length(text: str) -> int:
    """How long a text is in an address, where each byte that is not of these takes three letters."""
    raw = text.encode("utf-8", "surrogatepass")
    return len(raw) + 2 * len(raw.translate(None, _UNRESERVED))


def _with(redirect_uri: str, found: Mapping[str, str], state: str | None) -> str:
    echoed = {} if state is None else {"state": state}
    separator = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{separator}{urlencode({**found, **echoed})}"
