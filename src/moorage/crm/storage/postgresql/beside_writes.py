"""Statements that go with writes, and that nobody waits for."""

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg

from moorage.crm.storage.contract.records import StoreClosed, TookTooLong
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.storage.errors import DatabaseUnusable


def run_beside(server: PostgresqlServer, schema: str, sql: str, params: Sequence[Any] | None = None) -> None:
    """Run a statement in a thread of the writers. Whatever goes wrong, PostgreSQL itself does it later."""
    with contextlib.suppress(StoreClosed):
        server.start(partial(_run, server, schema, sql, params))


def _run(server: PostgresqlServer, schema: str, sql: str, params: Sequence[Any] | None) -> None:
    with (
        contextlib.suppress(psycopg.Error, DatabaseUnusable, StoreClosed, TookTooLong),
        server.lend(schema) as connection,
    ):
        connection.execute(sql, params)
