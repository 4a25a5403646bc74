"""Checks who signs in. Somebody who guesses is slowed, and nobody else is locked out (decision 0014)."""

from moorage.logs import Log
from moorage.people import store
from moorage.people.errors import PersonInvalid, SignInRefused
from moorage.people.model import Person, read_email
from moorage.people.passwords import normal
from moorage.storage import Database
from moorage.web.passwords import Passwords
from moorage.web.tries import SignInThrottled, Tries

log = Log(__name__)


class SignIn:
    def __init__(self, database: Database, passwords: Passwords, tries: Tries) -> None:
        self._database = database
        self._passwords = passwords
        self._tries = tries

    async def with_password(self, email: str, password: str, address: str) -> Person:
        """The person with this e-mail address and password. Raises SignInRefused, SignInThrottled.

        `address` is the IP address of the browser. An unknown e-mail address takes as long as a wrong password.
        """
        try:
            email = read_email(email)
        except PersonInvalid:
            email = ""  # Nobody has it.
        try:
            with self._tries.place(address):
                await self._tries.turn(email, address)
                person = await self._checked(email, password)
        except SignInThrottled:
            log.warning("person.sign_in_throttled", address=address)
            raise
        if person is None:
            log.warning("person.sign_in_refused", address=address)
            raise SignInRefused
        self._tries.forgive(email, address)
        return person

    async def _checked(self, email: str, password: str) -> Person | None:
        async with self._database.reading() as tx:
            found = await store.of_email(tx, email)
        person, hashed = found or (None, None)
        return person if await self._passwords.fits(hashed, normal(password)) else None
