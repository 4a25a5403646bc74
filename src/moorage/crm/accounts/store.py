"""Clients, codes and tokens in the CRM's database (`tables.py`)."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

import sqlalchemy as sa

from moorage.crm.accounts.model import Access, Client, Code, Grant
from moorage.crm.accounts.tables import (
    access_tokens,
    clients,
    codes,
    organisations,
    recent,
    redirect_uris,
    refresh_tokens,
    registrations,
    spent_codes,
)
from moorage.crm.accounts.writing import delete_ended, writing
from moorage.crm.centres import HOME
from moorage.storage.database import Database, Transaction
from moorage.storage.upsert import upsert

WINDOW = 600  # Seconds within which tokens and codes are counted.

# These are constants in the SQL. With a parameter instead, no database would use the index of tokens that nobody holds.
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
    """The clients, codes and tokens that several processes share. If an organisation is deleted, its clients are, too.

    All methods raise DatabaseUnusable. Methods that add something raise OwnerGone if another process has just deleted
    its client or organisation.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.token_changes = 0  # How often this process may have added, changed or deleted tokens.

    def changed_elsewhere(self) -> bool:
        """True if any process may have changed the database since the last call."""
        return bool(self._database.changed())

    # Clients

    async def add_client(self, client: str, organisation: int, user: int, name: str) -> None:
        """Add a client of Moorage itself. A client with this id that exists already stays as it is."""
        async with self._writing() as tx:
            await _add_client(tx, client, organisation, user, name)

    async def set_redirect_uri(self, client: str, uri: str) -> None:
        """Give a client this redirect URI in place of all others."""
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
        """The registered clients, the oldest first."""
        statement = _CLIENTS.where(registrations.c.client.is_not(None))
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(statement.order_by(registrations.c.created_at, clients.c.id))
            uris = await _uris(tx)
        return [_client(row, uris.get(row.id, ())) for row in rows]

    async def remove_client(self, client_id: str) -> None:
        """Delete a client, its codes and its tokens."""
        async with self._writing(tokens=True) as tx:
            await tx.connection.execute(clients.delete().where(clients.c.id == client_id))

    # Codes

    async def add_code(self, digest: bytes, code: Code, *, now: float, latest: float) -> None:
        """Store a code, and delete the codes that have ended. A code that is made now ends before `latest`."""
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
            await delete_ended(tx, codes.c.expires_at, now, latest)
            await tx.connection.execute(codes.insert().values(values))

    async def take_code(self, digest: bytes, client: str, *, until: float, now: float) -> Code | None:
        """Spend a code of the client and return it; None if there is no such code.

        That it was spent is remembered until the time `until`.
        """
        is_code = (codes.c.digest == digest) & (codes.c.client == client)
        async with self._writing() as tx:
            row = (await tx.connection.execute(codes.delete().where(is_code).returning(codes))).first()
            if row is None:
                return None
            await delete_ended(tx, spent_codes.c.until, now, until)
            spent = {"digest": digest, "client": client, "until": until}
            await tx.connection.execute(spent_codes.insert().values(spent))
        grant = Grant(row.client, row.organisation, row.user, row.scopes)
        return Code(grant, row.expires_at, row.redirect_uri, row.challenge, bool(row.offline), row.nonce)

    async def note_token(self, code_digest: bytes, token_digest: bytes) -> bool:
        """Remember the token that was given for a spent code. False if somebody has tried the code again since."""
        is_code = spent_codes.c.digest == code_digest
        async with self._writing() as tx:
            result = await tx.connection.execute(
                spent_codes.update().where(is_code).values(token=token_digest)
            )
        return result.rowcount > 0

    async def take_token(self, code_digest: bytes, client: str) -> bytes | None:
        """The digest of the token that was given for a code which the client has spent; None if there is none.

        After this call the code is unknown.
        """
        is_code = (spent_codes.c.digest == code_digest) & (spent_codes.c.client == client)
        async with self._writing() as tx:
            result = await tx.connection.execute(
                spent_codes.delete().where(is_code).returning(spent_codes.c.token)
            )
        token: bytes | None = result.scalar()
        return token

    # Tokens

    async def add_refresh_token(self, digest: bytes, grant: Grant, *, most: int | None = None) -> None:
        """Store a refresh token. A token that exists already gets the scopes of this grant.

        A user and client have `most` refresh tokens. Older ones are deleted, with their access tokens.
        """
        async with self._writing(tokens=True) as tx:
            await _put_refresh_token(tx, digest, grant, held=True)
            if most is not None:
                is_sibling = _of(grant) & _IS_HELD
                newest_to_delete = (
                    sa.select(refresh_tokens.c.number)
                    .where(is_sibling)
                    .order_by(refresh_tokens.c.number.desc())
                    .limit(1)
                    .offset(most)
                )
                is_too_old = refresh_tokens.c.number <= newest_to_delete.scalar_subquery()
                await tx.connection.execute(refresh_tokens.delete().where(is_sibling & is_too_old))

    async def grant_of(self, refresh_digest: bytes) -> Grant | None:
        async with self._database.reading() as tx:
            row = (
                await tx.connection.execute(_GRANTS.where(refresh_tokens.c.digest == refresh_digest))
            ).first()
        return _grant(row) if row else None

    async def held_scopes(self, client: str, user: int) -> list[str]:
        """The scopes of each refresh token that a client holds for a user."""
        of_both = (refresh_tokens.c.client == client) & (refresh_tokens.c.user == user)
        async with self._database.reading() as tx:
            rows = await tx.connection.execute(sa.select(refresh_tokens.c.scopes).where(of_both & _IS_HELD))
        return [row.scopes for row in rows]

    async def own_scopes(self, name: str) -> list[str]:
        """The lists of scopes, each once, of the refresh tokens of Moorage's own clients with this name."""
        statement = sa.select(refresh_tokens.c.scopes).where(_is_of_own(name)).distinct()
        async with self._database.reading() as tx:
            return [row.scopes for row in await tx.connection.execute(statement)]

    async def change_own_scopes(self, name: str, changes: Mapping[str, str]) -> None:
        """Put other lists of scopes in the place of those that `own_scopes` gives."""
        async with self._writing(tokens=True) as tx:
            for before, after in changes.items():
                has_them = _is_of_own(name) & (refresh_tokens.c.scopes == before)
                await tx.connection.execute(refresh_tokens.update().where(has_them).values(scopes=after))

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
        """Store an access token, and delete expired ones. False if the refresh token does not exist any more.

        A refresh token has `most` access tokens; older ones are deleted. With `unheld`, the grant of a refresh token
        that nobody holds, that token is added first. It is deleted with the last of its access tokens.
        """
        async with self._writing(tokens=True) as tx:
            if unheld is not None:
                await _put_refresh_token(tx, refresh_digest, unheld, held=False)
            if not await _has_refresh_token(tx, refresh_digest):
                return False
            await delete_ended(tx, access_tokens.c.expires_at, now, expires_at)
            is_sibling = access_tokens.c.refresh_digest == refresh_digest
            number = await _next_number(tx, access_tokens.c.number, is_sibling)
            values = {
                "digest": digest,
                "refresh_digest": refresh_digest,
                "expires_at": expires_at,
                "number": number,
            }
            await tx.connection.execute(access_tokens.insert().values(values))
            is_too_old = is_sibling & (access_tokens.c.number <= number - most)
            await tx.connection.execute(access_tokens.delete().where(is_too_old))
            await tx.connection.execute(refresh_tokens.delete().where(_IS_UNHELD & ~_has_access_tokens()))
        return True

    async def access(self, digest: bytes) -> Access | None:
        """What an access token stands for, and when it ends. It may have expired."""
        statement = (
            _GRANTS.add_columns(access_tokens.c.expires_at)
            .join(access_tokens, access_tokens.c.refresh_digest == refresh_tokens.c.digest)
            .where(access_tokens.c.digest == digest)
        )
        async with self._database.reading() as tx:
            row = (await tx.connection.execute(statement)).first()
        return Access(_grant(row), row.expires_at, row.data_centre or HOME) if row else None

    async def centre_of_token(self, digest: bytes) -> str | None:
        """The data centre of an access or refresh token; None if the token is unknown."""
        async with self._database.reading() as tx:
            of_access = sa.select(access_tokens.c.refresh_digest).where(access_tokens.c.digest == digest)
            either = (refresh_tokens.c.digest == digest) | refresh_tokens.c.digest.in_(of_access)
            row = (await tx.connection.execute(_GRANTS.where(either))).first()
        return (row.data_centre or HOME) if row else None

    async def remove(self, digest: bytes) -> bool:
        """Delete an access token, or a refresh token with its access tokens. False if the token is unknown."""
        async with self._writing(tokens=True) as tx:
            removed = 0
            for table in (refresh_tokens, access_tokens):
                result = await tx.connection.execute(table.delete().where(table.c.digest == digest))
                removed += result.rowcount
        return removed > 0

    async def remove_of_user(self, organisation: int, user: int, *, but: str) -> int:
        """Delete the tokens of a user, but for those of Moorage's own clients named `but`.

        Gives how many refresh tokens that were.
        """
        of_user = (refresh_tokens.c.organisation == organisation) & (refresh_tokens.c.user == user)
        async with self._writing(tokens=True) as tx:
            result = await tx.connection.execute(refresh_tokens.delete().where(of_user & ~_is_of_own(but)))
        return result.rowcount

    # Limits

    async def admit(self, purpose: str, subject: str, *, now: float, most: int) -> bool:
        """Count one request for a token or a code. False, without counting it, if there were `most` in the window.

        The window is that of `clock.lately`.
        """
        is_old = (recent.c.at <= now - WINDOW) | (recent.c.at >= now + WINDOW)
        is_same = (recent.c.purpose == purpose) & (recent.c.subject == subject)
        async with self._writing() as tx:
            await tx.connection.execute(recent.delete().where(is_old))
            count = sa.select(sa.func.count()).select_from(recent).where(is_same)
            if (await tx.connection.execute(count)).scalar() >= most:
                return False
            await tx.connection.execute(recent.insert().values(purpose=purpose, subject=subject, at=now))
        return True

    @contextlib.asynccontextmanager
    async def _writing(self, *, tokens: bool = False) -> AsyncIterator[Transaction]:
        """A transaction. If it changes `tokens`, it is counted, also when it fails."""
        try:
            async with writing(self._database) as tx:
                yield tx
        finally:
            self.token_changes += tokens


async def _add_client(tx: Transaction, client: str, organisation: int, user: int, name: str) -> None:
    existing = sa.select(clients.c.id).where(clients.c.id == client)
    if (await tx.connection.execute(existing)).first() is None:
        values = {"id": client, "organisation": organisation, "user": user, "name": name}
        await tx.connection.execute(clients.insert().values(values))


async def _uris(
    tx: Transaction, condition: sa.ColumnElement[bool] | None = None
) -> dict[str, tuple[str, ...]]:
    """The redirect URIs of each client."""
    statement = sa.select(redirect_uris).order_by(redirect_uris.c.client, redirect_uris.c.uri)
    rows = await tx.connection.execute(statement if condition is None else statement.where(condition))
    uris: dict[str, tuple[str, ...]] = {}
    for row in rows:
        uris[row.client] = (*uris.get(row.client, ()), row.uri)
    return uris


def _is_of_own(client_name: str) -> sa.ColumnElement[bool]:
    """Whether a refresh token is of a client of Moorage itself with this name. People may register the same name."""
    is_registered = sa.exists().where(registrations.c.client == clients.c.id)
    own = sa.select(clients.c.id).where((clients.c.name == client_name) & ~is_registered)
    return refresh_tokens.c.client.in_(own)


async def _put_refresh_token(tx: Transaction, digest: bytes, grant: Grant, *, held: bool) -> None:
    number = await _next_number(tx, refresh_tokens.c.number, _of(grant))
    first = {**_columns_of(grant), "held": int(held), "number": number}
    statement = upsert(refresh_tokens, {"digest": digest}, {"scopes": grant.scopes}, first)
    await tx.connection.execute(statement)


async def _next_number(tx: Transaction, number: sa.Column[int], siblings: sa.ColumnElement[bool]) -> int:
    """One more than the largest number of these rows; 1 without any."""
    largest = (await tx.connection.execute(sa.select(sa.func.max(number)).where(siblings))).scalar()
    return (largest or 0) + 1


async def _has_refresh_token(tx: Transaction, refresh_digest: bytes) -> bool:
    statement = sa.select(refresh_tokens.c.client).where(refresh_tokens.c.digest == refresh_digest)
    return (await tx.connection.execute(statement)).first() is not None


def _has_access_tokens() -> sa.Exists:
    of_refresh_token = access_tokens.c.refresh_digest == refresh_tokens.c.digest
    return sa.select(access_tokens.c.digest).where(of_refresh_token).correlate(refresh_tokens).exists()


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
