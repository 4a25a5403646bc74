"""Callers of a whole server never notice that tokens end."""

import contextlib
import sqlite3

from tests.flows.test_rotation import Traffic
from tests.waiting import wait_until


def read(server, sql):
    with contextlib.closing(sqlite3.connect(server.home / "moorage.db", timeout=20)) as connection:
        return connection.execute(sql).fetchall()


async def end_access_tokens(rooms):
    """Like another process of Moorage: the workers may miss what any other program writes (`SqliteWatch`)."""
    async with rooms.database.transaction() as tx:
        await tx.connection.exec_driver_sql("UPDATE secrets SET expires_at = 1 WHERE kind = 'access_token'")


def test_a_token_that_ended_is_renewed_once_by_all_workers_and_fails_no_call(own_server, inside):
    """R1."""
    server = own_server("--workers", "3")
    with Traffic(server, callers=12) as traffic:
        traffic.go_on()
        inside(end_access_tokens)
        wait_until(lambda: read(server, "SELECT * FROM refresh_mints"), 10)
        for _ in range(3):
            traffic.go_on()
    assert traffic.failed == [] and traffic.served
    assert len(read(server, "SELECT * FROM refresh_mints")) == 1
    [[ends]] = read(server, "SELECT expires_at FROM secrets WHERE kind = 'access_token'")
    assert ends > 1
