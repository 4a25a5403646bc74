"""Checks who signs in. Somebody who guesses is slowed, and nobody else is locked out (decision 0014)."""

import asyncio
from contextlib import suppress

from moorage.audit import note
from moorage.bounded import Bounded
from moorage.clock import lately
from moorage.logs import Log
from moorage.people import store
from moorage.people.errors import PersonInvalid, SignInRefused, TooManyTries
from moorage.people.model import Person, read_email
from moorage.people.passwords import normal
from moorage.storage import Database
from moorage.storage.errors import DatabaseUnusable
from moorage.web.passwords import Passwords
from moorage.web.tries import WINDOW, SignInThrottled, Tries

_MOST_NOTED = 1000

log = Log(__name__)


class SignIn:
    def __init__(self, database: Database, passwords: Passwords, tries: Tries) -> None:
        self._database = database
        self._passwords = passwords
        self._tries = tries
        self._noted = Bounded[str, float](_MOST_NOTED)  # When tries for a person were last noted as refused.
        self._notes = set[asyncio.Task[None]]()

    async def with_password(self, email: str, password: str, address: str) -> Person:
        """The person with this e-mail address and password. Raises SignInRefused, TooManyTries.

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
            # The answer does not wait for it: its time would tell that there is such a person.
            task = asyncio.create_task(self._note_throttled(email))
            self._notes.add(task)
            task.add_done_callback(self._notes.discard)
            raise TooManyTries from None
        if person is None:
            log.warning("person.sign_in_refused", address=address)
            raise SignInRefused
        self._tries.forgive(email, address)
        return person

    async def _note_throttled(self, email: str) -> None:
        """Note in the audit that tries for a person are refused, once for each time of tries: strangers cause it."""
        with suppress(DatabaseUnusable):
            async with self._database.reading() as tx:
                found = await store.of_email(tx, email)
            if found is None or lately(self._noted.get(found[0].id, 0.0), tx.now / 1_000_000, WINDOW):
                return
            person, self._noted[found[0].id] = found[0], tx.now / 1_000_000
            async with self._database.transaction(quiet=True) as tx:
                await note(tx, "person.sign_ins_refused", person.id, account=person.account_id)

    async def _checked(self, email: str, password: str) -> Person | None:
        async with self._database.reading() as tx:
            found = await store.of_email(tx, email)
        person, hashed = found or (None, None)
        if hashed == store.NO_PASSWORD:
            hashed = None  # A try takes as long as for others.
        return person if await self._passwords.fits(hashed, normal(password)) else None
