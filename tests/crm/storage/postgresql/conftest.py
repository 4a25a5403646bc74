"""A server of PostgreSQL as a process has it, and another program's look into its database."""

import psycopg
import pytest

from moorage.crm.storage.postgresql.server import PostgresqlServer


@pytest.fixture
def server(database_url):
    server = PostgresqlServer(database_url)
    yield server
    server.close()


@pytest.fixture
def asked(database_url):
    """A question to the database by another connection."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield lambda sql, *params: connection.execute(sql, params or None).fetchall()
