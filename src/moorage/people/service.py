"""Invites people, changes what they may do, removes them, and lets them choose their passwords."""

from datetime import timedelta

from moorage.acting import act_as
from moorage.audit import note
from moorage.clock import lately
from moorage.digests import digest_of
from moorage.logs import Log
from moorage.people import second_factor, store
from moorage.people.errors import LastOwner, LinkInvalid, PersonExists, PersonUnknown
from moorage.people.model import Person, Role, new_person, person_document, read_email, read_name
from moorage.people.passwords import read_password
from moorage.people.store import Link
from moorage.storage import Database, Transaction
from moorage.vault.service import Vault
from moorage.web.browser import is_random, new_random
from moorage.web.passwords import Passwords

LINK_LIFETIME = timedelta(days=1)
_LIFETIME = LINK_LIFETIME // timedelta(microseconds=1)

log = Log(__name__)


class People:
    """The people of all accounts. `passwords` hashes.

    A link is a secret of 256 bits, of which only the digest is stored. It is valid for one use and for a day.
    Transactions are serial, so nothing changes between a check and a write.
    """

    def __init__(self, database: Database, passwords: Passwords, vault: Vault) -> None:
        self._database = database
        self._passwords = passwords
        self._vault = vault

    async def list(self, account_id: str) -> list[Person]:
        async with self._database.reading() as tx:
            return await store.all_people(tx, account_id)

    async def get(self, account_id: str, person_id: str) -> Person:
        """Raises PersonUnknown, also for a person of another account."""
        async with self._database.reading() as tx:
            return await _require(tx, account_id, person_id)

    async def names(self, account_id: str) -> dict[str, str]:
        """The names of an account's people, by their ids."""
        return {person.id: person.name for person in await self.list(account_id)}

    async def invite(self, account_id: str, email: str, name: str, role: Role) -> tuple[Person, str]:
        """A new person, and the token of a link to choose a password. Raises PersonInvalid, PersonExists."""
        email, name = read_email(email), read_name(name)
        person = new_person(account_id, name, email, role)
        async with self._database.transaction() as tx:
            await _require_free(tx, email)
            await store.add(tx, person, None)
            token = await _new_link(tx, account_id, person.id, role)
            person = await _require(tx, account_id, person.id)
            await note(tx, "person.invited", person.id, account=account_id, after=person_document(person))
        log.info("person.invited", person=person.id, role=role)
        return person, token

    async def invite_anybody(self, account_id: str, role: Role) -> str:
        """The token of a link with which somebody joins, who then says who they are."""
        async with self._database.transaction() as tx:
            token = await _new_link(tx, account_id, None, role)
            await note(tx, "person.invited", f"new {role}", account=account_id, after={"role": role})
        log.info("person.link_made", role=role)
        return token

    async def change_role(self, account_id: str, person_id: str, role: Role) -> Person:
        """Give a person another role, and end their sessions. Raises PersonUnknown, LastOwner."""
        async with self._database.transaction() as tx:
            person = await _require(tx, account_id, person_id)
            if role == person.role:
                return person
            await _require_other_owner(tx, person)
            await store.change(tx, person_id, role=role)
            await store.end_sessions(tx, person_id)
            before, after = {"role": person.role}, {"role": role}
            await note(tx, "person.changed", person_id, account=account_id, before=before, after=after)
            changed = await _require(tx, account_id, person_id)
        log.info("person.role_changed", person=person_id, role=role, before=person.role)
        return changed

    async def rename(self, person: Person, name: str) -> Person:
        """Give a person another name. Raises PersonInvalid, PersonUnknown."""
        name = read_name(name)
        async with self._database.transaction() as tx:
            before = await _require(tx, person.account_id, person.id)
            if name == before.name:
                return before
            await store.change(tx, person.id, name=name)
            names = {"before": {"name": before.name}, "after": {"name": name}}
            await note(tx, "person.changed", person.id, account=person.account_id, **names)
            changed = await _require(tx, person.account_id, person.id)
        log.info("person.renamed", person=person.id)
        return changed

    async def remove(self, account_id: str, person_id: str) -> Person:
        """Remove a person, with their sessions and links. Raises PersonUnknown, LastOwner."""
        async with self._database.transaction() as tx:
            person = await _require(tx, account_id, person_id)
            await _require_other_owner(tx, person)
            await second_factor.forget(tx, self._vault, person_id)
            await store.remove(tx, person_id)
            await note(tx, "person.removed", person_id, account=account_id, before=person_document(person))
        log.info("person.removed", person=person_id)
        return person

    async def reset(self, account_id: str, person_id: str) -> tuple[Person, str]:
        """Take a person's password and second factor, end their sessions, and give them a new link. Returns its token.

        Raises PersonUnknown.
        """
        async with self._database.transaction() as tx:
            person = await _require(tx, account_id, person_id)
            await store.change(tx, person_id, password_hash=None, issuer=None, subject=None)
            await second_factor.forget(tx, self._vault, person_id)
            await store.end_sessions(tx, person_id)
            token = await _new_link(tx, account_id, person_id, person.role)
            await note(tx, "person.reset", person_id, account=account_id)
            person = await _require(tx, account_id, person_id)
        log.info("person.reset", person=person_id)
        return person, token

    async def end_sessions(self, account_id: str, person_id: str) -> Person:
        """Sign a person out everywhere. Raises PersonUnknown."""
        async with self._database.transaction() as tx:
            person = await _require(tx, account_id, person_id)
            ended = await store.end_sessions(tx, person_id)
            await note(tx, "person.signed_out", person_id, account=account_id, after={"sessions": ended})
        log.info("person.signed_out", person=person_id, sessions=ended)
        return person

    async def change_password(
        self, person: Person, password: str, repeated: str, email: str | None = None
    ) -> Person:
        """Give a person the password that they chose, and end all their sessions.

        With an `email`, it becomes their address. The caller has checked the present password, if there is one.

        Raises PersonInvalid, PersonExists, PersonUnknown.
        """
        read, address = (
            read_password(password, repeated),
            person.email if email is None else read_email(email),
        )
        hashed = await self._passwords.hashed(read)
        async with self._database.transaction() as tx:
            await _require(tx, person.account_id, person.id)
            if address != person.email:
                await _require_free(tx, address)
            await store.change(tx, person.id, password_hash=hashed, email=address)
            await store.end_sessions(tx, person.id)
            await note(tx, "person.password_changed", person.id, account=person.account_id)
            changed = await _require(tx, person.account_id, person.id)
        log.info("person.password_changed", person=person.id)
        return changed

    async def invited(self, token: str) -> Person | None:
        """Whom a link is for; None if it is for somebody who says so themselves. Raises LinkInvalid."""
        async with self._database.reading() as tx:
            link = await _valid_link(tx, token)
            return await _person_of(tx, link)

    async def join(self, token: str, *, name: str, email: str, password: str, repeated: str) -> Person:
        """Choose a password with a link, which ends with it. The person's sessions end, too.

        Name and address count only for a link that is for nobody in particular. Raises LinkInvalid, PersonInvalid, and
        PersonExists. Then the link stays valid.
        """
        person = await self.invited(token)
        read = read_password(password, repeated)
        if person is None:
            name, email = read_name(name), read_email(email)
        hashed = await self._passwords.hashed(read)
        async with self._database.transaction() as tx:
            link = await _valid_link(tx, token)
            person = await _person_of(tx, link)
            if person is None:
                await _require_free(tx, email)
                person = new_person(link.account_id, name, email, link.role)
                await store.add(tx, person, hashed)
            else:
                await store.change(tx, person.id, password_hash=hashed)
                await store.end_sessions(tx, person.id)
            await store.remove_link(tx, digest_of(token))
            joined = await _require(tx, link.account_id, person.id)
            act_as("person", joined.id, joined.name, joined.account_id)  # The link has proved it.
            after = person_document(joined)
            await note(tx, "person.joined", joined.id, account=joined.account_id, after=after)
        log.info("person.joined", person=joined.id, role=joined.role)
        return joined


async def _new_link(tx: Transaction, account_id: str, person_id: str | None, role: Role) -> str:
    token = new_random()
    link = Link(account_id, person_id, role, tx.now)
    await store.add_link(tx, digest_of(token), link, oldest=tx.now - _LIFETIME)
    return token


async def _valid_link(tx: Transaction, token: str) -> Link:
    link = await store.link(tx, digest_of(token)) if is_random(token) else None
    if link is None or link.kind != "password" or not lately(link.made_at, tx.now, _LIFETIME):
        raise LinkInvalid
    return link


async def _person_of(tx: Transaction, link: Link) -> Person | None:
    if link.person_id is None:
        return None
    return await _require(tx, link.account_id, link.person_id)


async def _require(tx: Transaction, account_id: str, person_id: str) -> Person:
    person = await store.of_id(tx, account_id, person_id) if person_id.isprintable() else None
    if person is None:
        raise PersonUnknown(person_id)
    return person


async def _require_free(tx: Transaction, email: str) -> None:
    if await store.of_email(tx, email) is not None:
        raise PersonExists(email)


async def _require_other_owner(tx: Transaction, person: Person) -> None:
    """Raises LastOwner if this is the only owner who can sign in."""
    is_owner = person.role == "owner" and person.has_joined
    if is_owner and not await store.other_owners(tx, person.account_id, person.id):
        raise LastOwner
