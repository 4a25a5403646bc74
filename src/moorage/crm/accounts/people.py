"""The users who sign in: their passwords, and the short sessions of the consent page."""

import hmac
import secrets
from collections.abc import Awaitable, Callable

from moorage.clock import SKEW, Clock, is_ahead
from moorage.crm.accounts.errors import SignInRefused
from moorage.crm.accounts.model import User
from moorage.crm.accounts.people_store import PeopleStore
from moorage.crm.errors import PasswordInvalid, UserUnknown
from moorage.crm.storage.contract.organisations import OpenOrganisation
from moorage.digests import digest_of
from moorage.web.passwords import LONGEST_PASSWORD, Passwords
from moorage.web.tries import Tries

SESSION_LIFETIME = 600  # seconds
LONGEST_EMAIL = 254  # RFC 5321
SHORTEST_PASSWORD = 8


class People:
    """`needs_no_password` tells if the users of an organisation may sign in with one click."""

    def __init__(
        self,
        store: PeopleStore,
        secret_key: bytes,
        clock: Clock,
        open_organisation: OpenOrganisation,
        needs_no_password: Callable[[int], Awaitable[bool]],
    ) -> None:
        self._store = store
        self._key = secret_key
        self._clock = clock
        self._open = open_organisation
        self._needs_no_password = needs_no_password
        self._passwords = Passwords("crm-password")
        self._tries = Tries()
        self.close = self._passwords.close

    async def organisation_name(self, organisation: int) -> str:
        """The name of an organisation; empty if it was just deleted."""
        opened = await self._open(organisation)
        return str(opened.metadata.org["company_name"]) if opened else ""

    async def active_users(self, organisation: int) -> list[User]:
        """The users who may sign in."""
        opened = await self._open(organisation)
        return [
            User(user.id, user.body["full_name"], user.body["email"])
            for user in (opened.metadata.all("user") if opened else ())
            if user.body["status"] == "active" and user.body["confirm"]
        ]

    async def offered(self, organisation: int) -> list[User]:
        """The users who may sign in with one click: only in an organisation to try out, and only without a password."""
        if not await self._needs_no_password(organisation):
            return []
        passwords = await self._store.passwords(organisation)
        return [user for user in await self.active_users(organisation) if user.id not in passwords]

    async def user(self, organisation: int, email: str) -> User:
        """The active user with this e-mail address. Raises UserUnknown."""
        user = await self._find(organisation, email)
        if user is None:
            emails = [user.email for user in await self.active_users(organisation)]
            raise UserUnknown(
                f"The organisation has no active user {email!r}.",
                help=f"Known: {', '.join(emails)}.",
            )
        return user

    async def set_password(self, organisation: int, email: str, password: str) -> User:
        """Give a user a password, and end the user's sessions. Raises UserUnknown, PasswordInvalid."""
        user = await self.user(organisation, email)
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise PasswordInvalid(
                "The password can't be used.",
                help=f"Use a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
            )
        await self._store.set_password(organisation, user.id, await self._passwords.hashed(password))
        return user

    async def sign_in(self, organisation: int, email: str, password: str, client: str = "") -> User:
        """The user with this e-mail address and password. Raises SignInRefused, SignInThrottled.

        `client` is the IP address of the person who tries.
        """
        if len(email) > LONGEST_EMAIL:
            raise SignInRefused
        account = f"{organisation} {email.lower()}"
        with self._tries.place(client):
            await self._tries.turn(account, client)
            user = await self._find(organisation, email)
            hashed = (await self._store.passwords(organisation)).get(user.id) if user else None
            fits = await self._passwords.fits(hashed, password)
        if user is None or not fits:
            raise SignInRefused
        self._tries.forgive(account, client)
        return user

    async def _find(self, organisation: int, email: str) -> User | None:
        users = await self.active_users(organisation)
        return next((user for user in users if user.email.lower() == email.lower()), None)

    async def begin(self, organisation: int, user: User) -> str:
        """A session in which the user is signed in."""
        session, now = new_session(), self._clock.timestamp()
        await self._store.add_session(digest_of(session), organisation, user.id, now + SESSION_LIFETIME, now)
        return session

    async def signed_in(self, session: str, organisation: int) -> User | None:
        """The user who is signed in with a session; None if there is none."""
        stored = await self._store.session(digest_of(session), organisation)
        if stored is None:
            return None
        user_id, expires_at = stored
        if not is_ahead(expires_at, self._clock.timestamp(), SESSION_LIFETIME + SKEW):
            return None
        return next((user for user in await self.active_users(organisation) if user.id == user_id), None)

    async def is_begun(self, session: str) -> bool:
        """True if somebody has signed in with this session, in any organisation."""
        return await self._store.is_session(digest_of(session))

    async def end(self, session: str) -> None:
        await self._store.remove_session(digest_of(session))

    def form_token(self, session: str) -> str:
        """A text in each form of this session. Another site does not know it, so it can't send such a form."""
        return hmac.digest(self._key, f"form\0{session}".encode(), "sha256").hex()

    def owns(self, session: str, form_token: str) -> bool:
        """True if a form with this token is of this session."""
        return hmac.compare_digest(self.form_token(session).encode(), form_token.encode())


def new_session() -> str:
    """A session in which nobody is signed in yet."""
    return secrets.token_urlsafe(32)
