"""Clients, codes, tokens, passwords and sessions in the CRM's database (`tables.py`)."""

import contextlib
from collections.abc import AsyncIterator, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from moorage.clock import SKEW
from moorage.crm.accounts.errors import OwnerGone
from moorage.crm.accounts.model import Access, Client, Code, Grant
from moorage.crm.accounts.tables import (
    access_tokens,
    clients,
    codes,
    organisations,
    passwords,
    recent,
    redirect_uris,
    refresh_tokens,
    registrations,
    sessions,
    spent_codes,
)
from moorage.crm.centres import HOME
from moorage.storage.database import Database, Transaction
from moorage.storage.upsert import upsert

WINDOW = 600  # Seconds within which tokens and codes are counted.

# Constants in the SQL itself: with a parameter in their place no database uses the index of what nobody holds.
_IS_HELD = refresh_tokens.c.held != sa.literal_column("0")
_IS_UNHELD = refresh_tokens.c.held == sa.literal_column("0")
_CLIENTS = (
    sa.select(
        clients,
        registrations.c.client.label("registration"),
        registrations.c.self_client,
        registrations.c.created_at,
        organisations.c.data_centre,
    )
    .join_from(clients, registrations, registrations.c.client == clients.c.id, isouter=True)
    .join(organisations, organisations.c.id == clients.c.organisation)
)
_GRANTS = sa.select(
    refresh_tokens.c.client,
    refresh_tokens.c.organisation,
    refresh_tokens.c.user,
    refresh_tokens.c.scopes,
    organisations.c.data_centre,
).join(organisations, organisations.c.id == refresh_tokens.c.organisation)


class AccountsStore:
    """What several processes share of one accounts server. With an organisation go its clients, tokens and passwords.

    All methods raise DatabaseUnusable. What is added to a client or an organisation raises OwnerGone when another
    process has just deleted it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.token_changes = 0  # How often this process may have made, changed or ended tokens.

    def changed_elsewhere(self) -> bool:
        """Whether anybody may have changed the database since the last call."""
        return bool(self._database.changed())

    # Clients

    async def add_client(self, client: str, organisation: int, user: int, name: str) -> None:
        """Keep a client of Moorage's own; one that is there already stays as it is."""
        async with self._writing() as tx:
            await _add_client(tx, client, organisation, user, name)

    async def set_redirect_uri(self, client: str, uri: str) -> None:
        """Let people come back to this one alone."""
        async with self._writing() as tx:
            await tx.connection.execute(redirect_uris.delete().where(redirect_uris.c.client == client))
            await tx.connection.execute(redirect_uris.insert().values(client=client, uri=uri))

    async def register(self, client: Client) -> None:
        registration = {
            "client": client.client_id,
            "self_client": int(client.self_client),
            "created_at": client.created_at,
        }
        uris = [{"client": client.client_id, "uri": uri} for uri in client.redirect_uris]
        async with self._writing() as tx:
            await _add_client(tx, client.client_id, client.organisation, client.user, client.name)
            await tx.connection.execute(registrations.insert().values(registration))
            if uris:
                await tx.connection.execute(redirect_uris.insert(), uris)

    async def client(self, client_id: str) -> Client | None:
        async with self._database.reading() as tx:
            row = (await tx.connection.execute(_CLIENTS.where(clients.c.id == client_id))).first()
            if row is None:
                return None
            uris = await _uris(tx, redirect_uris.c.client == client_id)
        return _client(row, uris.get(client_id, ()))

    async def registered(self) -> list[Client]:
        """Oldest first."""
        statement = _CLIENTS.where(registrations.c.client.is_not(None))
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(statement.order_by(registrations.c.created_at, clients.c.id))
            uris = await _uris(tx)
        return [_client(row, uris.get(row.id, ())) for row in rows]

    async def remove_client(self, client_id: str) -> None:
        """Forget a client, its codes and its tokens."""
        async with self._writing(tokens=True) as tx:
            await tx.connection.execute(clients.delete().where(clients.c.id == client_id))

    # Codes

    async def add_code(self, digest: bytes, code: Code, *, now: float, latest: float) -> None:
        """Keep a code, and drop those whose time is over. `latest` is when one that is made now ends at the most."""
        values = {
            "digest": digest,
            **_columns_of(code.grant),
            "expires_at": code.expires_at,
            "redirect_uri": code.redirect_uri,
            "challenge": code.challenge,
            "offline": int(code.offline),
            "nonce": code.nonce,
        }
        async with self._writing() as tx:
            await _drop(tx, codes.c.expires_at, now, latest)
            await tx.connection.execute(codes.insert().values(values))

    async def take_code(self, digest: bytes, client: str, *, until: float, now: float) -> Code | None:
        """The client's code, which is spent by this; None when there is none. It is known as spent `until` then."""
        this_one = (codes.c.digest == digest) & (codes.c.client == client)
        async with self._writing() as tx:
            row = (await tx.connection.execute(codes.delete().where(this_one).returning(codes))).first()
            if row is None:
                return None
            await _drop(tx, spent_codes.c.until, now, until)
            spent = {"digest": digest, "client": client, "until": until}
            await tx.connection.execute(spent_codes.insert().values(spent))
        grant = Grant(row.client, row.organisation, row.user, row.scopes)
        return Code(grant, row.expires_at, row.redirect_uri, row.challenge, bool(row.offline), row.nonce)

    async def note_token(self, code_digest: bytes, token_digest: bytes) -> bool:
        """Keep which token a spent code gave; False when somebody tried the code again meanwhile."""
        this_one = spent_codes.c.digest == code_digest
        async with self._writing() as tx:
            noted = await tx.connection.execute(
                spent_codes.update().where(this_one).values(token=token_digest)
            )
        return noted.rowcount > 0

    async def take_token(self, code_digest: bytes, client: str) -> bytes | None:
        """The digest of the token that a code gave which the client spent before; None when nothing is known of it."""
        this_one = (spent_codes.c.digest == code_digest) & (spent_codes.c.client == client)
        async with self._writing() as tx:
            taken = await tx.connection.execute(
                spent_codes.delete().where(this_one).returning(spent_codes.c.token)
            )
        token: bytes | None = taken.scalar()
        return token

    # Tokens

    async def add_refresh_token(self, digest: bytes, grant: Grant, *, most: int | None = None) -> None:
        """Keep a refresh token; one that is there already gets the scopes given now.

        Beyond `most` of a user and client the oldest go, with their access tokens.
        """
        async with self._writing(tokens=True) as tx:
            await _put_refresh_token(tx, digest, grant, held=True)
            if most is not None:
                held = _of(grant) & _IS_HELD
                last_to_go = (
                    sa.select(refresh_tokens.c.number)
                    .where(held)
                    .order_by(refresh_tokens.c.number.desc())
                    .limit(1)
                    .offset(most)
                )
                oldest = refresh_tokens.c.number <= last_to_go.scalar_subquery()
                await tx.connection.execute(refresh_tokens.delete().where(held & oldest))

    async def grant_of(self, refresh_digest: bytes) -> Grant | None:
        async with self._database.reading() as tx:
            row = (
                await tx.connection.execute(_GRANTS.where(refresh_tokens.c.digest == refresh_digest))
            ).first()
        return _grant(row) if row else None

    async def held_scopes(self, client: str, user: int) -> list[str]:
        """The scopes of each refresh token that a user gave a client."""
        by_both = (refresh_tokens.c.client == client) & (refresh_tokens.c.user == user)
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(sa.select(refresh_tokens.c.scopes).where(by_both & _IS_HELD))
        return [row.scopes for row in rows]

    async def add_access_token(
        self,
        digest: bytes,
        refresh_digest: bytes,
        expires_at: float,
        *,
        now: float,
        most: int,
        unheld: Grant | None = None,
    ) -> bool:
        """Keep an access token, drop expired ones and, beyond `most` of a refresh token, the oldest.

        False when the refresh token is gone. With `unheld`, what it stands for, it is made for the purpose, and
        goes with the last of its access tokens.
        """
        async with self._writing(tokens=True) as tx:
            if unheld is not None:
                await _put_refresh_token(tx, refresh_digest, unheld, held=False)
            if not await _is_there(tx, refresh_digest):
                return False
            await _drop(tx, access_tokens.c.expires_at, now, expires_at)
            siblings = access_tokens.c.refresh_digest == refresh_digest
            latest = sa.select(sa.func.max(access_tokens.c.number)).where(siblings)
            number = ((await tx.connection.execute(latest)).scalar() or 0) + 1
            values = {
                "digest": digest,
                "refresh_digest": refresh_digest,
                "expires_at": expires_at,
                "number": number,
            }
            await tx.connection.execute(access_tokens.insert().values(values))
            too_old = siblings & (access_tokens.c.number <= number - most)
            await tx.connection.execute(access_tokens.delete().where(too_old))
            await tx.connection.execute(refresh_tokens.delete().where(_IS_UNHELD & ~_has_access_tokens()))
        return True

    async def access(self, digest: bytes) -> Access | None:
        """What an access token stands for and when it ends, expired or not."""
        statement = (
            _GRANTS.add_columns(access_tokens.c.expires_at)
            .join(access_tokens, access_tokens.c.refresh_digest == refresh_tokens.c.digest)
            .where(access_tokens.c.digest == digest)
        )
        async with self._database.reading() as tx:
            row = (await tx.connection.execute(statement)).first()
        return Access(_grant(row), row.expires_at, row.data_centre or HOME) if row else None

    async def centre_of_token(self, digest: bytes) -> str | None:
        """The data centre of a token of either kind, None when it is unknown."""
        async with self._database.reading() as tx:
            of_access = sa.select(access_tokens.c.refresh_digest).where(access_tokens.c.digest == digest)
            either = (refresh_tokens.c.digest == digest) | refresh_tokens.c.digest.in_(of_access)
            row = (await tx.connection.execute(_GRANTS.where(either))).first()
        return (row.data_centre or HOME) if row else None

    async def remove(self, digest: bytes) -> bool:
        """Forget a token of either kind; with a refresh token go its access tokens. False when unknown."""
        async with self._writing(tokens=True) as tx:
            removed = 0
            for table in (refresh_tokens, access_tokens):
                gone = await tx.connection.execute(table.delete().where(table.c.digest == digest))
                removed += gone.rowcount
        return removed > 0

    # People

    async def set_password(self, organisation: int, user: int, password_hash: str) -> None:
        """Keep the hash of a user's password, and end the user's sessions."""
        owner = {"organisation": organisation, "user": user}
        async with self._writing() as tx:
            await tx.connection.execute(upsert(passwords, owner, {"hash": password_hash}))
            theirs = (sessions.c.organisation == organisation) & (sessions.c.user == user)
            await tx.connection.execute(sessions.delete().where(theirs))

    async def passwords(self, organisation: int) -> dict[int, str]:
        """The hash of the password of each user who has one."""
        statement = sa.select(passwords.c.user, passwords.c.hash)
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(statement.where(passwords.c.organisation == organisation))
        return {row.user: row.hash for row in rows}

    async def add_session(
        self, digest: bytes, organisation: int, user: int, expires_at: float, now: float
    ) -> None:
        """Keep a session, and drop those whose time is over."""
        values = {"digest": digest, "organisation": organisation, "user": user, "expires_at": expires_at}
        async with self._writing() as tx:
            await _drop(tx, sessions.c.expires_at, now, expires_at)
            await tx.connection.execute(sessions.insert().values(values))

    async def session(self, digest: bytes, organisation: int) -> tuple[int, float] | None:
        """Which user of the organisation signed in, and when that session ends, over or not."""
        this_one = (sessions.c.digest == digest) & (sessions.c.organisation == organisation)
        statement = sa.select(sessions.c.user, sessions.c.expires_at).where(this_one)
        async with self._database.reading() as tx:
            row = (await tx.connection.execute(statement)).first()
        return (row.user, row.expires_at) if row else None

    async def is_session(self, digest: bytes) -> bool:
        """Whether it is one of any organisation, over or not."""
        statement = sa.select(sessions.c.user).where(sessions.c.digest == digest)
        async with self._database.reading() as tx:
            return (await tx.connection.execute(statement)).first() is not None

    async def remove_session(self, digest: bytes) -> None:
        async with self._writing() as tx:
            await tx.connection.execute(sessions.delete().where(sessions.c.digest == digest))

    # Limits

    async def admit(self, purpose: str, subject: str, *, now: float, most: int) -> bool:
        """Count one more; False, and not counted, when there were `most` lately (see `clock.lately`)."""
        old = (recent.c.at <= now - WINDOW) | (recent.c.at >= now + WINDOW)
        same = (recent.c.purpose == purpose) & (recent.c.subject == subject)
        async with self._writing() as tx:
            await tx.connection.execute(recent.delete().where(old))
            count = sa.select(sa.func.count()).select_from(recent).where(same)
            if (await tx.connection.execute(count)).scalar() >= most:
                return False
            await tx.connection.execute(recent.insert().values(purpose=purpose, subject=subject, at=now))
        return True

    @contextlib.asynccontextmanager
    async def _writing(self, *, tokens: bool = False) -> AsyncIterator[Transaction]:
        """A transaction; one that changes `tokens` is counted, whatever comes of it."""
        try:
            async with self._database.transaction() as tx:
                yield tx
        except IntegrityError as error:
            raise OwnerGone from error
        finally:
            self.token_changes += tokens


async def _add_client(tx: Transaction, client: str, organisation: int, user: int, name: str) -> None:
    known = sa.select(clients.c.id).where(clients.c.id == client)
    if (await tx.connection.execute(known)).first() is None:
        values = {"id": client, "organisation": organisation, "user": user, "name": name}
        await tx.connection.execute(clients.insert().values(values))


async def _uris(
    tx: Transaction, condition: sa.ColumnElement[bool] | None = None
) -> dict[str, tuple[str, ...]]:
    """The redirect URIs of each client."""
    statement = sa.select(redirect_uris).order_by(redirect_uris.c.client, redirect_uris.c.uri)
    rows = await tx.connection.execute(statement if condition is None else statement.where(condition))
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        found[row.client] = (*found.get(row.client, ()), row.uri)
    return found


async def _put_refresh_token(tx: Transaction, digest: bytes, grant: Grant, *, held: bool) -> None:
    latest = sa.select(sa.func.max(refresh_tokens.c.number)).where(_of(grant))
    number = ((await tx.connection.execute(latest)).scalar() or 0) + 1
    first = {**_columns_of(grant), "held": int(held), "number": number}
    statement = upsert(refresh_tokens, {"digest": digest}, {"scopes": grant.scopes}, first)
    await tx.connection.execute(statement)


async def _is_there(tx: Transaction, refresh_digest: bytes) -> bool:
    statement = sa.select(refresh_tokens.c.client).where(refresh_tokens.c.digest == refresh_digest)
    return (await tx.connection.execute(statement)).first() is not None


def _has_access_tokens() -> sa.Exists:
    theirs = access_tokens.c.refresh_digest == refresh_tokens.c.digest
    return sa.select(access_tokens.c.digest).where(theirs).correlate(refresh_tokens).exists()


async def _drop(tx: Transaction, ends: sa.Column[float], now: float, latest: float) -> None:
    """Forget what is over: what ended, and what ends later than anything made now (see `clock.is_ahead`)."""
    over = (ends <= now) | (ends > latest + SKEW)
    await tx.connection.execute(ends.table.delete().where(over))


def _of(grant: Grant) -> sa.ColumnElement[bool]:
    return (refresh_tokens.c.client == grant.client) & (refresh_tokens.c.user == grant.user)


def _columns_of(grant: Grant) -> dict[str, object]:
    return {
        "client": grant.client,
        "organisation": grant.organisation,
        "user": grant.user,
        "scopes": grant.scopes,
    }


def _grant(row: "sa.Row[tuple[str, int, int, str, str | None]]") -> Grant:
    return Grant(row.client, row.organisation, row.user, row.scopes)


def _client(row: "sa.Row[tuple[object, ...]]", uris: Sequence[str]) -> Client:
    return Client(
        row.id,
        row.organisation,
        row.user,
        row.name,
        registered=row.registration is not None,
        self_client=bool(row.self_client),
        redirect_uris=tuple(uris),
        created_at=row.created_at or 0.0,
        centre=row.data_centre or HOME,
    )
