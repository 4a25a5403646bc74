"""A process that is killed in an upload leaves no attachment without its bytes, and no bytes behind the next sweep."""

import contextlib
import os
import signal
import sys
from pathlib import Path

import apsw
import psycopg
import pytest

from moorage.crm.storage.contract.files import UNUSED
from moorage.crm.storage.postgresql.schema import schema_of
from tests import forked
from tests.crm.conftest import Caller
from tests.crm.files.dying_upload import DATA, POINTS, in_small_parts
from tests.crm.folder import crm_in
from tests.crm.uploads import upload
from tests.waited import Waited

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    in_small_parts(monkeypatch.setattr)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_no_row_without_bytes_and_no_bytes_for_long(crm, clock, tmp_path, path, point):
    crm.service.close()
    child = os.fork()
    if child == 0:
        try:
            setattr(*POINTS[point])
            upload(Caller(Waited(crm_in(tmp_path / "crm", clock)), crm.token, crm.organisation), path, DATA)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    service = Waited(crm_in(tmp_path / "crm", clock))

    def stored(table):
        with contextlib.closing(apsw.Connection(str(tmp_path / "crm" / "orgs" / "acme.db"))) as connection:
            return connection.execute(f"SELECT count(*) FROM {table}").get

    goes_on(Caller(service, crm.token, crm.organisation), clock, path, stored)
    service.close()


@pytest.mark.parametrize("storage_kind", ["postgresql"], indirect=True)
def test_on_postgresql_a_kill_does_neither(crm, clock, tmp_path, path, record_url):
    program = [sys.executable, "-m", "tests.crm.files.dying_upload", "between", tmp_path / "crm", record_url]
    dead = forked.run([*program, str(crm.organisation), crm.token, path], cwd=ROOT)
    assert dead.returncode == -signal.SIGKILL
    [row] = crm.service.organisations.list()

    def stored(table):
        with psycopg.connect(record_url) as connection:
            return connection.execute(
                f"SELECT count(*) FROM {schema_of(row.place.identity)}.{table}"
            ).fetchone()[0]

    goes_on(crm, clock, path, stored)


def goes_on(caller, clock, path, stored):
    """Nothing of the upload is seen, the next one is whole, and a sweep removes the rest. `stored` counts rows."""
    assert caller.get(path, fields="id").status == 204
    assert stored("content_parts") > 0
    attachment = upload(caller, path, DATA)["id"]
    assert caller.get(f"{path}/{attachment}").body == DATA
    clock.advance(UNUSED)
    caller.service.sweep_files()
    assert (stored("contents"), stored("content_parts")) == (1, 5)
