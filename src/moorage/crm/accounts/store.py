"""Clients, codes, tokens, passwords and sessions in the registry database. Secrets are kept as digests only."""

import contextlib
from collections.abc import Iterator
from typing import Any

import apsw

from moorage.clock import SKEW
from moorage.crm.accounts.errors import OwnerGone
from moorage.crm.accounts.model import Client, Code, Grant
from moorage.crm.organisations.registry import Registry
from moorage.crm.storage.sqlite.readers import transaction

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS clients (
        id TEXT PRIMARY KEY, organisation INTEGER NOT NULL REFERENCES organisations ON DELETE CASCADE,
        user INTEGER NOT NULL, name TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    # Clients without one are those that Moorage keeps for itself.
    """
    CREATE TABLE IF NOT EXISTS registrations (
        client TEXT PRIMARY KEY REFERENCES clients ON DELETE CASCADE,
        self_client INTEGER NOT NULL, created_at REAL NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS redirect_uris (
        client TEXT NOT NULL REFERENCES clients ON DELETE CASCADE, uri TEXT NOT NULL, PRIMARY KEY (client, uri)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS codes (
        digest BLOB PRIMARY KEY, client TEXT NOT NULL REFERENCES clients ON DELETE CASCADE,
        organisation INTEGER NOT NULL, user INTEGER NOT NULL, scopes TEXT NOT NULL,
        expires_at REAL NOT NULL, redirect_uri TEXT, challenge TEXT, offline INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    # `token` is the digest of what was given for the code; null while it is being made.
    """
    CREATE TABLE IF NOT EXISTS spent_codes (
        digest BLOB PRIMARY KEY, client TEXT NOT NULL REFERENCES clients ON DELETE CASCADE,
        token BLOB, until REAL NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS refresh_tokens (
        digest BLOB PRIMARY KEY, client TEXT NOT NULL REFERENCES clients ON DELETE CASCADE,
        organisation INTEGER NOT NULL, user INTEGER NOT NULL, scopes TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS access_tokens (
        digest BLOB PRIMARY KEY, refresh_digest BLOB NOT NULL REFERENCES refresh_tokens ON DELETE CASCADE,
        expires_at REAL NOT NULL, number INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS access_tokens_by_refresh ON access_tokens (refresh_digest, number)",
    """
    CREATE TABLE IF NOT EXISTS passwords (
        organisation INTEGER NOT NULL REFERENCES organisations ON DELETE CASCADE, user INTEGER NOT NULL,
        hash TEXT NOT NULL, PRIMARY KEY (organisation, user)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS sessions (
        digest BLOB PRIMARY KEY, organisation INTEGER NOT NULL REFERENCES organisations ON DELETE CASCADE,
        user INTEGER NOT NULL, expires_at REAL NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE TABLE IF NOT EXISTS recent (purpose TEXT NOT NULL, subject TEXT NOT NULL, at REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS recent_by_subject ON recent (purpose, subject)",
    "CREATE INDEX IF NOT EXISTS recent_by_time ON recent (at)",
)
# What the tables lack in a registry of an earlier version. `number` rises with each token of a user and
# client; `held` is 0 where nobody was given the refresh token and only its access tokens are of use.
_LATER_COLUMNS = {
    "refresh_tokens": {"number": "INTEGER NOT NULL DEFAULT 0", "held": "INTEGER NOT NULL DEFAULT 1"},
    "codes": {"nonce": "TEXT"},
}
# What nobody holds is found without a look at all the others.
_UNHELD = "CREATE INDEX IF NOT EXISTS refresh_tokens_unheld ON refresh_tokens (digest) WHERE held = 0"
WINDOW = 600  # Seconds within which tokens and codes are counted.

_CLIENTS = (
    "SELECT c.id, c.organisation, c.user, c.name, r.client IS NOT NULL, ifnull(r.self_client, 0),"
    " (SELECT group_concat(uri, ' ') FROM redirect_uris WHERE client = c.id), ifnull(r.created_at, 0)"
    " FROM clients c LEFT JOIN registrations r ON r.client = c.id"
)


class AccountsStore:
    """Several processes may hold one on the same file. With an organisation go its clients, tokens and passwords.

    What is added to a client or an organisation raises OwnerGone when another process has just deleted it.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._bring_up_to_date()
        self._version = self._data_version()

    @property
    def _connection(self) -> apsw.Connection:
        return self._registry.connection

    def _bring_up_to_date(self) -> None:
        """Make what a new registry, or one of an earlier version, lacks, even if other processes are about to."""
        with self._transaction():
            for statement in _TABLES:
                self._connection.execute(statement)
            for table, columns in _LATER_COLUMNS.items():
                rows: Any = self._connection.execute(f"PRAGMA table_info({table})")
                there = {row[1] for row in rows}
                for name, kind in columns.items():
                    if name not in there:
                        self._connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
            self._connection.execute(_UNHELD)

    def changed_elsewhere(self) -> bool:
        """Whether another connection changed the file since the last call."""
        before, self._version = self._version, self._data_version()
        return self._version != before

    def _data_version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").get)

    def data_centre(self, organisation: int) -> str | None:
        """Where an organisation lives, by what it was made from; None when it chose nothing or isn't there."""
        sql = "SELECT json_extract(CAST(spec AS TEXT), '$.data_centre') FROM organisations WHERE id = ?"
        row = self._connection.execute(sql, (organisation,)).fetchone()
        return str(row[0]) if row and row[0] is not None else None

    # Clients

    def add_client(self, client: str, organisation: int, user: int, name: str) -> None:
        sql = "INSERT INTO clients VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        self._connection.execute(sql, (client, organisation, user, name))

    def set_redirect_uri(self, client: str, uri: str) -> None:
        """Let people come back to this one alone. Writes nothing where that is so already."""
        chosen: Any = self._connection.execute("SELECT uri FROM redirect_uris WHERE client = ?", (client,))
        if [row[0] for row in chosen] == [uri]:
            return
        with self._transaction():
            self._connection.execute("DELETE FROM redirect_uris WHERE client = ?", (client,))
            self._connection.execute("INSERT INTO redirect_uris VALUES (?, ?)", (client, uri))

    def register(self, client: Client) -> None:
        with self._transaction():
            self.add_client(client.client_id, client.organisation, client.user, client.name)
            self._connection.execute(
                "INSERT INTO registrations VALUES (?, ?, ?)",
                (client.client_id, client.self_client, client.created_at),
            )
            self._connection.executemany(
                "INSERT INTO redirect_uris VALUES (?, ?)",
                [(client.client_id, uri) for uri in client.redirect_uris],
            )

    def client(self, client_id: str) -> Client | None:
        row: Any = self._connection.execute(f"{_CLIENTS} WHERE c.id = ?", (client_id,)).fetchone()
        return _client(*row) if row else None

    def registered(self) -> list[Client]:
        """Oldest first."""
        rows: Any = self._connection.execute(
            f"{_CLIENTS} WHERE r.client IS NOT NULL ORDER BY r.created_at, c.id"
        )
        return [_client(*row) for row in rows]

    def remove_client(self, client_id: str) -> None:
        """Forget a client, its codes and its tokens."""
        self._connection.execute("DELETE FROM clients WHERE id = ?", (client_id,))

    # Codes

    def add_code(self, digest: bytes, code: Code, *, now: float, latest: float) -> None:
        """Keep a code, and drop those whose time is over. `latest` is when one that is made now ends at the most."""
        grant = code.grant
        with self._transaction():
            self._drop("codes", now, latest)
            self._connection.execute(
                "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(digest, grant.client, grant.organisation, grant.user, grant.scopes),
                    *(code.expires_at, code.redirect_uri, code.challenge, code.offline, code.nonce),
                ),
            )

    def take_code(self, digest: bytes, client: str, *, until: float, now: float) -> Code | None:
        """The client's code, which is spent by this; None when there is none. It is known as spent `until` then."""
        with self._transaction():
            row: Any = self._connection.execute(
                "DELETE FROM codes WHERE digest = ? AND client = ? RETURNING client, organisation, user, scopes,"
                " expires_at, redirect_uri, challenge, offline, nonce",
                (digest, client),
            ).fetchone()
            if row is None:
                return None
            self._drop("spent_codes", now, until, column="until")
            spent = "INSERT INTO spent_codes VALUES (?, ?, NULL, ?)"
            self._connection.execute(spent, (digest, client, until))
        return Code(Grant(*row[:4]), row[4], row[5], row[6], bool(row[7]), row[8])

    def note_given(self, digest: bytes, token: bytes) -> bool:
        """Keep what was given for a spent code; False when somebody tried the code again meanwhile."""
        self._connection.execute("UPDATE spent_codes SET token = ? WHERE digest = ?", (token, digest))
        return self._connection.changes() > 0

    def take_given(self, digest: bytes, client: str) -> bytes | None:
        """The digest of what was given for a code that the client spent before; None when nothing is known of it."""
        row: Any = self._connection.execute(
            "DELETE FROM spent_codes WHERE digest = ? AND client = ? RETURNING token", (digest, client)
        ).fetchone()
        return row[0] if row else None

    # Tokens

    def add_refresh_token(self, digest: bytes, grant: Grant, *, most: int | None = None) -> None:
        """Keep a refresh token; one that is there already gets the scopes given now.

        Beyond `most` of a user and client the oldest go, with their access tokens.
        """
        with self._transaction():
            self._put_refresh_token(digest, grant, held=True)
            if most is not None:
                self._connection.execute(
                    "DELETE FROM refresh_tokens WHERE client = ?1 AND user = ?2 AND held AND number <= ("
                    "SELECT number FROM refresh_tokens WHERE client = ?1 AND user = ?2 AND held"
                    " ORDER BY number DESC LIMIT 1 OFFSET ?3)",
                    (grant.client, grant.user, most),
                )

    def _put_refresh_token(self, digest: bytes, grant: Grant, *, held: bool) -> None:
        self._connection.execute(
            "INSERT INTO refresh_tokens (digest, client, organisation, user, scopes, held, number)"
            " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ifnull(max(number), 0) + 1 FROM refresh_tokens"
            " WHERE client = ?2 AND user = ?4"
            " ON CONFLICT (digest) DO UPDATE SET scopes = excluded.scopes",
            (digest, grant.client, grant.organisation, grant.user, grant.scopes, held),
        )

    def grant_of(self, refresh_digest: bytes) -> Grant | None:
        sql = "SELECT client, organisation, user, scopes FROM refresh_tokens WHERE digest = ?"
        row = self._connection.execute(sql, (refresh_digest,)).fetchone()
        return Grant(*row) if row else None

    def held_scopes(self, client: str, user: int) -> list[str]:
        """The scopes of each refresh token that a user gave a client."""
        sql = "SELECT scopes FROM refresh_tokens WHERE client = ? AND user = ? AND held"
        return [str(row[0]) for row in self._connection.execute(sql, (client, user))]

    def add_access_token(
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
        with self._transaction():
            if unheld is not None:
                self._put_refresh_token(refresh_digest, unheld, held=False)
            if self.grant_of(refresh_digest) is None:
                return False
            self._drop("access_tokens", now, expires_at)
            self._connection.execute(
                "INSERT INTO access_tokens SELECT ?1, ?2, ?3, ifnull(max(number), 0) + 1"
                " FROM access_tokens WHERE refresh_digest = ?2",
                (digest, refresh_digest, expires_at),
            )
            self._connection.execute(
                "DELETE FROM access_tokens WHERE refresh_digest = ?1 AND number <="
                " (SELECT max(number) FROM access_tokens WHERE refresh_digest = ?1) - ?2",
                (refresh_digest, most),
            )
            self._connection.execute(
                "DELETE FROM refresh_tokens WHERE held = 0 AND NOT EXISTS"
                " (SELECT 1 FROM access_tokens WHERE refresh_digest = refresh_tokens.digest)"
            )
        return True

    def access(self, digest: bytes) -> tuple[Grant, float] | None:
        """What an access token stands for and when it ends, expired or not."""
        sql = (
            "SELECT client, organisation, user, scopes, expires_at FROM access_tokens a"
            " JOIN refresh_tokens r ON r.digest = a.refresh_digest WHERE a.digest = ?"
        )
        row = self._connection.execute(sql, (digest,)).fetchone()
        return (Grant(*row[:4]), float(row[4])) if row else None

    def remove(self, digest: bytes) -> bool:
        """Forget a token of either kind; with a refresh token go its access tokens. False when unknown."""
        with self._transaction():
            removed = 0
            for table in ("refresh_tokens", "access_tokens"):
                self._connection.execute(f"DELETE FROM {table} WHERE digest = ?", (digest,))  # noqa: S608
                removed += self._connection.changes()
        return removed > 0

    # People

    def set_password(self, organisation: int, user: int, password_hash: str) -> None:
        """Keep the hash of a user's password, and end the user's sessions."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO passwords VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hash = excluded.hash",
                (organisation, user, password_hash),
            )
            self._connection.execute(
                "DELETE FROM sessions WHERE organisation = ? AND user = ?", (organisation, user)
            )

    def password(self, organisation: int, user: int) -> str | None:
        sql = "SELECT hash FROM passwords WHERE organisation = ? AND user = ?"
        row = self._connection.execute(sql, (organisation, user)).fetchone()
        return str(row[0]) if row else None

    def add_session(self, digest: bytes, organisation: int, user: int, expires_at: float, now: float) -> None:
        """Keep a session, and drop those whose time is over."""
        with self._transaction():
            self._drop("sessions", now, expires_at)
            self._connection.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?)", (digest, organisation, user, expires_at)
            )

    def session(self, digest: bytes, organisation: int) -> tuple[int, float] | None:
        """Which user of the organisation signed in, and when that session ends, over or not."""
        sql = "SELECT user, expires_at FROM sessions WHERE digest = ? AND organisation = ?"
        row: Any = self._connection.execute(sql, (digest, organisation)).fetchone()
        return (int(row[0]), float(row[1])) if row else None

    def is_session(self, digest: bytes) -> bool:
        """Whether it is one of any organisation, over or not."""
        return self._connection.execute("SELECT 1 FROM sessions WHERE digest = ?", (digest,)).get is not None

    def remove_session(self, digest: bytes) -> None:
        self._connection.execute("DELETE FROM sessions WHERE digest = ?", (digest,))

    # Limits

    def admit(self, purpose: str, subject: str, *, now: float, most: int) -> bool:
        """Count one more; False, and not counted, when there were `most` lately (see `clock.lately`)."""
        window = (now - WINDOW, now + WINDOW)
        with self._transaction():
            old = "SELECT rowid FROM recent WHERE at <= ? OR at >= ? LIMIT 1000"
            self._connection.execute(f"DELETE FROM recent WHERE rowid IN ({old})", window)  # noqa: S608
            sql = "SELECT count(*) FROM recent WHERE purpose = ? AND subject = ? AND at > ? AND at < ?"
            count = int(self._connection.execute(sql, (purpose, subject, *window)).get)
            if count >= most:
                return False
            self._connection.execute("INSERT INTO recent VALUES (?, ?, ?)", (purpose, subject, now))
        return True

    def _drop(self, table: str, now: float, latest: float, *, column: str = "expires_at") -> None:
        """Forget what is over: what ended, and what ends later than anything made now (see `clock.is_ahead`)."""
        over = f"{column} <= ? OR {column} > ?"
        self._connection.execute(f"DELETE FROM {table} WHERE {over}", (now, latest + SKEW))  # noqa: S608

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with transaction(self._connection):
                yield
        except apsw.ConstraintError as error:
            raise OwnerGone from error


def _client(
    client_id: str,
    organisation: int,
    user: int,
    name: str,
    registered: int,
    self_client: int,
    uris: str | None,
    created_at: float,
) -> Client:
    redirect_uris = tuple((uris or "").split())  # No address has a space in it.
    return Client(
        client_id, organisation, user, name, bool(registered), bool(self_client), redirect_uris, created_at
    )
