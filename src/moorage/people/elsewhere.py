"""Signing in at an OpenID Connect issuer: there and back again, and which person that is here.

Nothing is stored between the two. The state carries where the person wanted to go and is signed for one browser, and
PKCE's verifier and the nonce are derived from it. So a state is worth nothing in another browser or after ten minutes,
and the issuer accepts each code once.
"""

import base64
import hmac
from collections.abc import Sequence

import msgspec

from moorage.acting import act_as
from moorage.audit import note
from moorage.clock import Clock, is_ahead
from moorage.digests import base64url, challenge_of
from moorage.logs import Log
from moorage.people import store
from moorage.people.errors import NotInvited, PersonInvalid, StepExpired, TooManyTries
from moorage.people.id_token import Identity, verified
from moorage.people.issuer import Issuer
from moorage.people.model import LONGEST_NAME, Person, Role, new_person, person_document, read_email
from moorage.storage import Database, Transaction
from moorage.vault.service import Vault
from moorage.web.browser import new_random
from moorage.web.tries import SignInThrottled, Tries

SECONDS = 600  # That a person has at the issuer.
CALLBACK = "/sign-in/callback"
_PURPOSE = "sign-in at an issuer"

log = Log(__name__)


class Admission(msgspec.Struct, frozen=True):
    """Who may sign in by the issuer: people with these addresses or domains; everybody, if there are none.

    Whoever may and was not invited becomes a person of the account with this role; with None, nobody does.
    """

    account_id: str
    allowed: Sequence[str] = ()
    role: Role | None = None

    def allows(self, email: str) -> bool:
        return not self.allowed or email in self.allowed or email.partition("@")[2] in self.allowed


class SignInElsewhere:
    def __init__(
        self, database: Database, vault: Vault, issuer: Issuer, tries: Tries, clock: Clock, base_url: str
    ) -> None:
        self._database = database
        self._vault = vault
        self._issuer = issuer
        self._tries = tries
        self._clock = clock
        self._redirect_uri = f"{base_url}{CALLBACK}"

    async def begin(self, browser: str, way: str) -> str:
        """Where the browser goes to sign in. Afterwards it goes to `way`. Raises IssuerFailed, VaultLocked."""
        ends_at = int(self._clock.timestamp()) + SECONDS
        body = f"{new_random()}.{ends_at}.{base64url(way.encode())}"
        state = f"{body}.{self._derived(body, browser, 'state')}"
        nonce, verifier = self._derived(state, browser, "nonce"), self._derived(state, browser, "verifier")
        return await self._issuer.authorize_url(self._redirect_uri, state, nonce, challenge_of(verifier))

    async def finish(
        self, state: str, code: str, iss: str | None, browser: str | None, address: str, admission: Admission
    ) -> tuple[Person, str]:
        """The person who comes back, and the way on.

        Raises StepExpired, IssuerRefused, IssuerFailed, NotInvited, TooManyTries.
        """
        way = self._way_of(state, browser)
        assert browser is not None
        issuer = self._issuer
        if iss != issuer.client.issuer and (iss is not None or (await issuer.addresses()).names_itself):
            raise StepExpired  # The answer is of another issuer (RFC 9207).
        try:
            with self._tries.place(address):
                await self._tries.turn(f"issuer {address}", address)
                token = await issuer.id_token(
                    code, self._derived(state, browser, "verifier"), self._redirect_uri
                )
                nonce = self._derived(state, browser, "nonce")
                identity = await verified(issuer, token, nonce, self._clock.timestamp())
        except SignInThrottled:
            raise TooManyTries from None
        person = await self._person_of(identity, admission)
        self._tries.forgive(f"issuer {address}", address)
        return person, way

    def _way_of(self, state: str, browser: str | None) -> str:
        """Raises StepExpired unless this browser was sent away with the state lately."""
        body, _, signature = state.rpartition(".")
        _, ends_at, way = (*body.split("."), "", "", "")[:3]
        right = self._derived(body, browser or "", "state")
        is_ours = browser is not None and hmac.compare_digest(signature.encode(), right.encode())
        if not is_ours or not is_ahead(int(ends_at), self._clock.timestamp(), SECONDS):
            raise StepExpired
        return base64.urlsafe_b64decode(f"{way}{'=' * (-len(way) % 4)}").decode()

    async def _person_of(self, identity: Identity, admission: Admission) -> Person:
        """The person here. An invited one is bound to the identity at the first time. Raises NotInvited."""
        email = _email_of(identity)
        if email is None or not admission.allows(email):
            raise NotInvited
        async with self._database.transaction() as tx:
            person = await store.of_identity(tx, identity.issuer, identity.subject)
            if person is not None:
                return person
            found = await store.of_email(tx, email)
            if found is None:
                return await self._admitted(tx, identity, email, admission)
            person, _ = found
            if person.has_identity:  # The address belongs to somebody else at the issuer now.
                raise NotInvited
            values = {"issuer": identity.issuer, "subject": identity.subject}
            await store.change(tx, person.id, **values)
            act_as("person", person.id, person.name, person.account_id)
            await note(tx, "person.identity_bound", person.id, account=person.account_id, after=values)
            bound = await store.in_any_account(tx, person.id)
            assert bound is not None
        log.info("person.identity_bound", person=bound.id)
        return bound

    async def _admitted(
        self, tx: Transaction, identity: Identity, email: str, admission: Admission
    ) -> Person:
        if admission.role is None:
            raise NotInvited
        name = identity.name.strip()[:LONGEST_NAME]
        shown = name if name and name.isprintable() else email
        person = new_person(admission.account_id, shown, email, admission.role)
        await store.add(tx, person, None)
        await store.change(tx, person.id, issuer=identity.issuer, subject=identity.subject)
        act_as("person", person.id, person.name, person.account_id)
        joined = await store.in_any_account(tx, person.id)
        assert joined is not None
        after = person_document(joined)
        await note(tx, "person.joined", joined.id, account=joined.account_id, after=after)
        return joined

    def _derived(self, text: str, browser: str, purpose: str) -> str:
        """A secret that only this server can make for this browser."""
        message = f"{purpose}\0{browser}\0{text}"
        return base64url(hmac.digest(self._vault.derive(_PURPOSE), message.encode(), "sha256"))


def _email_of(identity: Identity) -> str | None:
    try:
        return read_email(identity.email) if identity.email is not None else None
    except PersonInvalid:
        return None
