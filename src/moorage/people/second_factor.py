"""The second factor of people who have one: a code from a phone, or a recovery code, asked after the password."""

import hmac
from collections.abc import Sequence

from moorage.audit import note
from moorage.clock import SKEW, is_ahead
from moorage.digests import base64url, digest_of
from moorage.logs import Log
from moorage.people import store
from moorage.people.errors import CodeRefused, StepExpired, TooManyTries
from moorage.people.model import Person
from moorage.people.totp import matching_step, new_recovery_codes, new_secret, recovery_code
from moorage.storage import Database, Transaction
from moorage.vault.service import Vault
from moorage.web.tries import SignInThrottled, Tries

# There are a million codes, of which three fit. So a person may have far fewer wrong tries than with passwords.
MOST_WRONG = 5
MOST_WRONG_OF_ALL = 10
STEP_SECONDS = 300  # The time from the password to the code.

_KIND, _NEW_KIND = "totp", "new totp"  # Of the secrets in the vault.
_PURPOSE = "sign-in steps"

log = Log(__name__)


class SecondFactors:
    """`tries` counts wrong codes. The secrets are in the vault, and recovery codes are stored as digests."""

    def __init__(self, database: Database, vault: Vault, tries: Tries) -> None:
        self._database = database
        self._vault = vault
        self._tries = tries

    async def begin(self, person: Person) -> str:
        """A new secret, which counts as soon as `turn_on` gets a code of it. Raises VaultLocked."""
        secret = new_secret()
        await self._vault.put(person.id, _NEW_KIND, secret)
        return secret

    async def begun(self, person: Person) -> str | None:
        """The secret of `begin`; None if there is none."""
        secret = await self._vault.get(person.id, _NEW_KIND)
        return None if secret is None else secret.value

    async def turn_on(self, person: Person, code: str) -> Sequence[str]:
        """Let the new secret count, if this is a code of it. Returns the recovery codes, only once.

        Raises CodeRefused, VaultLocked.
        """
        codes = new_recovery_codes()
        async with self._database.transaction() as tx:
            secret = await self._vault.get_in(tx, person.id, _NEW_KIND)
            step = secret and matching_step(secret.value, code, tx.now / 1_000_000, None)
            if secret is None or step is None:
                raise CodeRefused
            await self._vault.put_in(tx, person.id, _KIND, secret.value)
            await self._vault.shred_in(tx, person.id, _NEW_KIND)
            await store.change(tx, person.id, totp_since=tx.now, totp_step=step)
            digests = [digest_of(recovery_code(shown) or "") for shown in codes]
            await store.replace_recovery_codes(tx, person.id, digests)
            await note(tx, "person.second_factor_on", person.id, account=person.account_id)
        log.info("person.second_factor_on", person=person.id)
        return codes

    async def turn_off(self, person: Person, code: str, address: str) -> None:
        """Ask for no code any more. Raises CodeRefused, TooManyTries."""
        await self.check(person, code, address)
        async with self._database.transaction() as tx:
            await forget(tx, self._vault, person.id)
            await note(tx, "person.second_factor_off", person.id, account=person.account_id)
        log.info("person.second_factor_off", person=person.id)

    async def check(self, person: Person, code: str, address: str) -> None:
        """Accept a code of the person, which can't be used again. Raises CodeRefused, TooManyTries, VaultLocked."""
        try:
            with self._tries.place(address):
                await self._tries.turn(person.id, address)
                async with self._database.transaction(quiet=True) as tx:
                    fits = await self._accept(tx, person, code)
        except SignInThrottled:
            log.warning("person.code_throttled", person=person.id, address=address)
            raise TooManyTries from None
        if not fits:
            log.warning("person.code_refused", person=person.id, address=address)
            raise CodeRefused
        self._tries.forgive(person.id, address)

    async def _accept(self, tx: Transaction, person: Person, code: str) -> bool:
        if (recovery := recovery_code(code)) is not None:
            if not await store.use_recovery_code(tx, person.id, digest_of(recovery)):
                return False
            await note(tx, "person.recovery_code_used", person.id, account=person.account_id)
            return True
        secret = await self._vault.get_in(tx, person.id, _KIND)
        used = await store.totp_step(tx, person.id)
        step = secret and matching_step(secret.value, code, tx.now / 1_000_000, used)
        if step is None:
            return False
        await store.change(tx, person.id, totp_step=step)
        return True

    def step(self, person: Person, browser: str, now: float) -> str:
        """A text that says: in this browser only the code of the person is missing. Raises VaultLocked."""
        ends_at = int(now) + STEP_SECONDS
        return f"{person.id}.{ends_at}.{self._signature(person, ends_at, browser)}"

    async def read_step(self, text: str, browser: str | None) -> Person:
        """The person of a step. Raises StepExpired if it is of another browser, too old, or of an older password."""
        person_id, _, rest = text.partition(".")
        ends_at, _, signature = rest.partition(".")
        if browser is None or not (ends_at.isascii() and ends_at.isdecimal() and len(ends_at) < 16):
            raise StepExpired
        async with self._database.reading() as tx:
            person = await store.in_any_account(tx, person_id) if person_id.isprintable() else None
            now = tx.now / 1_000_000
        if person is None or not is_ahead(int(ends_at), now, STEP_SECONDS + SKEW):
            raise StepExpired
        right = self._signature(person, int(ends_at), browser)
        if not hmac.compare_digest(right.encode(), signature.encode()):
            raise StepExpired
        return person

    def _signature(self, person: Person, ends_at: int, browser: str) -> str:
        message = "\0".join([person.id, str(ends_at), browser, person.credentials.hex()])
        return base64url(hmac.digest(self._vault.derive(_PURPOSE), message.encode(), "sha256"))


async def forget(tx: Transaction, vault: Vault, person_id: str) -> None:
    """Remove a person's second factor, with the recovery codes."""
    await vault.shred_in(tx, person_id)
    await store.change(tx, person_id, totp_since=None, totp_step=None)
    await store.replace_recovery_codes(tx, person_id, [])
