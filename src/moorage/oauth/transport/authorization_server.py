"""Requests to accounts servers (authorization servers, RFC 6749): sign-in, exchange of a code, refresh, revocation."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from moorage.clock import Clock
from moorage.connections.model import Connection
from moorage.counts import COUNTS
from moorage.oauth.apps.destinations import Destination, Destinations
from moorage.oauth.apps.model import Identity
from moorage.oauth.errors import TokenFailed, TokenRefused
from moorage.oauth.model import Client, Minted
from moorage.oauth.transport.contract import HttpCall, HttpReply, Send, Unanswered
from moorage.oauth.transport.refusal_codes import OF_THE_CLIENT, OF_THE_TOKEN
from moorage.oauth.transport.token_responses import read_token_answer
from moorage.storage.errors import DatabaseUnusable

# The outcome of a revocation: done, not possible at this accounts server, or failed.
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
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if destination.provider.pkce:
            form["code_verifier"] = verifier
        return await self._tokens(destination, form)

    async def refresh(self, connection: Connection, refresh_token: str) -> Minted:
        """A new access token. Raises TokenRefused, TokenFailed."""
        try:
            destination = await self._destinations.of(connection)
        except DatabaseUnusable as trouble:  # No request was sent to the accounts server.
            raise TokenFailed(trouble.message, trouble=trouble) from trouble
        try:
            return await self.mint(destination, refresh_token)
        except TokenRefused as refused:
            if refused.reason in OF_THE_CLIENT:
                raise TokenFailed(
                    f"The accounts server refuses our client: {refused.reason}.", reason=refused.reason
                ) from refused
            raise

    async def mint(self, destination: Destination, refresh_token: str) -> Minted:
        """A new access token from a destination. Raises TokenRefused, TokenFailed."""
        return await self._tokens(
            destination, {"grant_type": "refresh_token", "refresh_token": refresh_token}
        )

    async def revoke(self, connection: Connection, token: str) -> Revocation:
        """Revoke a token. To revoke a refresh token revokes all its access tokens, too."""
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
        """The app's facts about the connected account. Raises TokenRefused if the API refuses the token."""
        facts: dict[str, str] = {}
        for identity in destination.provider.identity:
            document = (
                minted.answer
                if identity.path is None
                else await self.look(destination, identity, minted.access.value)
            )
            for name, path in identity.facts.items():
                fact = _at(document, path)
                if fact is not None:
                    facts[name] = fact
        return facts

    async def silence(self, destination: Destination, minted: Minted) -> str | None:
        """The reason why the app can't say if a token works, as a sentence; None if the app answers."""
        identity = destination.provider.token_check
        if identity is None:
            return "The app's file names no call to test a key with."
        try:
            reply = await self.ask(destination, identity, minted.access.value)
        except Unanswered as error:
            return str(error)
        return silence_of(reply)

    async def look(self, destination: Destination, identity: Identity, token: str) -> Any:
        """The JSON that answers a call for the identity, or None. Raises TokenRefused if the API refuses the token."""
        try:
            reply = await self.ask(destination, identity, token)
        except Unanswered:
            return None
        if reply.status == 401:
            code = error_code_of(reply)
            # Some apps answer 401 with their own codes although the token is valid and only this call is not allowed.
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

    async def _tokens(self, destination: Destination, form: Mapping[str, str]) -> Minted:
        try:
            reply = await self._send(destination)(
                _form(destination, destination.provider.token_path or "", form, prove=True)
            )
        except Unanswered as error:
            raise TokenFailed(str(error), may_have_minted=error.sent, trouble=error.trouble) from error
        minted = read_token_answer(reply.status, reply.body, self._clock)
        COUNTS.add("moorage_token_mints_total", destination.provider.name)
        return minted

    def _send(self, destination: Destination) -> Send:
        return self._inside if destination.embedded else self._outside


def authorize_url(
    destination: Destination, *, state: str, challenge: str, redirect_uri: str, scopes: Sequence[str]
) -> str:
    """The URL at which a person signs in and consents."""
    provider = destination.provider
    query = {
        "response_type": "code",
        "client_id": destination.client.client_id,
        "redirect_uri": redirect_uri,
        **({"scope": provider.scope_separator.join(scopes)} if scopes else {}),
        "state": state,
        **({"code_challenge": challenge, "code_challenge_method": "S256"} if provider.pkce else {}),
        **provider.authorize_params,
    }
    return f"{destination.accounts}{provider.authorize_path}?{urlencode(query, quote_via=quote)}"


def _form(destination: Destination, path: str, form: Mapping[str, str], *, prove: bool) -> HttpCall:
    """A call with the client's id and secret. They are never in the URL, because URLs appear in logs.

    Without `prove`, the form does not contain them, because some servers revoke a token only without them.
    """
    provider, client = destination.provider, destination.client
    headers, fields = {"Accept": "application/json"}, dict(form)
    if provider.token_auth == "basic":
        headers["Authorization"] = _basic(client)
    elif prove:
        fields |= {"client_id": client.client_id, "client_secret": client.client_secret}
    if provider.token_body == "json":
        headers["Content-Type"] = "application/json"
        body = msgspec.json.encode(fields)
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(fields).encode()
    return HttpCall("POST", f"{destination.tokens}{path}", headers, body)


def _basic(client: Client) -> str:
    # Both halves are form-encoded first (RFC 6749, 2.3.1).
    pair = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def agreed(reply: HttpReply) -> bool:
    """True if the server has done what the request asks. Some servers refuse with a status that means success."""
    document = _json(reply)
    refused = isinstance(document, dict) and (
        document.get("status") == "failure"
        or document.get("ok") is False
        or document.get("error") is not None
    )
    return reply.status < 300 and not refused


def silence_of(reply: HttpReply) -> str | None:
    """The reason why an answer does not say if a token works, as a sentence; None if it says it."""
    return f"The app answered with {reply.status}." if reply.status == 429 or reply.status >= 500 else None


def error_code_of(reply: HttpReply) -> str | None:
    """The code with which an API refuses a call, or None."""
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
