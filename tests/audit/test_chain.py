"""Each account has one chain of entries, whoever writes to it."""

import json
import subprocess
import sys
from contextlib import suppress

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from moorage.acting import Actor, act_as, acting
from moorage.audit import note, store
from moorage.audit.model import FIRST, document_of
from moorage.storage.backend import backend_of
from tests import forked
from tests.audit.entries import run

WRITER = """
import asyncio, sys
from moorage.audit import note
from moorage.clock import SystemClock
from moorage.storage import Database

async def main():
    database = Database(sys.argv[1], SystemClock())
    for number in range(8):
        async with database.transaction() as tx:
            await note(tx, "key.created", f"{sys.argv[2]}/{number}", account="a")
    await database.close()

asyncio.run(main())
"""


def noted(url, *notes, **options):
    async def work(database):
        for subject, more in notes:
            async with database.transaction() as tx:
                await note(tx, "key.created", subject, **{"account": "a", **options, **more})

    run(url, work)


def chain(url, account="a"):
    """The rows of an account, and the entries that they stand for."""

    async def work(database):
        async with database.reading() as tx:
            query = sa.select(store.entries).where(store.entries.c.account_id == account)
            return (await tx.connection.execute(query.order_by(store.entries.c.number))).all()

    rows = run(url, work)
    return rows, [document_of(store._entry(row)) for row in rows]


def test_every_entry_carries_the_hash_of_the_one_before(control_url):
    noted(control_url, ("one", {"after": {"name": "ä"}}), ("two", {}), ("other", {"account": "b"}))
    rows, documents = chain(control_url)
    assert [document["number"] for document in documents] == [1, 2]
    assert [document["previous"] for document in documents] == [FIRST, documents[0]["hash"]]
    assert [row.hash for row in rows] == [document["hash"] for document in documents]
    assert chain(control_url, "b")[1][0]["previous"] == FIRST


def test_writers_in_several_processes_never_fork_a_chain(control_url):
    running = [
        forked.popen([sys.executable, "-c", WRITER, control_url, str(n)], stderr=subprocess.PIPE)
        for n in range(2)
    ]
    assert [process.communicate(timeout=60)[1] for process in running] == [b""] * 2
    _, documents = chain(control_url)
    assert [document["number"] for document in documents] == list(range(1, 17))
    assert [document["previous"] for document in documents[1:]] == [
        document["hash"] for document in documents[:-1]
    ]


def test_an_entry_ends_with_the_transaction_of_its_change(control_url):
    async def work(database):
        with suppress(ZeroDivisionError):
            async with database.transaction() as tx:
                await note(tx, "key.created", "k", account="a")
                raise ZeroDivisionError

    run(control_url, work)
    noted(control_url, ("later", {}))
    assert [document["subject"] for document in chain(control_url)[1]] == ["later"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET subject = 'x'",
        "DELETE FROM audit_entries",
        "DELETE FROM audit_heads",
        "UPDATE audit_heads SET number = 0",
    ],
)
def test_the_database_refuses_to_change_or_remove_what_is_noted(control_url, statement):
    noted(control_url, ("one", {}))
    engine = backend_of(control_url).writing()
    try:
        with engine.connect() as connection, connection.begin() as begun:
            if engine.dialect.name == "postgresql":  # The other tests of this process empty the tables.
                for table in ("audit_entries", "audit_heads"):
                    connection.execute(sa.text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
            with pytest.raises(DatabaseError, match="the audit only grows"):
                connection.execute(sa.text(statement))
            begun.rollback()
    finally:
        engine.dispose()
    assert [document["subject"] for document in chain(control_url)[1]] == ["one"]


def test_the_actor_is_the_one_that_the_edge_has_set(control_url):
    async def work(database):
        with acting(Actor("person", address="10.0.0.7", request_id="r1")):
            act_as("key", "key_1", "ci", "a")
            async with database.transaction() as tx:
                await note(tx, "key.created", "by a key")
        async with database.transaction() as tx:
            await note(tx, "key.created", "by the server", account="a")

    run(control_url, work)
    by_key, by_server = chain(control_url)[1]
    assert by_key["actor"] == {"kind": "key", "id": "key_1", "name": "ci", "address": "10.0.0.7"}
    assert by_key["request_id"] == "r1"
    assert by_server["actor"] == {"kind": "server", "id": None, "name": None, "address": None}


def test_what_an_entry_holds_is_bounded_printable_and_without_secrets(control_url):
    secret = "mk_live_" + "a" * 48
    after = {
        "name": f"x\0\ud800\x1b[2J {secret}",
        "client_secret": "s3cret",
        "url": "https://here/connect/?session_token=abc",
        "expires_at": 1.5,
        "size": 2**60,
        "many": list(range(1000)),
        "long": "y" * 5000,
        "scopes": {"b", "a"},
    }
    deep = {}
    for _ in range(2000):
        deep = {"in": deep}
    large = {f"m{n}": "z" * 900 for n in range(100)}
    noted(control_url, ("s\0", {"after": after, "before": deep}), ("large", {"after": large}), account="a")
    rows, [first, second] = chain(control_url)
    shown = first["after"]
    assert first["subject"] == "s\ufffd" and shown["name"] == "x\ufffd\ufffd\ufffd[2J (not shown)"
    assert shown["client_secret"] == shown["url"] == "(not shown)"
    assert (shown["expires_at"], shown["size"], shown["scopes"]) == ("1.5", str(2**60), ["a", "b"])
    assert shown["many"][-1] == "… and 800 more" and len(shown["long"]) == 1000
    assert json.dumps(first["before"]).count("in") == 8
    assert list(second["after"]) == ["omitted_bytes"]
    assert [row.hash for row in rows] == [first["hash"], second["hash"]]
