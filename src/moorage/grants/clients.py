"""The programs that may ask people for leave: those with a document, and those that have registered themselves."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from moorage.grants import store
from moorage.grants.documents import ClientDocuments, name_of, redirect_uris_of
from moorage.grants.errors import AuthorizationInvalid, Refused, TooManyRegistrations
from moorage.grants.model import SECOND, Client
from moorage.grants.resources import SCOPE
from moorage.http.errors import quoted
from moorage.ids import new_uuid
from moorage.logs import Log
from moorage.storage import Database, Transaction
from moorage.web.tries import SignInThrottled, Tries

REGISTRATIONS = 20  # Of one address, in ten minutes.
REGISTRATIONS_OF_ALL = 200  # In ten minutes. After that they take turns.
MOST_UNUSED = 1000  # Registered programs that nobody has let act. The oldest goes for the next one.
UNUSED = timedelta(days=1)
LONG = timedelta(days=90)
_MICROSECOND = timedelta(microseconds=1)

log = Log(__name__)


class Clients:
    """`tries` limits who registers programs: everybody may, without a key, because that opens nothing."""

    def __init__(self, database: Database, documents: ClientDocuments, tries: Tries) -> None:
        self._database = database
        self._documents = documents
        self._tries = tries

    async def find(self, client_id: str) -> Client:
        """Raises AuthorizationInvalid."""
        if client_id.startswith("https://"):
            return await self._documents.find(client_id)
        async with self._database.reading() as tx:
            client = await store.client(tx, client_id) if client_id.isprintable() else None
        if client is None:
            raise AuthorizationInvalid(
                f"Nobody knows the program {quoted(client_id)}.",
                help="It was not used for long, or is known to another server only. Remove this server in the program,"
                " and add it again.",
            )
        return client

    async def register(self, metadata: Mapping[str, Any], address: str) -> dict[str, Any]:
        """Register a program (RFC 7591), and return its metadata as they count. Raises Refused."""
        client = _client(metadata)
        try:
            with self._tries.place(address):
                await self._tries.turn("registration", address)
        except SignInThrottled:
            raise TooManyRegistrations from None
        async with self._database.transaction(quiet=True) as tx:
            await store.add_client(tx, client)
            await prune(tx)
            issued_at = tx.now // SECOND
        log.info("grants.client_registered", client=client.id, name=client.name)
        return {
            "client_id": client.id,
            "client_id_issued_at": issued_at,
            "client_name": client.name,
            "redirect_uris": list(client.redirect_uris),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "scope": SCOPE,
        }


async def prune(tx: Transaction) -> None:
    """Remove registered programs that nobody uses."""
    unused_since, used_before = tx.now - UNUSED // _MICROSECOND, tx.now - LONG // _MICROSECOND
    await store.prune_clients(tx, unused_since=unused_since, used_before=used_before, most=MOST_UNUSED)


def _client(metadata: Mapping[str, Any]) -> Client:
    """Raises Refused. What a program asks for beyond its addresses is replaced by what counts here."""
    try:
        redirect_uris = redirect_uris_of(metadata)
    except ValueError as error:
        raise Refused("invalid_redirect_uri", f"{error}.") from error
    for name, needed in (("grant_types", "authorization_code"), ("response_types", "code")):
        values = metadata.get(name)
        if values is not None and (not isinstance(values, list) or needed not in values):
            raise Refused(
                "invalid_client_metadata", f"{name} has to be a list with {needed}, or to be missing."
            )
    return Client(f"client_{new_uuid()}", name_of(metadata), redirect_uris, is_registered=True)
