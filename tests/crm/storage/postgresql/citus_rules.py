"""What every statement has to keep to, so that the same code runs on a Citus cluster: read from what really is sent."""

import itertools
import os
import re

import pytest

_DDL = re.compile(r"\b(?:CREATE|ALTER|DROP)\s+(?:UNIQUE\s+)?(?:TABLE|INDEX|SCHEMA)\b", re.IGNORECASE)
RULES = {
    "each node has advisory locks of its own": re.compile(r"advisory", re.IGNORECASE),
    "each node counts sequences for itself": re.compile(
        r"\b(?:nextval|setval|serial|bigserial|IDENTITY|SEQUENCE)\b", re.IGNORECASE
    ),
    "tables have no triggers": re.compile(r"\bTRIGGER\b", re.IGNORECASE),
    "each node has notifications of its own": re.compile(r"\b(?:LISTEN|NOTIFY|pg_notify)\b", re.IGNORECASE),
    "how a column is stored can't be set": re.compile(r"\bSET\s+(?:STORAGE|STATISTICS)\b", re.IGNORECASE),
    "a schema is made without its tables": re.compile(
        r"\bCREATE\s+SCHEMA\s+[^;]*\bCREATE\b", re.IGNORECASE | re.DOTALL
    ),
}
ONE_DDL = "a message has one statement that changes tables"


def broken(message: str) -> list[str]:
    """The rules that a message to the server breaks."""
    rules = [rule for rule, pattern in RULES.items() if pattern.search(message)]
    return [*rules, ONE_DDL] if len(_DDL.findall(message)) > 1 else rules


def _messages(trace: str) -> list[str]:
    """The SQL of the messages in what libpq has traced."""
    lines = re.split(r"^(?=[FB]\t\d+\t)", trace, flags=re.MULTILINE)
    kinds = re.compile(r"F\t\d+\t(?:Query|Parse)\t (.*)", re.DOTALL)
    return [matched[1] for line in lines if (matched := kinds.match(line))]


@pytest.fixture
def sent(tmp_path, monkeypatch):
    """Gives all SQL that connections which a test opens have sent so far. At its end, all has kept to the rules."""
    import psycopg  # Few tests of storages have a use for it.

    folder, numbers = tmp_path / "sent", itertools.count()
    folder.mkdir()

    def trace(connection):
        file = os.open(folder / f"{next(numbers)}", os.O_WRONLY | os.O_CREAT)
        connection.pgconn.trace(file)
        connection.pgconn.set_trace_flags(psycopg.pq.Trace.SUPPRESS_TIMESTAMPS)
        return connection

    connect, connect_async = psycopg.connect, psycopg.AsyncConnection.connect

    async def traced(**arguments):
        return trace(await connect_async(**arguments))

    monkeypatch.setattr(psycopg, "connect", lambda *args, **arguments: trace(connect(*args, **arguments)))
    monkeypatch.setattr(psycopg.AsyncConnection, "connect", traced)

    def messages():
        return [
            message
            for file in sorted(folder.iterdir())
            for message in _messages(file.read_text(encoding="utf-8", errors="replace"))
        ]

    yield messages
    assert {message: rules for message in messages() if (rules := broken(message))} == {}
