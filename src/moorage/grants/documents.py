"""Client metadata documents: programs whose id is the HTTPS address of a document about them.

(OAuth Client ID Metadata Document, an Internet-Draft of the OAuth working group.)
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec

from moorage.bounded import Bounded
from moorage.clock import Clock, lately
from moorage.grants import redirects
from moorage.grants.errors import AuthorizationInvalid
from moorage.grants.model import LONGEST_NAME, UNNAMED, Client
from moorage.http.errors import quoted
from moorage.single_flight import SingleFlight

LONGEST_DOCUMENT = 16 * 1024
LONGEST_ID = 500
KEPT_SECONDS = 3600.0
_KEPT = 500  # Documents.

# Gets what is at a URL: the status and the body. Raises Unreachable.
Fetch: TypeAlias = Callable[[str], Awaitable[tuple[int, bytes]]]


class Unreachable(Exception):
    """Nothing could be got from there. The text says why, as a sentence."""


class ClientDocuments:
    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept = Bounded[str, tuple[Client, float]](_KEPT)
        self._flights = SingleFlight[Client]()

    async def find(self, client_id: str) -> Client:
        """The program with this id, as its document tells of it. Raises AuthorizationInvalid."""
        now = self._clock.timestamp()
        kept = self._kept.get(client_id)
        if kept is not None and lately(kept[1], now, KEPT_SECONDS):
            return kept[0]
        reason = _objection(client_id)
        if reason is not None:
            raise _invalid(client_id, reason)
        client = await self._flights.do(client_id, lambda: self._read(client_id))
        self._kept[client_id] = (client, now)
        return client

    async def _read(self, client_id: str) -> Client:
        try:
            status, body = await self._fetch(client_id)
        except Unreachable as error:
            raise _invalid(client_id, str(error)) from error
        if status != 200:
            raise _invalid(client_id, f"It answers {status}, and may not redirect.")
        try:
            document = msgspec.json.decode(body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise _invalid(client_id, "There is no JSON object.")
        if document.get("client_id") != client_id:
            raise _invalid(client_id, "Its client_id is not this address, to the letter.")
        if document.get("token_endpoint_auth_method", "none") != "none" or "client_secret" in document:
            raise _invalid(client_id, "It has to say token_endpoint_auth_method none, and to have no secret.")
        try:
            redirect_uris = redirect_uris_of(document)
        except ValueError as error:
            raise _invalid(client_id, f"{error}.") from error
        return Client(client_id, name_of(document), redirect_uris)


def redirect_uris_of(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The redirect URIs of a program's metadata (RFC 7591). Raises ValueError with a sentence without its full stop."""
    uris = metadata.get("redirect_uris")
    if not isinstance(uris, list) or not 0 < len(uris) <= redirects.MOST:
        raise ValueError(f"redirect_uris has to be a list of 1 to {redirects.MOST} addresses")
    for uri in uris:
        reason = redirects.objection(uri)
        if reason is not None:
            raise ValueError(f"The redirect URI {quoted(str(uri))} {reason}")
    return tuple(dict.fromkeys(uris))


def name_of(metadata: Mapping[str, Any]) -> str:
    """The name that a program gives itself, as it can be shown: one line, not too long."""
    name = metadata.get("client_name")
    shown = "".join(letter for letter in name if letter.isprintable()) if isinstance(name, str) else ""
    return " ".join(shown.split())[:LONGEST_NAME].strip() or UNNAMED


def _objection(client_id: str) -> str | None:
    """Why an id can't be the address of a document, as a sentence; None if it may be one."""
    try:
        address = urlsplit(client_id)
        port = address.port
    except ValueError:
        return "It is no address."
    is_plain = (
        client_id.isascii() and client_id.isprintable() and not ({"#", "@", "\\", " "} & set(client_id))
    )
    is_whole = (
        address.scheme == "https" and bool(address.hostname) and address.path not in {"", "/"} and port != 0
    )
    has_dots = any(segment in {".", ".."} for segment in address.path.split("/"))
    if not is_plain or not is_whole or has_dots or len(client_id) > LONGEST_ID:
        return "It has to be an HTTPS address with a path, without a user, a fragment, or segments of dots."
    return None


def _invalid(client_id: str, reason: str) -> AuthorizationInvalid:
    return AuthorizationInvalid(
        f"Nobody knows the program {quoted(client_id)}. {reason}",
        help="A program's id is the address of a JSON document about it. Its makers have to correct that.",
    )
