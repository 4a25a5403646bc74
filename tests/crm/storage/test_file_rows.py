"""A file that is written of an organisation's rows is the organisation."""

import apsw
import pytest

from moorage.crm.storage.carried import catalog_of
from moorage.crm.storage.sqlite import file_rows
from tests.crm.whole import answers, furnish


@pytest.fixture(params=["few", "many"])
def part(request, monkeypatch):
    if request.param == "few":
        monkeypatch.setattr(file_rows, "PART", 3)


def test_a_file_of_rows_answers_as_the_file_they_are_of(demo, service, tmp_path, part):
    furnish(demo)
    organisations, snapshot = service.organisations, tmp_path / "snap.db"
    organisations.snapshot("demo", snapshot)
    before, carried = answers(demo), []
    with file_rows.rows_of(snapshot) as rows:
        file_rows.write_file(tmp_path / "written.db", rows, carried.append)
    organisations.reset("demo")
    assert answers(demo) != before
    organisations.restore("demo", tmp_path / "written.db")
    assert answers(demo) == before
    assert sum(carried) > 100
    demo.insert("Leads", {"Last_Name": "goes on"})
    assert next(row["Number"] for row in demo.get("Leads", fields="Number").data) == "N-30"


def test_a_written_file_has_all_columns_counters_and_the_version(demo, service, tmp_path):
    furnish(demo)
    snapshot, written = tmp_path / "snap.db", tmp_path / "written.db"
    service.organisations.snapshot("demo", snapshot)
    with file_rows.rows_of(snapshot) as rows:
        file_rows.write_file(written, rows)
    with file_rows.rows_of(snapshot) as one, file_rows.rows_of(written) as other:
        assert (one.version, one.documents(), one.counters()) == (
            other.version,
            other.documents(),
            other.counters(),
        )
        tables = [module.table for module in catalog_of(one.documents()).modules.values()]
        for table in (*tables, "users", "recycle"):
            columns = one.columns(table)
            assert set(other.columns(table)) == set(columns)
            assert list(other.rows(table, list(columns))) == list(one.rows(table, list(columns)))
    assert written.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("written.db-*"))
    assert apsw.Connection(str(written)).execute("PRAGMA integrity_check").get == "ok"
