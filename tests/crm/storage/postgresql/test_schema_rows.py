"""An organisation goes to PostgreSQL and back as rows, and is what it was."""

from contextlib import closing

import apsw
import psycopg
import pytest

from moorage.crm.storage import old_tags
from moorage.crm.storage.carried import catalog_of
from moorage.crm.storage.postgresql import schema_rows
from moorage.crm.storage.sqlite import file_rows
from tests.contracts.opened import Opened
from tests.contracts.record_outbox import claim, emit, names
from tests.crm.whole import answers, contents, furnish

SCHEMA = "org_1234567"
COMPANION = {"überg": [1, None, "\x00"]}


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def snapshot(demo, service, tmp_path):
    furnish(demo)
    opened = Opened(service.organisations.open(demo.organisation))
    emit(opened, *"abcdefgh")
    opened.put_companions(*(("lock", number, "a", COMPANION) for number in range(10)))
    service.organisations.snapshot("demo", tmp_path / "snap.db")
    with closing(apsw.Connection(str(tmp_path / "snap.db"))) as connection:
        connection.execute(old_tags.creation("", "INTEGER"))
        connection.execute("INSERT INTO tags VALUES (7, 1, 'old')")
    return tmp_path / "snap.db"


@pytest.fixture(params=["in parts", "at once"])
def filled(request, connection, snapshot, monkeypatch):
    """A connection that has begun to read the schema with what the snapshot has."""
    if request.param == "in parts":
        monkeypatch.setattr(file_rows, "PART", 3)
        monkeypatch.setattr(schema_rows, "PART", 7)
    carried = []
    with connection.transaction(), file_rows.rows_of(snapshot) as rows:
        connection.execute(f"CREATE SCHEMA {SCHEMA}")
        schema_rows.fill_schema(connection, SCHEMA, rows, carried.append)
    assert sum(carried) > 100
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield connection


def test_what_goes_to_postgresql_and_back_answers_as_before(filled, demo, service, tmp_path):
    before = answers(demo)
    file_rows.write_file(tmp_path / "back.db", schema_rows.SchemaRows(filled, SCHEMA))
    service.organisations.reset("demo")
    service.organisations.restore("demo", tmp_path / "back.db")
    assert answers(demo) == before
    opened = Opened(service.organisations.open(demo.organisation))
    assert names(claim(opened)) == list("abcdefgh")
    assert opened.companions("lock", name="a") == ([(number, COMPANION) for number in range(10)], False)
    assert opened.write(lambda t: t.take_old_tags()) == [(7, 1, "old")]


def test_nothing_is_changed_or_left_out(filled, snapshot):
    with file_rows.rows_of(snapshot) as rows:
        expected = contents(rows)
    assert contents(schema_rows.SchemaRows(filled, SCHEMA)) == expected
    assert len(expected) > 25


def test_modules_without_records_get_no_tables(filled):
    sql = "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'"
    tables = {name for (name,) in filled.execute(sql, (SCHEMA,))}
    empty = [
        module.api_name
        for module in catalog_of(schema_rows.SchemaRows(filled, SCHEMA).documents()).modules.values()
        if module.table not in tables
    ]
    assert "Leads" not in empty
    assert len(empty) > 5
