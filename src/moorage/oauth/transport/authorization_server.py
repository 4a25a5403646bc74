"""Requests to accounts servers (authorization servers, RFC 6749): sign-in, exchange of a code, refresh, revocation."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from moorage.clock import Clock
from moorage.connections.model import Connection
from moorage.oauth.apps.destinations import Destination, Destinations
from moorage.oauth.apps.providers import Identity
from moorage.oauth.errors import TokenFailed, TokenRefused
from moorage.oauth.model import Client, Minted
from moorage.oauth.transport.contract import HttpCall, HttpReply, Send, Unanswered
from moorage.oauth.transport.refusal_codes import OF_THE_CLIENT, OF_THE_TOKEN
from moorage.oauth.transport.token_responses import read_token_answer
from moorage.storage.errors import DatabaseUnusable

# Whether the accounts server revoked the tokens, has no way to do so, or could not be asked.
Revocation: TypeAlias = Literal["revoked", "unsupported", "failed"]

_LONGEST_FACT = 200
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_. -]{0,99}")


class AuthorizationServers:
    """`outside` sends calls to remote servers, `inside` to the embedded CRM."""

    def __init__(self, destinations: Destinations, outside: Send, inside: Send, clock: Clock) -> None:
        self._destinations = destinations
        self._outside = outside
        self._inside = inside
        self._clock = clock

    async def exchange(self, destination: Destination, code: str, verifier: str, redirect_uri: str) -> Minted:
        """The tokens for an authorization code. Raises TokenRefused, TokenFailed."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if destination.provider.pkce:
            asked["code_verifier"] = verifier
        return await self._tokens(destination, asked)

    async def refresh(self, connection: Connection, refresh_token: str) -> Minted:
        """A new access token. Raises TokenRefused, TokenFailed."""
        try:
            destination = await self._destinations.of(connection)
        except DatabaseUnusable as trouble:  # The accounts server was not asked.
            raise TokenFailed(trouble.message, trouble=trouble) from trouble
        try:
            return await self._tokens(
                destination, {"grant_type": "refresh_token", "refresh_token": refresh_token}
            )
        except TokenRefused as refused:
            if refused.reason in OF_THE_CLIENT:
                raise TokenFailed(
                    f"The accounts server refuses our client: {refused.reason}.", reason=refused.reason
                ) from refused
            raise

    async def revoke(self, connection: Connection, token: str) -> Revocation:
        """Revoke a token. With a refresh token go all access tokens that were made from it."""
        try:
            destination = await self._destinations.of(connection)
            path = destination.provider.revoke_path
            if path is None:
                return "unsupported"
            reply = await self._send(destination)(_form(destination, path, {"token": token}, prove=False))
        except (Unanswered, TokenFailed, TokenRefused):
            return "failed"
        return "revoked" if agreed(reply) else "failed"

    async def identity(self, destination: Destination, minted: Minted) -> dict[str, str]:
        """Which account was connected, as far as the app says. Raises TokenRefused if the API refuses the token."""
        facts: dict[str, str] = {}
        for one in destination.provider.identity:
            document = (
                minted.answer if one.path is None else await self.look(destination, one, minted.access.value)
            )
            for name, where in one.facts.items():
                found = _at(document, where)
                if found is not None:
                    facts[name] = found
        return facts

    async def silence(self, destination: Destination, minted: Minted) -> str | None:
        """Why the app can't be asked whether a token works, as a sentence; None if the app answers."""
        asked = next((one for one in destination.provider.identity if one.path is not None), None)
        if asked is None:
            return "The app's file names no call to try a key with."
        try:
            reply = await self.ask(destination, asked, minted.access.value)
        except Unanswered as error:
            return str(error)
        return (
            f"The app answered with {reply.status}." if reply.status == 429 or reply.status >= 500 else None
        )

    async def look(self, destination: Destination, identity: Identity, token: str) -> Any:
        """The JSON that answers a call for the identity; None if none came. Raises TokenRefused for a refused token."""
        try:
            reply = await self.ask(destination, identity, token)
        except Unanswered:
            return None
        if reply.status == 401:
            code = error_code_of(reply)
            # Some apps answer 401 with codes of their own although the token is good and only this call is not allowed.
            # For a pasted key this call is the only evidence.
            if code in OF_THE_TOKEN or destination.provider.method == "API_KEY":
                raise TokenRefused(code or "key_refused")
        return _json(reply) if reply.status < 300 else None

    async def ask(self, destination: Destination, identity: Identity, token: str) -> HttpReply:
        """The API's answer to a call for the identity. Raises Unanswered."""
        authorization = destination.provider.authorization.replace("{access_token}", token)
        headers = {**identity.headers, "Authorization": authorization}
        return await self._send(destination)(HttpCall("GET", f"{destination.api}{identity.path}", headers))

    async def get_root(self, base_url: str) -> HttpReply:
        """The answer of a remote server to GET of its root, without a token. Raises Unanswered."""
        return await self._outside(HttpCall("GET", f"{base_url}/"))

    async def _tokens(self, destination: Destination, asked: Mapping[str, str]) -> Minted:
        try:
            reply = await self._send(destination)(
                _form(destination, destination.provider.token_path or "", asked, prove=True)
            )
        except Unanswered as error:
            raise TokenFailed(str(error), may_have_minted=error.sent, trouble=error.trouble) from error
        return read_token_answer(reply.status, reply.body, self._clock)

    def _send(self, destination: Destination) -> Send:
        return self._inside if destination.embedded else self._outside


def authorize_url(
    destination: Destination, *, state: str, challenge: str, redirect_uri: str, scopes: Sequence[str]
) -> str:
    """The URL where a person signs in and consents."""
    provider = destination.provider
    asked = {
        "response_type": "code",
        "client_id": destination.client.client_id,
        "redirect_uri": redirect_uri,
        **({"scope": provider.scope_separator.join(scopes)} if scopes else {}),
        "state": state,
        **({"code_challenge": challenge, "code_challenge_method": "S256"} if provider.pkce else {}),
        **provider.authorize_params,
    }
    return f"{destination.accounts}{provider.authorize_path}?{urlencode(asked, quote_via=quote)}"


def _form(destination: Destination, path: str, asked: Mapping[str, str], *, prove: bool) -> HttpCall:
    """A call with the client's id and secret: never in the URL, which would appear in logs.

    Without `prove` they are left out of the form: some servers revoke a token only if the form has nothing else.
    """
    provider, client = destination.provider, destination.client
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
    return HttpCall("POST", f"{destination.tokens}{path}", headers, body)


def _basic(client: Client) -> str:
    # Both halves are form-encoded first (RFC 6749, 2.3.1).
    pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def agreed(reply: HttpReply) -> bool:
    """Whether the server did what it was asked. Some refuse with a status that says success."""
    document = _json(reply)
    refused = isinstance(document, dict) and (
        document.get("status") == "failure"
        or document.get("ok") is False
        or document.get("error") is not None
    )
    return reply.status < 300 and not refused


def error_code_of(reply: HttpReply) -> str | None:
    """The code with which an API refuses a call, if it gives one."""
    document = _json(reply)
    code = document.get("code", document.get("error")) if isinstance(document, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None


def _json(reply: HttpReply) -> Any:
    try:
        return msgspec.json.decode(reply.body)
    except (ValueError, RecursionError):
        return None


def _at(document: Any, path: str) -> str | None:
    """The text or whole number at a path such as `users.0.email`."""
    for step in path.split("."):
        if isinstance(document, Mapping):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    if isinstance(document, str) and document:
        return document[:_LONGEST_FACT]
    return str(document) if isinstance(document, int) and not isinstance(document, bool) else None
