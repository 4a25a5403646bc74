"""Passwords and sessions in the CRM's database (`tables.py`)."""

import sqlalchemy as sa

from moorage.crm.accounts.tables import passwords, sessions
from moorage.crm.accounts.writing import delete_ended, writing
from moorage.storage.database import Database
from moorage.storage.upsert import upsert


class PeopleStore:
    """The passwords and sessions of all organisations. They are deleted with their organisation.

    All methods raise DatabaseUnusable. `set_password` and `add_session` raise OwnerGone if another process has just
    deleted the organisation.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_password(self, organisation: int, user: int, password_hash: str) -> None:
        """Store the hash of a user's password, and end the user's sessions."""
        owner = {"organisation": organisation, "user": user}
        async with writing(self._database) as tx:
            await tx.connection.execute(upsert(passwords, owner, {"hash": password_hash}))
            of_user = (sessions.c.organisation == organisation) & (sessions.c.user == user)
            await tx.connection.execute(sessions.delete().where(of_user))

    async def passwords(self, organisation: int) -> dict[int, str]:
        """The hash of the password of each user who has one."""
        statement = sa.select(passwords.c.user, passwords.c.hash)
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(statement.where(passwords.c.organisation == organisation))
        return {row.user: row.hash for row in rows}

    async def add_session(
        self, digest: bytes, organisation: int, user: int, expires_at: float, now: float
    ) -> None:
        """Store a session, and delete the sessions that have ended."""
        values = {"digest": digest, "organisation": organisation, "user": user, "expires_at": expires_at}
        async with writing(self._database) as tx:
            await delete_ended(tx, sessions.c.expires_at, now, expires_at)
            await tx.connection.execute(sessions.insert().values(values))

    async def session(self, digest: bytes, organisation: int) -> tuple[int, float] | None:
        """The user of the organisation who signed in, and the time at which the session ends, which may be past."""
        is_it = (sessions.c.digest == digest) & (sessions.c.organisation == organisation)
        statement = sa.select(sessions.c.user, sessions.c.expires_at).where(is_it)
        async with self._database.reading() as tx:
            row = (await tx.connection.execute(statement)).first()
        return (row.user, row.expires_at) if row else None

    async def is_session(self, digest: bytes) -> bool:
        """True if a session has this digest, in any organisation. It may have ended."""
        statement = sa.select(sessions.c.user).where(sessions.c.digest == digest)
        async with self._database.reading() as tx:
            return (await tx.connection.execute(statement)).first() is not None

    async def remove_session(self, digest: bytes) -> None:
        async with writing(self._database) as tx:
            await tx.connection.execute(sessions.delete().where(sessions.c.digest == digest))
