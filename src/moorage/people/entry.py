"""Links by which somebody at this machine signs in with one click: the first owner, and whoever may run `moorage open`.

Whoever can read the data folder can make any key, so such a link gives them no more than they have. It is a secret of
256 bits, of which only the digest is stored, works once, for some minutes, and only in a browser on this machine.
"""

import getpass
from datetime import timedelta

from moorage.acting import act_as
from moorage.audit import note
from moorage.clock import lately
from moorage.digests import digest_of
from moorage.logs import Log
from moorage.people import store
from moorage.people.errors import EntryInvalid, PersonUnknown
from moorage.people.model import LONGEST_NAME, Person, as_stored, new_person, person_document, read_name
from moorage.people.store import Link
from moorage.storage import Database, Transaction
from moorage.web.browser import is_random, new_random

ENTRY_LIFETIME = timedelta(minutes=15)
_LIFETIME = ENTRY_LIFETIME // timedelta(microseconds=1)
KIND = "entry"

log = Log(__name__)


class Entries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def link(self, account_id: str, email: str | None = None) -> tuple[Person | None, str]:
        """Who signs in with a new link, and its token. By default it is the first owner.

        The person is None if there is no owner yet: then whoever has the link becomes the first one.

        Raises PersonUnknown.
        """
        async with self._database.transaction() as tx:
            person = await _whose(tx, account_id, email)
            token = new_random()
            if person is None:
                link = Link(account_id, None, "owner", tx.now, KIND)
            else:
                link = Link(account_id, person.id, person.role, tx.now, KIND)
            await store.add_link(tx, digest_of(token), link, oldest=tx.now - _LIFETIME)
            subject = person.id if person else "new owner"
            await note(tx, "person.entry_made", subject, account=account_id)
        log.info("person.entry_made", person=subject)
        return person, token

    async def asked(self, token: str) -> Person | None:
        """Whom a link is for; None if it is for the first owner, who is not here yet. Raises EntryInvalid."""
        async with self._database.reading() as tx:
            return await _person(tx, await _valid(tx, token))

    async def enter(self, token: str, name: str) -> Person:
        """The person of a link, which ends with it. The `name` counts for the first owner only.

        Raises EntryInvalid; and PersonInvalid, then the link stays valid.
        """
        async with self._database.transaction() as tx:
            link = await _valid(tx, token)
            person = await _person(tx, link)
            if person is None:
                person = await _first_owner(tx, link, read_name(name))
            await store.remove_link(tx, digest_of(token))
            act_as("person", person.id, person.name, person.account_id)  # The link has proved it.
        log.info("person.entered", person=person.id)
        return person


def suggested_name() -> str:
    """The name of the user of this machine who runs the server."""
    try:
        name = getpass.getuser().strip()[:LONGEST_NAME]
    except (KeyError, OSError):
        name = ""
    return name if name.isprintable() else ""


async def _whose(tx: Transaction, account_id: str, email: str | None) -> Person | None:
    people = [person for person in await store.all_people(tx, account_id) if person.has_joined]
    if email is not None:
        found = [person for person in people if as_stored(email) in {person.email, person.id}]
        if not found:
            raise PersonUnknown(email)
        return found[0]
    return next((person for person in people if person.role == "owner"), None)


async def _first_owner(tx: Transaction, link: Link, name: str) -> Person:
    """Raises EntryInvalid if there is an owner by now: the link was for the first one."""
    if await store.other_owners(tx, link.account_id, ""):
        raise EntryInvalid
    person = new_person(link.account_id, name, f"owner-{link.account_id[:8]}@localhost", "owner")
    await store.add(tx, person, store.NO_PASSWORD)
    joined = await store.of_id(tx, link.account_id, person.id)
    assert joined is not None
    act_as("person", joined.id, joined.name, joined.account_id)
    await note(tx, "person.joined", joined.id, account=joined.account_id, after=person_document(joined))
    return joined


async def _valid(tx: Transaction, token: str) -> Link:
    link = await store.link(tx, digest_of(token)) if is_random(token) else None
    if link is None or link.kind != KIND or not lately(link.made_at, tx.now, _LIFETIME):
        raise EntryInvalid
    return link


async def _person(tx: Transaction, link: Link) -> Person | None:
    if link.person_id is None:
        return None
    person = await store.of_id(tx, link.account_id, link.person_id)
    if person is None:
        raise EntryInvalid
    return person
