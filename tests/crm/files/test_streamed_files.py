"""Long uploads on PostgreSQL are one stream, which holds up no writer and is whole or not there."""

import errno
import os

import psycopg
import pytest

from moorage.crm.storage import files as stored_files
from moorage.crm.storage.contract.files import UNUSED
from moorage.crm.storage.postgresql import files as postgresql_files
from moorage.crm.storage.postgresql.files import PostgresqlFileReads
from moorage.crm.storage.postgresql.schema import schema_of
from moorage.storage import trouble
from tests.crm.files.dying_upload import DATA
from tests.crm.files.test_long_files import spooled, upload
from tests.crm.uploads import MULTIPART

pytestmark = pytest.mark.parametrize("storage_kind", ["postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def small_parts(in_parts_of_four):
    in_parts_of_four(postgresql_files, stored_files)


@pytest.fixture
def ask(crm, record_url):
    """The rows of a statement about the files."""
    [row] = crm.service.organisations.list()
    with psycopg.connect(record_url, autocommit=True) as connection:
        connection.execute(f"SET search_path = {schema_of(row.place.identity)}")
        yield lambda sql: connection.execute(sql).fetchall()


def test_the_parts_lie_in_the_database(crm, path, ask, tmp_path):
    file = upload(crm, path, tmp_path)
    assert crm.get(file).body == DATA
    assert ask("SELECT count(*), count(DISTINCT content) FROM content_parts") == [(5, 1)]
    assert crm.get(upload(crm, path, tmp_path)).body == DATA
    assert ask("SELECT count(*) FROM content_parts") == [(5,)]


def test_an_upload_whose_parts_the_server_has_lost_begins_again(crm, path, ask, tmp_path, monkeypatch):
    contents = []

    async def lose(self, content, *arguments, keep=PostgresqlFileReads.keep):
        name = await keep(self, content, *arguments)
        contents.append(content)
        if len(contents) == 1:
            ask("DELETE FROM content_parts WHERE id % 2 = 0 RETURNING id")
        return name

    monkeypatch.setattr(PostgresqlFileReads, "keep", lose)
    assert crm.get(upload(crm, path, tmp_path)).body == DATA
    assert len(contents) == 2


def test_a_stream_that_breaks_off_leaves_nothing(crm, clock, path, ask, tmp_path, monkeypatch):
    monkeypatch.setattr(trouble, "_logged_at", {})  # Trouble is logged once a minute, by other tests, too.
    read, places = os.pread, []

    def break_off(handle, size, place):
        places.append(place)
        if len(places) == 3:
            raise OSError(errno.EIO, "the disk is broken")
        return read(handle, size, place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", break_off)
        answer = crm.call("POST", path, body=spooled(tmp_path), headers=MULTIPART)
    assert answer.status in {500, 503}
    assert ask("SELECT count(*) FROM content_parts") == [(0,)]
    assert crm.get(path, fields="id").status == 204
    assert crm.get(upload(crm, path, tmp_path)).body == DATA
    clock.advance(UNUSED)
    crm.service.sweep_files()
    assert ask("SELECT count(*) FROM contents") == [(1,)]
