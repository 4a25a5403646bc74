"""What is asked of an accounts server: to let a person decide, to exchange a code, to refresh, to revoke."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from moorage.clock import Clock
from moorage.connections.model import Connection
from moorage.oauth.apps.destinations import Place, Places
from moorage.oauth.apps.providers import Identity
from moorage.oauth.errors import TokenFailed, TokenRefused
from moorage.oauth.model import Client, Minted
from moorage.oauth.transport.contract import Call, Reply, Send, Unanswered
from moorage.oauth.transport.refusal_codes import OF_THE_CLIENT, OF_THE_TOKEN
from moorage.oauth.transport.token_responses import read_token_answer
from moorage.storage.errors import DatabaseUnusable

# What became of tokens at their accounts server: it made them worthless, it has no way to, or it could not be asked.
Revocation: TypeAlias = Literal["revoked", "unsupported", "failed"]

_LONGEST_FACT = 200
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_. -]{0,99}")


class AccountsServers:
    """`outside` and `inside` carry calls to accounts servers elsewhere, and to that of the embedded CRM."""

    def __init__(self, places: Places, outside: Send, inside: Send, clock: Clock) -> None:
        self._places = places
        self._outside = outside
        self._inside = inside
        self._clock = clock

    async def exchange(self, place: Place, code: str, verifier: str, redirect_uri: str) -> Minted:
        """The tokens that a code stands for. Raises TokenRefused, TokenFailed."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if place.provider.pkce:
            asked["code_verifier"] = verifier
        return await self._tokens(place, asked)

    async def refresh(self, connection: Connection, refresh_token: str) -> Minted:
        """A new access token. Raises TokenRefused, TokenFailed."""
        try:
            place = await self._places.of(connection)
        except DatabaseUnusable as trouble:  # So nobody was asked.
            raise TokenFailed(trouble.message, trouble=trouble) from trouble
        try:
            return await self._tokens(place, {"grant_type": "refresh_token", "refresh_token": refresh_token})
        except TokenRefused as refused:
            if refused.reason in OF_THE_CLIENT:
                raise TokenFailed(
                    f"The accounts server does not take our client: {refused.reason}.", reason=refused.reason
                ) from refused
            raise

    async def revoke(self, connection: Connection, token: str) -> Revocation:
        """Make a token worthless, and with a refresh token all that was made of it."""
        try:
            place = await self._places.of(connection)
            path = place.provider.revoke_path
            if path is None:
                return "unsupported"
            reply = await self._send(place)(_form(place, path, {"token": token}, prove=False))
        except (Unanswered, TokenFailed, TokenRefused):
            return "failed"
        return "revoked" if agreed(reply) else "failed"

    async def identity(self, place: Place, minted: Minted) -> dict[str, str]:
        """Who was connected, as far as the app tells. Raises TokenRefused when its API doesn't accept the token."""
        facts: dict[str, str] = {}
        for one in place.provider.identity:
            document = minted.answer if one.path is None else await self.look(place, one, minted.access.value)
            for name, where in one.facts.items():
                found = _at(document, where)
                if found is not None:
                    facts[name] = found
        return facts

    async def silence(self, place: Place, minted: Minted) -> str | None:
        """Why nothing can be said of a token by asking the app for its account, None if it answers."""
        asked = next((one for one in place.provider.identity if one.path is not None), None)
        if asked is None:
            return "The app's file names no call to try a key with."
        try:
            reply = await self.ask(place, asked, minted.access.value)
        except Unanswered as error:
            return str(error)
        return (
            f"The app answered with {reply.status}." if reply.status == 429 or reply.status >= 500 else None
        )

    async def look(self, place: Place, identity: Identity, token: str) -> Any:
        """The JSON that a call for an identity gives, None if none came. Raises TokenRefused for a refused token."""
        try:
            reply = await self.ask(place, identity, token)
        except Unanswered:
            return None
        if reply.status == 401:
            code = refusal(reply)
            # Some apps answer so, with codes of their own, where the token is good and only this call is not allowed.
            # A key that was pasted has nothing else to show for itself.
            if code in OF_THE_TOKEN or place.provider.method == "API_KEY":
                raise TokenRefused(code or "key_refused")
        return _json(reply) if reply.status < 300 else None

    async def ask(self, place: Place, identity: Identity, token: str) -> Reply:
        """What the API answers to a call for an identity. Raises Unanswered."""
        authorization = place.provider.authorization.replace("{access_token}", token)
        headers = {**identity.headers, "Authorization": authorization}
        return await self._send(place)(Call("GET", f"{place.api}{identity.path}", headers))

    async def greet(self, base_url: str) -> Reply:
        """Whatever a server outside answers to somebody who shows nothing. Raises Unanswered."""
        return await self._outside(Call("GET", f"{base_url}/"))

    async def _tokens(self, place: Place, asked: Mapping[str, str]) -> Minted:
        try:
            reply = await self._send(place)(_form(place, place.provider.token_path or "", asked, prove=True))
        except Unanswered as error:
            raise TokenFailed(str(error), may_have_minted=error.sent, trouble=error.trouble) from error
        return read_token_answer(reply.status, reply.body, self._clock)

    def _send(self, place: Place) -> Send:
        return self._inside if place.embedded else self._outside


def authorize_url(
    place: Place, *, state: str, challenge: str, redirect_uri: str, scopes: Sequence[str]
) -> str:
    """Where a person signs in and decides."""
    provider = place.provider
    asked = {
        "response_type": "code",
        "client_id": place.client.client_id,
        "redirect_uri": redirect_uri,
        **({"scope": provider.scope_separator.join(scopes)} if scopes else {}),
        "state": state,
        **({"code_challenge": challenge, "code_challenge_method": "S256"} if provider.pkce else {}),
        **provider.authorize_params,
    }
    return f"{place.accounts}{provider.authorize_path}?{urlencode(asked, quote_via=quote)}"


def _form(place: Place, path: str, asked: Mapping[str, str], *, prove: bool) -> Call:
    """A call with the client's proof of itself: never in the address, where it would end up in logs.

    Who has a token may revoke it without one, and some servers take no more than the token in the form.
    """
    provider, client = place.provider, place.client
    headers, given = {"Accept": "application/json"}, dict(asked)
    if provider.token_auth == "basic":
        headers["Authorization"] = _basic(client)
    elif prove:
        given |= {"client_id": client.client_id, "client_secret": client.client_secret}
    if provider.token_body == "json":
        headers["Content-Type"] = "application/json"
        body = msgspec.json.encode(given)
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(given).encode()
    return Call("POST", f"{place.tokens}{path}", headers, body)


def _basic(client: Client) -> str:
    # Both halves are form-encoded first (RFC 6749, 2.3.1).
    pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def agreed(reply: Reply) -> bool:
    """Whether a server did what it was asked. Some say no with a status that says yes."""
    document = _json(reply)
    refused = isinstance(document, dict) and (
        document.get("status") == "failure"
        or document.get("ok") is False
        or document.get("error") is not None
    )
    return reply.status < 300 and not refused


def refusal(reply: Reply) -> str | None:
    """The code by which an API refuses a call, if it gives one."""
    document = _json(reply)
    code = document.get("code", document.get("error")) if isinstance(document, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _json(reply: Reply) -> Any:
    try:
        return msgspec.json.decode(reply.body)
    except (ValueError, RecursionError):
        return None


def _at(document: Any, place: str) -> str | None:
    """The text or whole number at a place such as `users.0.email`."""
    for step in place.split("."):
        if isinstance(document, Mapping):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    if isinstance(document, str) and document:
        return document[:_LONGEST_FACT]
    return str(document) if isinstance(document, int) and not isinstance(document, bool) else None
