"""The rules for a Citus cluster are read from what is sent. The contract suites hold them, and so do moves."""

import pytest

from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from tests.contracts.opened import Opened
from tests.contracts.organisation_storage import ONE, documents
from tests.crm.storage.postgresql.citus_rules import broken


@pytest.mark.parametrize(
    "message",
    [
        "SELECT pg_advisory_xact_lock(1)",
        "SELECT nextval('ids')",
        "CREATE TABLE a.b (id bigint GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE a.b (id bigserial)",
        "CREATE TRIGGER t AFTER INSERT ON a.b EXECUTE FUNCTION f()",
        "LISTEN changes",
        "SELECT pg_notify('changes', '')",
        "ALTER TABLE a.b ALTER c SET STORAGE EXTERNAL",
        "ALTER TABLE a.b ALTER c SET STATISTICS 500",
        "CREATE SCHEMA a CREATE TABLE b (id bigint)",
        "CREATE TABLE a.b (id bigint); CREATE UNIQUE INDEX b_id ON a.b (id)",
        "ALTER TABLE a.b ADD c text; DROP INDEX a.d",
    ],
)
def test_what_does_not_work_there_is_found(message):
    assert broken(message)


@pytest.mark.parametrize(
    "message",
    [
        "SELECT value FROM a.counters WHERE name = 'id' FOR UPDATE",
        "BEGIN; SET LOCAL statement_timeout = 0; CREATE TABLE a.b (id bigint PRIMARY KEY)",
        "CREATE SCHEMA a",
        "INSERT INTO a.b VALUES (1) ON CONFLICT (id) DO UPDATE SET c = excluded.c RETURNING c",
    ],
)
def test_what_works_there_is_not(message):
    assert broken(message) == []


def test_all_that_is_sent_is_read(database_url, clock, sent):
    server = PostgresqlServer(database_url)
    schemas = PostgresqlSchemas(lambda _: server, clock)
    schemas.make(Place("acme", ONE), documents(ONE), None)
    opened = Opened(schemas.open(Place("acme", ONE)))
    records = opened.add("Leads", {"Last_Name": "Cruz"})
    assert opened.ids("Leads") == records
    opened.store.close()
    schemas.make(Place("acme", ONE), documents(ONE), None)  # It takes the place of the first one.
    server.close()
    words = ("CREATE SCHEMA", "CREATE TABLE", "COPY", "FOR UPDATE", "ORDER BY r.id", "RENAME TO")
    assert [word for word in words if not any(word in message for message in sent())] == []
