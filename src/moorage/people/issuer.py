"""An OpenID Connect issuer at which people sign in: its addresses, its keys, and the tokens it gives for a code.

(OpenID Connect Core 1.0 and Discovery 1.0; RFC 6749, 7636, 9207.)
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from moorage.clock import Clock, lately
from moorage.loopback import is_loopback
from moorage.people.errors import IssuerFailed, IssuerRefused
from moorage.single_flight import SingleFlight

KEPT_SECONDS = 3600.0  # For which the issuer's addresses and keys are kept.
ASKED_AGAIN_SECONDS = 60.0  # The keys are asked for at most this often, even if tokens name unknown ones.
SCOPE = "openid email profile"

# Sends a request: method, URL, headers and body. Gives the status and the body. Raises IssuerFailed.
Fetch: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]


@dataclass(frozen=True, slots=True)
class Client:
    """What the issuer knows this Moorage by."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)


class Addresses(msgspec.Struct, frozen=True):
    authorize: str
    token: str
    keys: str
    sends_secret_in_form: bool
    names_itself: bool  # In its answers, as RFC 9207 says.


class Issuer:
    def __init__(self, client: Client, fetch: Fetch, clock: Clock) -> None:
        self.client = client
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[str, tuple[Any, float]] = {}
        self._flights = SingleFlight[Any]()

    async def authorize_url(self, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where a person signs in. Raises IssuerFailed."""
        url = (await self.addresses()).authorize
        parameters = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"

    async def id_token(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code, not verified yet. Raises IssuerFailed, IssuerRefused."""
        addresses = await self.addresses()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        form["code_verifier"] = verifier
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if addresses.sends_secret_in_form:
            form |= {"client_id": self.client.client_id, "client_secret": self.client.secret}
        else:
            login = f"{quote_plus(self.client.client_id)}:{quote_plus(self.client.secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
        status, body = await self._fetch("POST", addresses.token, headers, urlencode(form).encode())
        if 400 <= status < 500:
            raise IssuerRefused("The issuer did not accept this sign-in.")
        token = self._object(status, body).get("id_token")
        if not isinstance(token, str):
            raise IssuerFailed("it gave no ID token")
        return token

    async def addresses(self) -> Addresses:
        """Raises IssuerFailed."""
        return await self._once("addresses", self._discover)  # type: ignore[no-any-return]

    async def keys(self, *, again: bool = False) -> list[Any]:
        """The public keys, as members of a JWK Set. `again` asks anew, if that is not too soon. Raises IssuerFailed."""
        asked_at = self._kept.get("keys", (None, 0.0))[1]
        if again and not lately(asked_at, self._clock.timestamp(), ASKED_AGAIN_SECONDS):
            self._kept.pop("keys", None)
        return await self._once("keys", self._ask_keys)  # type: ignore[no-any-return]

    async def _once(self, what: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        now = self._clock.timestamp()
        value, asked_at = self._kept.get(what, (None, 0.0))
        if value is None or not lately(asked_at, now, KEPT_SECONDS):
            value = await self._flights.do(what, ask)
            self._kept[what] = (value, now)
        return value

    async def _discover(self) -> Addresses:
        issuer = self.client.issuer
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        document = self._object(*await self._fetch("GET", url, {}, b""))
        if document.get("issuer") != issuer:
            raise IssuerFailed("its discovery document is of another issuer")
        methods = document.get("token_endpoint_auth_methods_supported")
        basic = not isinstance(methods, list) or "client_secret_basic" in methods
        return Addresses(
            self._address(document, "authorization_endpoint"),
            self._address(document, "token_endpoint"),
            self._address(document, "jwks_uri"),
            sends_secret_in_form=not basic,
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _address(self, document: Mapping[str, Any], name: str) -> str:
        url = document.get(name)
        if not isinstance(url, str) or not is_safe(url, beside=self.client.issuer):
            raise IssuerFailed(f"its {name} is no HTTPS address")
        return url

    async def _ask_keys(self) -> list[Any]:
        document = self._object(*await self._fetch("GET", (await self.addresses()).keys, {}, b""))
        keys = document.get("keys")
        if not isinstance(keys, list):
            raise IssuerFailed("it has no keys")
        return keys

    def _object(self, status: int, body: bytes) -> dict[str, Any]:
        try:
            document = msgspec.json.decode(body) if status == 200 else None
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise IssuerFailed(f"it answered {status} and no JSON object")
        return document


def is_safe(url: str, *, beside: str) -> bool:
    """True for HTTPS. An issuer on this machine may have plain HTTP addresses on this machine."""
    try:
        address, own = urlsplit(url), urlsplit(beside)
        host, own_host = address.hostname or "", own.hostname or ""
    except ValueError:
        return False
    here = own.scheme == "http" and is_loopback(own_host) and is_loopback(host)
    return bool(host) and (address.scheme == "https" or (address.scheme == "http" and here))
