"""The clients that people register, and their grant codes."""

import hmac
import re
import secrets
from dataclasses import replace
from urllib.parse import urlsplit

from moorage.clock import SKEW, Clock, is_ahead
from moorage.crm.accounts.errors import CodesUsedUp, CodeUnknown, RedirectWrong
from moorage.crm.accounts.model import Client, Code, Grant
from moorage.crm.accounts.service import ACCESS_LIFETIME, Accounts, Issued, client_id_of, new_token
from moorage.crm.accounts.store import AccountsStore
from moorage.crm.accounts.wording import published
from moorage.crm.errors import ClientInvalid, ClientNotFound, CodesExhausted, ScopesInvalid
from moorage.digests import challenge_of, digest_of

CODE_LIFETIME = 180  # seconds
LONGEST_CODE_LIFETIME = 600  # Seconds. A self client chooses the lifetime of a code.
NEW_CODES = 10  # For each client, in ten minutes.
MAX_NAME = 100
MAX_REDIRECT_URI = 2000

_VISIBLE_ASCII = re.compile(r"[!-~]+")
# The scheme of an app itself must have a dot: browsers give no meaning to such a scheme (RFC 8252).
_OWN_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")


class Clients:
    """Server-based clients, which send people to the consent page, and self clients, which get codes without it."""

    def __init__(self, store: AccountsStore, accounts: Accounts, clock: Clock) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock

    async def register(
        self, name: str, organisation: int, user: int, redirect_uris: tuple[str, ...], *, self_client: bool
    ) -> Client:
        """A new client. Raises ClientInvalid."""
        if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
            raise ClientInvalid(
                "That name can't be shown to people.", help=f"Use a name of 1 to {MAX_NAME} characters."
            )
        if self_client and redirect_uris:
            raise ClientInvalid(
                "A self client has no redirect URI.", help="Leave out --self or the redirect URI."
            )
        if not self_client and not redirect_uris:
            raise ClientInvalid(
                "A client needs a redirect URI.",
                help="Give the address to which people go after their consent, or use --self.",
            )
        for uri in redirect_uris:
            _require_sound(uri)
        client = Client(
            client_id_of(secrets.token_bytes(20)),
            organisation,
            user,
            name.strip(),
            registered=True,
            self_client=self_client,
            redirect_uris=tuple(dict.fromkeys(redirect_uris)),
            created_at=self._clock.timestamp(),
        )
        await self._store.register(client)
        return await self.find(client.client_id)

    async def list(self) -> list[Client]:
        """All registered clients, the oldest first."""
        return await self._store.registered()

    async def find(self, client_id: str) -> Client:
        """A registered client. Raises ClientNotFound, also for a client of Moorage itself."""
        client = await self._store.client(client_id)
        if client is None or not client.registered:
            raise ClientNotFound(
                f"There is no client {client_id!r}.", help="`moorage crm client list` shows all clients."
            )
        return client

    async def remove(self, client_id: str) -> Client:
        """Delete a client and all its tokens. Raises ClientNotFound."""
        client = await self.find(client_id)
        await self._store.remove_client(client_id)
        return client

    async def take_back(self, organisation: int, user: int, *, but: str) -> int:
        """End the tokens that a user has given to clients, but for Moorage's own ones named `but`.

        Gives how many refresh tokens that were.
        """
        return await self._store.remove_of_user(organisation, user, but=but)

    async def self_code(self, client_id: str, scopes: str, lifetime: float) -> str:
        """A code for the user that this self client acts as.

        Raises ClientNotFound, ClientInvalid, ScopesInvalid, CodesExhausted.
        """
        client = await self.find(client_id)
        if not client.self_client:
            raise ClientInvalid(
                f"{client.name!r} is not a self client.",
                help="Its codes come from the consent page, at /oauth/v2/auth.",
            )
        try:
            wanted_scopes = published(scopes)
        except ValueError as error:
            raise ScopesInvalid(str(error)) from error
        try:
            grant = Grant(client.client_id, client.organisation, client.user, str(wanted_scopes))
            return await self.new_code(client, grant, lifetime=lifetime)
        except CodesUsedUp as error:
            raise CodesExhausted(
                f"The client got {NEW_CODES} codes within ten minutes.", help="Wait a few minutes."
            ) from error

    async def new_code(
        self,
        client: Client,
        grant: Grant,
        *,
        redirect_uri: str | None = None,
        challenge: str | None = None,
        offline: bool = True,
        lifetime: float = CODE_LIFETIME,
        nonce: str | None = None,
    ) -> str:
        """A code that the client can exchange once. Raises CodesUsedUp."""
        now = self._clock.timestamp()
        if client.registered and not await self._store.admit(
            "code", client.client_id, now=now, most=NEW_CODES
        ):
            raise CodesUsedUp
        text = new_token()
        code = Code(grant, now + lifetime, redirect_uri, challenge, offline, nonce)
        await self._store.add_code(digest_of(text), code, now=now, latest=now + LONGEST_CODE_LIFETIME)
        return text

    async def redeem(
        self, client: Client, text: str, redirect_uri: str | None, verifier: str | None
    ) -> Issued:
        """The tokens for a code. Raises CodeUnknown, RedirectWrong, TooManyTokens.

        Each try spends the code, also a try that fails, so nobody can guess twice. A second try shows that somebody
        else has the code, so the tokens that were given for it are revoked (RFC 6749, 4.1.2).
        """
        digest, now = digest_of(text), self._clock.timestamp()
        code = await self._store.take_code(digest, client.client_id, until=now + ACCESS_LIFETIME, now=now)
        if code is None:
            await self._revoke(await self._store.take_token(digest, client.client_id))
        if code is None or not is_ahead(code.expires_at, now, LONGEST_CODE_LIFETIME + SKEW):
            raise CodeUnknown
        if code.redirect_uri is not None and code.redirect_uri != redirect_uri:
            raise RedirectWrong
        if not _fits(challenge=code.challenge, verifier=verifier):
            raise CodeUnknown
        issue = self._accounts.grant if code.offline else self._accounts.grant_access
        issued = await issue(client, code.grant)
        token = digest_of(issued.refresh_token or issued.access_token)
        if not await self._store.note_token(digest, token):
            await self._revoke(token)
            raise CodeUnknown
        return replace(issued, nonce=code.nonce)

    async def _revoke(self, token: bytes | None) -> None:
        if token is not None:
            await self._store.remove(token)


def _fits(*, challenge: str | None, verifier: str | None) -> bool:
    """True if the verifier fits the challenge, or both are missing.

    If only the challenge is missing, somebody has taken it out of the request.
    """
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    return hmac.compare_digest(challenge_of(verifier).encode(), challenge.encode())


def _require_sound(uri: str) -> None:
    if not _is_sound(uri):
        raise ClientInvalid(
            f"{uri!r} can't be a redirect URI.",
            help="Use an address such as https://app.example/callback, http://127.0.0.1:3000/callback or"
            " com.example.app:/callback, without a fragment.",
        )


def _is_sound(uri: str) -> bool:
    if len(uri) > MAX_REDIRECT_URI or not _VISIBLE_ASCII.fullmatch(uri) or "#" in uri or "\\" in uri:
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme in {"http", "https"}:
        return bool(parts.hostname) and "@" not in parts.netloc
    return bool(_OWN_SCHEME.fullmatch(parts.scheme))
