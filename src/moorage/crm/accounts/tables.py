"""The accounts server's tables. Of each secret only a digest is stored. Times are seconds since the epoch."""

import sqlalchemy as sa

_metadata = sa.MetaData()

# A table of the registry. The accounts server reads the data centre of each organisation there.
organisations = sa.table("organisations", sa.column("id"), sa.column("data_centre"))

clients = sa.Table(
    "clients",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("organisation", sa.BigInteger),
    sa.Column("user", sa.BigInteger),
    sa.Column("name", sa.Text),
)
# The clients of Moorage itself have no registration.
registrations = sa.Table(
    "registrations",
    _metadata,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("self_client", sa.Integer),
    sa.Column("created_at", sa.Float),
)
redirect_uris = sa.Table(
    "redirect_uris",
    _metadata,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("uri", sa.Text, primary_key=True),
)
codes = sa.Table(
    "codes",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("client", sa.Text),
    sa.Column("organisation", sa.BigInteger),
    sa.Column("user", sa.BigInteger),
    sa.Column("scopes", sa.Text),
    sa.Column("expires_at", sa.Float),
    sa.Column("redirect_uri", sa.Text),
    sa.Column("challenge", sa.Text),
    sa.Column("offline", sa.Integer),
    sa.Column("nonce", sa.Text),
)
# `token` is the digest of the token that the client got for the code. It is null until that token is made.
spent_codes = sa.Table(
    "spent_codes",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("client", sa.Text),
    sa.Column("token", sa.LargeBinary),
    sa.Column("until", sa.Float),
)
# `number` rises with each token of a user and client. `held` is 0 if nobody got the refresh token: then only its access
# tokens are used.
refresh_tokens = sa.Table(
    "refresh_tokens",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("client", sa.Text),
    sa.Column("organisation", sa.BigInteger),
    sa.Column("user", sa.BigInteger),
    sa.Column("scopes", sa.Text),
    sa.Column("number", sa.Integer),
    sa.Column("held", sa.Integer),
)
access_tokens = sa.Table(
    "access_tokens",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("refresh_digest", sa.LargeBinary),
    sa.Column("expires_at", sa.Float),
    sa.Column("number", sa.Integer),
)
passwords = sa.Table(
    "passwords",
    _metadata,
    sa.Column("organisation", sa.BigInteger, primary_key=True),
    sa.Column("user", sa.BigInteger, primary_key=True),
    sa.Column("hash", sa.Text),
)
sessions = sa.Table(
    "sessions",
    _metadata,
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    sa.Column("organisation", sa.BigInteger),
    sa.Column("user", sa.BigInteger),
    sa.Column("expires_at", sa.Float),
)
# Recent requests for tokens and codes, a row for each, to hold the limits.
recent = sa.Table(
    "recent",
    _metadata,
    sa.Column("purpose", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("at", sa.Float),
)
