"""Who signs in: passwords, and the short sessions of the consent page."""

import asyncio
import hmac
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from moorage.clock import SKEW, Clock, is_ahead
from moorage.crm.accounts.errors import SignInRefused
from moorage.crm.accounts.model import User
from moorage.crm.accounts.store import AccountsStore
from moorage.crm.accounts.tries import Tries
from moorage.crm.errors import PasswordInvalid, UserUnknown
from moorage.crm.storage.contract.organisations import OpenOrganisation
from moorage.digests import digest_of

SESSION_LIFETIME = 600  # seconds
LONGEST_EMAIL = 254  # RFC 5321
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 256


class People:
    """`offered` tells whether an organisation's users may sign in with one click."""

    def __init__(
        self,
        store: AccountsStore,
        secret_key: bytes,
        clock: Clock,
        open_organisation: OpenOrganisation,
        offered: Callable[[int], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._key = secret_key
        self._clock = clock
        self._open = open_organisation
        self._offered = offered
        self._hasher = PasswordHasher()
        # Hashing takes a core and much memory for a while: aside from the event loop, and one at a time.
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="crm-password")
        self._tries = Tries()
        self._nobodys: str | None = None

    def close(self) -> None:
        self._aside.shutdown()

    async def place(self, organisation: int) -> str:
        """The organisation's name; empty for one that was deleted in this moment."""
        found = await self._open(organisation)
        return str(found.metadata.org["company_name"]) if found else ""

    async def of(self, organisation: int) -> list[User]:
        """The users who may sign in."""
        found = await self._open(organisation)
        return [
            User(user.id, user.body["full_name"], user.body["email"])
            for user in (found.metadata.all("user") if found else ())
            if user.body["status"] == "active" and user.body["confirm"]
        ]

    async def offered(self, organisation: int) -> list[User]:
        """The users who sign in with one click: none, or those without a password of an organisation to try out."""
        if not await self._offered(organisation):
            return []
        passwords = await self._store.passwords(organisation)
        return [user for user in await self.of(organisation) if user.id not in passwords]

    async def set_password(self, organisation: int, email: str, password: str) -> User:
        """Let a user sign in with a password; sessions of the user end. Raises UserUnknown, PasswordInvalid."""
        user = await self._find(organisation, email)
        if user is None:
            known = [user.email for user in await self.of(organisation)]
            raise UserUnknown(
                f"The organisation has no active user {email!r}.",
                help=f"Known: {', '.join(known)}.",
            )
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise PasswordInvalid(
                "The password can't be used.",
                help=f"Give one of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
            )
        hashed = await asyncio.get_running_loop().run_in_executor(self._aside, self._hasher.hash, password)
        await self._store.set_password(organisation, user.id, hashed)
        return user

    async def sign_in(self, organisation: int, email: str, password: str, client: str = "") -> User:
        """The user of that e-mail address and password. Raises SignInRefused, SignInThrottled.

        `client` is the address from which somebody tries.
        """
        if len(email) > LONGEST_EMAIL:
            raise SignInRefused
        account = f"{organisation} {email.lower()}"
        with self._tries.place(client):
            await self._tries.turn(account, client)
            user = await self._find(organisation, email)
            known = (await self._store.passwords(organisation)).get(user.id) if user else None
            fits = await self._check(known, password)
        if user is None or not fits:
            raise SignInRefused
        self._tries.forgive(account, client)
        return user

    async def _check(self, known: str | None, password: str) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._aside, self._fits, known, password)

    def _fits(self, known: str | None, password: str) -> bool:
        """Takes as long for whom nobody knows as for a wrong password."""
        if self._nobodys is None:
            self._nobodys = self._hasher.hash(secrets.token_hex())
        try:
            self._hasher.verify(known or self._nobodys, password[: LONGEST_PASSWORD + 1])
        except (Argon2Error, InvalidHashError):
            return False
        return known is not None

    async def _find(self, organisation: int, email: str) -> User | None:
        users = await self.of(organisation)
        return next((user for user in users if user.email.lower() == email.lower()), None)

    async def begin(self, organisation: int, user: User) -> str:
        """A session in which the user is signed in."""
        session, now = new_session(), self._clock.timestamp()
        await self._store.add_session(digest_of(session), organisation, user.id, now + SESSION_LIFETIME, now)
        return session

    async def signed_in(self, session: str, organisation: int) -> User | None:
        found = await self._store.session(digest_of(session), organisation)
        if found is None or not is_ahead(found[1], self._clock.timestamp(), SESSION_LIFETIME + SKEW):
            return None
        return next((user for user in await self.of(organisation) if user.id == found[0]), None)

    async def is_begun(self, session: str) -> bool:
        """Whether anybody ever signed in with it."""
        return await self._store.is_session(digest_of(session))

    async def end(self, session: str) -> None:
        await self._store.remove_session(digest_of(session))

    def form_token(self, session: str) -> str:
        """What a form of this session carries, so that no other site can send it."""
        return hmac.digest(self._key, f"form\0{session}".encode(), "sha256").hex()

    def owns(self, session: str, form_token: str) -> bool:
        return hmac.compare_digest(self.form_token(session).encode(), form_token.encode())


def new_session() -> str:
    """A session that nobody is signed in to yet."""
    return secrets.token_urlsafe(32)
