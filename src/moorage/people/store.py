"""The tables of people, of their sessions, and of the links with which they choose a password."""

import hmac
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from moorage.digests import digest_of
from moorage.keys.store import time_of
from moorage.people.model import Person, Role
from moorage.storage import Transaction

# In place of a hash, for people who sign in by links on this machine and have chosen no password. No password fits.
NO_PASSWORD = "none"

_metadata = sa.MetaData()
people = sa.Table(
    "people",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("password_hash", sa.Text),
    sa.Column("created_at", sa.BigInteger),
    sa.Column("signed_in_at", sa.BigInteger),
    # Since when codes are asked for, and the step of the last one: see totp.py.
    sa.Column("totp_since", sa.BigInteger),
    sa.Column("totp_step", sa.BigInteger),
    # The identity at an OpenID Connect issuer.
    sa.Column("issuer", sa.Text),
    sa.Column("subject", sa.Text),
)
recovery_codes = sa.Table(
    "person_recovery_codes",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("person_id", sa.Text),
)
sessions = sa.Table(
    "person_sessions",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("id", sa.Text),
    sa.Column("person_id", sa.Text),
    sa.Column("begun_at", sa.BigInteger),
    sa.Column("seen_at", sa.BigInteger),
    sa.Column("address", sa.Text),
    sa.Column("browser", sa.Text),
)
links = sa.Table(
    "person_links",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("account_id", sa.Text),
    sa.Column("person_id", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("made_at", sa.BigInteger),
    sa.Column("kind", sa.Text),
)


class Link(msgspec.Struct, frozen=True):
    """What a link is for: a person, or somebody new with this role, who says who they are. Times in microseconds.

    With a link of the kind `password` they choose one, and with one of the kind `entry` (entry.py) they sign in.
    """

    account_id: str
    person_id: str | None
    role: Role
    made_at: int
    kind: str = "password"


class Session(msgspec.Struct, frozen=True):
    """One browser in which a person is signed in. Times are in microseconds since the epoch."""

    id: str
    person_id: str
    begun_at: int
    seen_at: int
    address: str
    browser: str


async def add(tx: Transaction, person: Person, password_hash: str | None) -> None:
    values = {
        "id": person.id,
        "account_id": person.account_id,
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "password_hash": password_hash,
        "created_at": tx.now,
    }
    await tx.connection.execute(people.insert().values(values))


async def all_people(tx: Transaction, account_id: str) -> list[Person]:
    query = sa.select(people).where(people.c.account_id == account_id)
    rows = await tx.connection.execute(query.order_by(people.c.created_at, people.c.id))
    return [_person(row) for row in rows]


async def of_id(tx: Transaction, account_id: str, person_id: str) -> Person | None:
    is_it = (people.c.account_id == account_id) & (people.c.id == person_id)
    row = (await tx.connection.execute(sa.select(people).where(is_it))).first()
    return _person(row) if row else None


async def of_email(tx: Transaction, email: str) -> tuple[Person, str | None] | None:
    """The person with an address and the hash of their password. An address is in all accounts only once."""
    row = (await tx.connection.execute(sa.select(people).where(people.c.email == email))).first()
    return (_person(row), row.password_hash) if row else None


async def in_any_account(tx: Transaction, person_id: str) -> Person | None:
    row = (await tx.connection.execute(sa.select(people).where(people.c.id == person_id))).first()
    return _person(row) if row else None


async def of_identity(tx: Transaction, issuer: str, subject: str) -> Person | None:
    is_it = (people.c.issuer == issuer) & (people.c.subject == subject)
    row = (await tx.connection.execute(sa.select(people).where(is_it))).first()
    return _person(row) if row else None


async def totp_step(tx: Transaction, person_id: str) -> int | None:
    """The step of the person's last code."""
    query = sa.select(people.c.totp_step).where(people.c.id == person_id)
    row = (await tx.connection.execute(query)).first()
    return None if row is None or row.totp_step is None else int(row.totp_step)


async def replace_recovery_codes(tx: Transaction, person_id: str, digests: Sequence[bytes]) -> None:
    await tx.connection.execute(recovery_codes.delete().where(recovery_codes.c.person_id == person_id))
    if digests:
        rows = [{"digest": digest, "person_id": person_id} for digest in digests]
        await tx.connection.execute(recovery_codes.insert(), rows)


async def use_recovery_code(tx: Transaction, person_id: str, digest: bytes) -> bool:
    """True if the person had this code. It is used up."""
    is_it = (recovery_codes.c.digest == digest) & (recovery_codes.c.person_id == person_id)
    return bool((await tx.connection.execute(recovery_codes.delete().where(is_it))).rowcount)


async def change(tx: Transaction, person_id: str, **values: object) -> None:
    await tx.connection.execute(people.update().where(people.c.id == person_id).values(values))


async def remove(tx: Transaction, person_id: str) -> None:
    """Remove a person. Their sessions and links go with them."""
    await tx.connection.execute(people.delete().where(people.c.id == person_id))


async def other_owners(tx: Transaction, account_id: str, person_id: str) -> int:
    """How many owners of the account can sign in, apart from this person."""
    has_joined = people.c.password_hash.is_not(None) | people.c.subject.is_not(None)
    counts = (people.c.role == "owner") & has_joined & (people.c.id != person_id)
    query = sa.select(people.c.id).where(people.c.account_id == account_id, counts)
    return len((await tx.connection.execute(query)).all())


async def add_link(tx: Transaction, digest: bytes, link: Link, *, oldest: int) -> None:
    """Store a link in place of the person's older ones of its kind. Deletes those that were made before `oldest`."""
    is_replaced = (links.c.person_id == link.person_id) if link.person_id else sa.false()
    is_old = is_replaced | (links.c.made_at < oldest)
    await tx.connection.execute(links.delete().where((links.c.kind == link.kind) & is_old))
    values = {
        "digest": digest,
        "account_id": link.account_id,
        "person_id": link.person_id,
        "role": link.role,
        "made_at": link.made_at,
        "kind": link.kind,
    }
    await tx.connection.execute(links.insert().values(values))


async def link(tx: Transaction, digest: bytes) -> Link | None:
    row = (await tx.connection.execute(sa.select(links).where(links.c.digest == digest))).first()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    return Link(row.account_id, row.person_id, row.role, row.made_at, row.kind)


async def remove_link(tx: Transaction, digest: bytes) -> None:
    await tx.connection.execute(links.delete().where(links.c.digest == digest))


async def add_session(tx: Transaction, digest: bytes, session: Session, *, oldest: int) -> None:
    """Store a session. Deletes all that were begun before `oldest`."""
    await tx.connection.execute(sessions.delete().where(sessions.c.begun_at < oldest))
    values = {
        "digest": digest,
        "id": session.id,
        "person_id": session.person_id,
        "begun_at": session.begun_at,
        "seen_at": session.seen_at,
        "address": session.address,
        "browser": session.browser,
    }
    await tx.connection.execute(sessions.insert().values(values))


async def session(tx: Transaction, digest: bytes) -> tuple[Session, Person] | None:
    query = sa.select(people, sessions.c.digest, *_SESSION).join(people, people.c.id == sessions.c.person_id)
    row = (await tx.connection.execute(query.where(sessions.c.digest == digest))).first()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    return _session(row), _person(row)


async def sessions_of(tx: Transaction, person_id: str) -> list[Session]:
    """The sessions of a person, also those that have ended by themselves, the last used first."""
    query = sa.select(*_SESSION).where(sessions.c.person_id == person_id)
    rows = await tx.connection.execute(query.order_by(sessions.c.seen_at.desc(), sessions.c.id))
    return [_session(row) for row in rows]


async def note_seen(tx: Transaction, digest: bytes) -> None:
    await tx.connection.execute(sessions.update().where(sessions.c.digest == digest).values(seen_at=tx.now))


async def end_session(tx: Transaction, digest: bytes) -> None:
    await tx.connection.execute(sessions.delete().where(sessions.c.digest == digest))


async def end_session_of_id(tx: Transaction, person_id: str, session_id: str) -> bool:
    """True if there was such a session."""
    is_it = (sessions.c.person_id == person_id) & (sessions.c.id == session_id)
    return bool((await tx.connection.execute(sessions.delete().where(is_it))).rowcount)


async def end_sessions(tx: Transaction, person_id: str) -> int:
    """End all sessions of a person. Returns their number."""
    return (await tx.connection.execute(sessions.delete().where(sessions.c.person_id == person_id))).rowcount


_SESSION = [column.label(f"session_{column.name}") for column in sessions.c if column.name != "digest"]


def _session(row: Any) -> Session:
    return Session(
        row.session_id,
        row.session_person_id,
        row.session_begun_at,
        row.session_seen_at,
        row.session_address,
        row.session_browser,
    )


def _person(row: Any) -> Person:
    return Person(
        row.id,
        row.account_id,
        row.name,
        row.email,
        row.role,
        row.password_hash not in {None, NO_PASSWORD},
        time_of(row.created_at),
        time_of(row.signed_in_at),
        row.totp_since is not None,
        row.subject is not None,
        row.password_hash == NO_PASSWORD,
        digest_of("\0".join([row.password_hash or "", row.issuer or "", row.subject or "", row.role])),
    )
