"""The organisations, and the clients and tokens of the accounts server.

Before there were migrations, each start made what was missing. So any of these tables may be there already, some
without their later columns.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _organisations()
    _clients()
    _tokens()
    _people()
    _add_missing("refresh_tokens", sa.Column("number", sa.Integer, nullable=False, server_default="0"))
    _add_missing("refresh_tokens", sa.Column("held", sa.Integer, nullable=False, server_default="1"))
    _add_missing("codes", sa.Column("nonce", sa.Text))
    # What nobody holds is found without a look at all the others.
    op.create_index(
        "refresh_tokens_unheld",
        "refresh_tokens",
        ["digest"],
        if_not_exists=True,
        sqlite_where=sa.text("held = 0"),
        postgresql_where=sa.text("held = 0"),
    )


def _organisations() -> None:
    _table(
        "organisations",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("spec", sa.LargeBinary, nullable=False),
        sa.Column("sample", sa.Integer, nullable=False),
    )
    # It outlives the organisation, so that no other organisation ever gets its id.
    _table(
        "generations",
        sa.Column("organisation", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
    )
    _table("unfinished", sa.Column("slug", sa.Text, primary_key=True))


def _clients() -> None:
    _table(
        "clients",
        sa.Column("id", sa.Text, primary_key=True),
        _organisation(),
        sa.Column("user", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
    )
    # The clients that Moorage keeps for itself have no registration.
    _table(
        "registrations",
        _client(primary_key=True),
        sa.Column("self_client", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    _table("redirect_uris", _client(primary_key=True), sa.Column("uri", sa.Text, primary_key=True))


def _tokens() -> None:
    _table(
        "codes",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        _client(),
        sa.Column("organisation", sa.BigInteger, nullable=False),
        sa.Column("user", sa.BigInteger, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("redirect_uri", sa.Text),
        sa.Column("challenge", sa.Text),
        sa.Column("offline", sa.Integer, nullable=False),
    )
    _table(
        "spent_codes",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        _client(),
        sa.Column("token", sa.LargeBinary),
        sa.Column("until", sa.Float, nullable=False),
    )
    _table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        _client(),
        sa.Column("organisation", sa.BigInteger, nullable=False),
        sa.Column("user", sa.BigInteger, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
    )
    _table(
        "access_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column(
            "refresh_digest",
            sa.LargeBinary,
            sa.ForeignKey("refresh_tokens.digest", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.Float, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
    )
    _index("access_tokens_by_refresh", "access_tokens", ["refresh_digest", "number"])


def _people() -> None:
    _table(
        "passwords",
        _organisation(primary_key=True),
        sa.Column("user", sa.BigInteger, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
    )
    _table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        _organisation(),
        sa.Column("user", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    _table(
        "recent",
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    _index("recent_by_subject", "recent", ["purpose", "subject"])
    _index("recent_by_time", "recent", ["at"])


def _organisation(*, primary_key: bool = False) -> sa.Column[Any]:
    owner = sa.ForeignKey("organisations.id", ondelete="CASCADE")
    return sa.Column("organisation", sa.BigInteger, owner, primary_key=primary_key, nullable=False)


def _client(*, primary_key: bool = False) -> sa.Column[Any]:
    owner = sa.ForeignKey("clients.id", ondelete="CASCADE")
    return sa.Column("client", sa.Text, owner, primary_key=primary_key, nullable=False)


def _table(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(name, *columns, if_not_exists=True)


def _index(name: str, table: str, columns: list[str]) -> None:
    op.create_index(name, table, columns, if_not_exists=True)


def _add_missing(table: str, column: sa.Column[Any]) -> None:
    known = {each["name"] for each in sa.inspect(op.get_bind()).get_columns(table)}
    if column.name not in known:
        op.add_column(table, column)
