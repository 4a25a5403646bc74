"""Clients and tokens in the registry database. Tokens are kept as SHA-256 digests only."""

from dataclasses import dataclass

import apsw

from moorage.crm.store.connections import transaction

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS clients (
        id TEXT PRIMARY KEY, organisation INTEGER NOT NULL REFERENCES organisations ON DELETE CASCADE,
        user INTEGER NOT NULL, name TEXT NOT NULL
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
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a refresh token stands for, and so the access tokens made from it."""

    client: str
    organisation: int
    user: int
    scopes: str


class AccountsStore:
    """Several processes may hold one on the same file. With an organisation go its clients and tokens."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        for statement in _TABLES:
            connection.execute(statement)
        self._version = self._data_version()

    def changed_elsewhere(self) -> bool:
        """Whether another connection changed the file since the last call."""
        before, self._version = self._version, self._data_version()
        return self._version != before

    def _data_version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").get)

    def add_client(self, client: str, organisation: int, user: int, name: str) -> None:
        sql = "INSERT INTO clients VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        self._connection.execute(sql, (client, organisation, user, name))

    def has_client(self, client: str) -> bool:
        return (
            self._connection.execute("SELECT 1 FROM clients WHERE id = ?", (client,)).fetchone() is not None
        )

    def add_refresh_token(self, digest: bytes, grant: Grant) -> None:
        """Keep a refresh token; one that is there already gets the scopes given now."""
        self._connection.execute(
            "INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (digest) DO UPDATE SET scopes = excluded.scopes",
            (digest, grant.client, grant.organisation, grant.user, grant.scopes),
        )

    def grant_of(self, refresh_digest: bytes) -> Grant | None:
        sql = "SELECT client, organisation, user, scopes FROM refresh_tokens WHERE digest = ?"
        row = self._connection.execute(sql, (refresh_digest,)).fetchone()
        return Grant(*row) if row else None

    def add_access_token(
        self, digest: bytes, refresh_digest: bytes, expires_at: float, *, now: float, most: int
    ) -> None:
        """Keep an access token, drop expired ones and, beyond `most` of a refresh token, the oldest."""
        with transaction(self._connection):
            self._connection.execute("DELETE FROM access_tokens WHERE expires_at <= ?", (now,))
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
        with transaction(self._connection):
            removed = 0
            for table in ("refresh_tokens", "access_tokens"):
                self._connection.execute(f"DELETE FROM {table} WHERE digest = ?", (digest,))  # noqa: S608
                removed += self._connection.changes()
        return removed > 0
