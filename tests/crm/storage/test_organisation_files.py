"""What files bring with them: that they are shared, replaced, damaged, full or not to be written."""

import asyncio
import json
import os
import resource
import signal
import sys
import textwrap
import threading
from urllib.parse import urlencode

import apsw
import pytest
from msgspec.structs import replace

from moorage.crm.errors import OrganisationDamaged, OrganisationInvalid, SnapshotUnwritable
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.standard import DEMO
from moorage.crm.storage.contract.records import Ids, Order, Window
from moorage.crm.storage.sqlite import fulltext, readers
from moorage.crm.storage.sqlite.organisation_files import SqliteFiles
from moorage.crm.storage.sqlite.transaction import SqliteTransaction
from moorage.http.message import Request
from tests import forked
from tests.contracts.opened import Opened
from tests.contracts.organisation_storage import OrganisationStorageContract
from tests.crm.folder import organisations_in
from tests.log_lines import capture_logs


@pytest.fixture
def organisations(service):
    return service.organisations


@pytest.fixture
def elsewhere(service, tmp_path, clock):
    """The same folder as another process has it."""
    other = organisations_in(tmp_path / "crm", clock)
    yield other
    other.close()


def last_names(caller):
    answer = caller.get("Leads", fields="Last_Name")
    assert answer.status in {200, 204}, answer.body
    return [record["Last_Name"] for record in answer.data] if answer.status == 200 else []


def lead(name):
    return {"data": [{"Last_Name": name}]}


def test_two_organisations_never_share_a_file(tmp_path, crm, stranger):
    crm.insert("Leads", {"Last_Name": "Secret", "Email": "secret@acme.example"})
    own, other = (tmp_path / "crm" / "orgs" / f"{name}.db" for name in ("acme", "other"))

    def holds_it(file):
        files = [file.with_name(file.name + suffix) for suffix in ("", "-wal")]
        return any(
            b"secret@acme.example" in candidate.read_bytes() for candidate in files if candidate.exists()
        )

    assert holds_it(own)
    assert other.exists() and not holds_it(other)


def test_a_write_after_another_process_deleted_the_organisation_is_refused(crm, elsewhere):
    assert last_names(crm) == []
    elsewhere.delete("acme")
    assert crm.post("Leads", lead("late")).json["code"] == "INVALID_TOKEN"
    assert crm.get("Leads/actions/count").json["code"] == "INVALID_TOKEN"
    assert crm.get("Leads", fields="id").json["code"] == "INVALID_TOKEN"


def test_what_another_process_made_anew_is_noticed_without_a_write(service, crm, elsewhere, caller_of):
    crm.insert("Leads", {"Last_Name": "old"})
    elsewhere.delete("acme")
    elsewhere.create("acme", replace(DEMO, name="New"), sample=False)
    assert service.accounts.changed()
    service.organisations.forget_changed()
    caller = caller_of("acme")
    assert last_names(caller) == []
    assert caller.get("org").json["org"][0]["company_name"] == "New"


@pytest.mark.parametrize("change", ["reset", "restore"])
def test_a_reset_or_restore_elsewhere_is_seen_at_once_and_metadata_soon(
    service, crm, elsewhere, tmp_path, change
):
    elsewhere.snapshot("acme", tmp_path / "snap.db")
    crm.insert("Leads", {"Last_Name": "old"})
    before = service.organisations.open(crm.organisation)
    if change == "reset":
        elsewhere.reset("acme")
    else:
        elsewhere.restore("acme", tmp_path / "snap.db")
    assert last_names(crm) == []
    assert crm.insert("Leads", {"Last_Name": "new"})
    service.accounts.changed()
    service.organisations.forget_changed()
    assert service.organisations.open(crm.organisation) is not before
    assert last_names(crm) == ["new"]


def test_a_request_that_waits_while_its_organisation_is_reset_is_answered(service, crm, organisations):
    crm.insert("Leads", {"Last_Name": "old"})
    held = organisations.open(crm.organisation)
    organisations.reset("acme")
    service.organisations._open[crm.organisation] = held  # As a request that came before has it in its hands.
    assert last_names(crm) == []
    service.organisations._open[crm.organisation] = held
    crm.insert("Leads", {"Last_Name": "new"})
    assert last_names(crm) == ["new"]


@pytest.mark.parametrize("change", ["reset", "restore"])
@pytest.mark.parametrize(
    "params", [{"word": "app"}, {"criteria": "(Last_Name:starts_with:app)", "sort_by": "Annual_Revenue"}]
)
def test_a_search_that_waits_while_tables_of_the_full_text_go_away_is_answered(
    service, crm, elsewhere, organisations, tmp_path, monkeypatch, change, params
):
    monkeypatch.setattr(fulltext, "SPAN", 2)
    elsewhere.snapshot("acme", tmp_path / "empty")
    for _ in range(4):
        crm.insert("Leads", *[{"Last_Name": "Apple"}] * 2)
    threads, let_go = organisations.open(crm.organisation).store._threads, threading.Event()
    held = [pool.submit(let_go.wait, 10) for pool in (threads.text, threads.scans) for _ in range(2)]

    async def search():
        headers = [(b"authorization", b"Zoho-oauthtoken " + crm.token.encode())]
        answer_later = asyncio.ensure_future(
            service.answer(Request("GET", b"/crm/v8/Leads/search", urlencode(params).encode(), headers))
        )
        await asyncio.sleep(0)
        await (
            elsewhere.reset("acme") if change == "reset" else elsewhere.restore("acme", tmp_path / "empty")
        )
        let_go.set()
        return await answer_later

    assert asyncio.run(search()).status == 204
    assert all(held_search.result() for held_search in held)


def test_requests_go_on_while_the_organisation_is_copied_restored_and_reset(crm, elsewhere, tmp_path):
    """Another process restores again and again. Meanwhile no call fails, and every list is of one moment."""
    crm.insert("Leads", *({"Last_Name": "a", "Company": "1"} for _ in range(50)))
    elsewhere.snapshot("acme", tmp_path / "snap.db")
    turns = forked.popen([sys.executable, "-c", _TURNS, str(tmp_path / "crm"), str(tmp_path / "snap.db")])
    try:
        while turns.poll() is None:
            assert set(last_names(crm)) in ({"a"}, {"a", "b"}, {"b"}, set())
            assert crm.post("Leads", lead("b")).status == 201
            assert crm.get("Leads/actions/count").status == 200
            assert crm.get("Leads/search", word="aa").status == 204
    finally:
        turns.kill()
        turns.wait()
    assert turns.returncode == 0


_TURNS = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from moorage.clock import SystemClock
    from tests.crm.folder import organisations_in
    folder, snapshot = map(Path, sys.argv[1:])
    organisations = organisations_in(folder, SystemClock())
    for turn in range(12):
        organisations.snapshot("acme", folder / "again.db")
        organisations.restore("acme", snapshot)
        organisations.reset("acme")
    organisations.close()
    """
)


def test_ids_go_on_after_a_restore_and_begin_again_after_a_reset(crm, organisations, tmp_path):
    first = crm.insert("Leads", {"Last_Name": "a"})
    organisations.snapshot("acme", tmp_path / "snap.db")
    later = crm.insert("Leads", {"Last_Name": "b"})
    organisations.restore("acme", tmp_path / "snap.db")
    (new,) = crm.insert("Leads", {"Last_Name": "c"})
    assert int(new) > int(later[0])
    assert len(new) == 19
    organisations.reset("acme")
    assert crm.insert("Leads", {"Last_Name": "a"}) == first


def test_a_restore_gives_no_id_that_was_given_while_it_ran(crm, organisations, tmp_path, monkeypatch):
    snapshot, put, late = tmp_path / "snap.db", SqliteFiles._put, []
    organisations.snapshot("acme", snapshot)

    def insert_and_put(files, draft, slug):
        late.extend(crm.insert("Leads", {"Last_Name": "late"}))
        put(files, draft, slug)

    monkeypatch.setattr(SqliteFiles, "_put", insert_and_put)
    organisations.restore("acme", snapshot)
    assert crm.insert("Leads", {"Last_Name": "next"}) != late


def test_a_deleted_record_leaves_no_words_behind(crm, tmp_path):
    kept, deleted = crm.insert("Leads", {"Last_Name": "kept"}, {"Last_Name": "deleted"})
    crm.delete(f"Leads/{deleted}")
    (path,) = tmp_path.rglob("acme.db")
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE sql LIKE '%USING fts5%'")
    held = [row for (name,) in tables for row in connection.execute(f"SELECT rowid FROM {name}")]
    connection.close()
    assert held == [(int(kept),)]


def test_tokens_are_given_while_another_process_makes_an_organisation(service, crm, elsewhere, monkeypatch):
    tokens = []
    row = service.organisations.find("acme")

    def populate(*_):
        tokens.append(service.credentials(row)["access_token"])

    monkeypatch.setattr("moorage.crm.organisations.service.populate", populate)
    elsewhere.create("new", DEMO, sample=True)
    assert tokens


def test_page_tokens_go_on_after_a_restore(crm, organisations, tmp_path):
    ids = crm.insert("Leads", *({"Last_Name": "a"} for _ in range(4)))
    page = crm.get("Leads", fields="id", per_page=2)
    organisations.snapshot("acme", tmp_path / "snap.db")
    crm.insert("Leads", {"Last_Name": "b"})
    organisations.restore("acme", tmp_path / "snap.db")
    rest = crm.get("Leads", fields="id", per_page=2, page_token=page.json["info"]["next_page_token"])
    assert [record["id"] for record in rest.data] == ids[1::-1]


def test_a_damaged_organisation_says_so_and_others_go_on(service, crm, stranger, tmp_path):
    organisations = service.organisations
    crm.insert("Leads", {"Last_Name": "kept"})
    organisations.snapshot("acme", tmp_path / "snap.db")
    organisations.forget()
    path = tmp_path / "crm" / "orgs" / "acme.db"
    path.write_bytes(b"not a database, but as long as one could be" * 1000)
    answer = crm.get("Leads", fields="id")
    assert (answer.status, answer.json["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert answer.json["details"]["reason"] == "damaged"
    with pytest.raises(OrganisationDamaged, match=r"acme.* can't be read"):
        organisations.open(crm.organisation)
    assert last_names(stranger) == []
    path.unlink()
    with pytest.raises(OrganisationDamaged, match="missing"):
        organisations.open(crm.organisation)
    for damage in (lambda: path.write_bytes(b"x" * 4096), path.unlink):
        damage()
        with pytest.raises(OrganisationDamaged):
            organisations.snapshot("acme", tmp_path / "other.db")
        organisations.restore("acme", tmp_path / "snap.db")
        assert last_names(crm) == ["kept"]
        organisations.forget()
        damage()
        organisations.reset("acme")
        assert last_names(crm) == []
        organisations.forget()


def test_a_damaged_snapshot_changes_nothing(crm, organisations, tmp_path):
    crm.insert("Leads", *({"Last_Name": "kept"} for _ in range(100)))
    snapshot = tmp_path / "snap.db"
    organisations.snapshot("acme", snapshot)
    whole = snapshot.read_bytes()
    half = len(whole) // 8192 * 4096
    for damaged in (whole[:half], whole[:half] + b"\xff" * (len(whole) - half)):
        snapshot.write_bytes(damaged)
        with pytest.raises(OrganisationInvalid):
            organisations.restore("acme", snapshot)
        assert len(last_names(crm)) == 100
    assert sorted(p.name for p in (tmp_path / "crm" / "orgs").glob("*.partial*")) == []


def test_a_snapshot_is_one_file_that_its_owner_alone_can_read(crm, organisations, tmp_path):
    target = tmp_path / "to" / "snap.db"
    target.parent.mkdir()
    organisations.snapshot("acme", target)
    assert [path.name for path in target.parent.iterdir()] == ["snap.db"]
    assert target.stat().st_mode & 0o777 == 0o600
    target.parent.chmod(0o500)
    organisations.restore("acme", target)
    assert [path.name for path in target.parent.iterdir()] == ["snap.db"]
    target.parent.chmod(0o700)


def test_a_snapshot_that_can_not_be_written_says_why(crm, organisations, tmp_path):
    (tmp_path / "file").write_text("")
    live = tmp_path / "crm" / "orgs" / "acme.db"
    for target in (tmp_path / "missing" / "snap.db", tmp_path / "file" / "snap.db", tmp_path / "crm", live):
        with pytest.raises(SnapshotUnwritable):
            organisations.snapshot("acme", target)
    crm.insert("Leads", {"Last_Name": "goes on"})


def test_a_full_disk_refuses_the_write_and_keeps_what_was(crm):
    """The file may grow no further, which is how a full disk looks to SQLite."""
    crm.insert("Leads", {"Last_Name": "kept"})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        with capture_logs() as logs:
            answer = crm.post("Leads", lead("too much"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert (answer.status, answer.json["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert [log["event"] for log in logs] == ["storage.trouble"]
    assert last_names(crm) == ["kept"]
    crm.insert("Leads", {"Last_Name": "again"})
    assert last_names(crm) == ["again", "kept"]


def test_a_writer_that_could_not_begin_tries_again(crm, organisations, monkeypatch):
    """Each write is answered, whatever keeps the file from being opened."""
    opened = organisations.open(crm.organisation)
    failing = [apsw.CantOpenError("no"), apsw.IOError("no")]

    def connect(path, **options):
        if failing:
            raise failing.pop()
        return real(path, **options)

    real = readers.connect
    monkeypatch.setattr(readers, "connect", connect)
    assert crm.post("Leads", lead("a")).status == 500
    assert crm.post("Leads", lead("b")).status == 500
    crm.insert("Leads", {"Last_Name": "c"})
    assert organisations.open(crm.organisation) is opened
    assert last_names(crm) == ["c"]


@pytest.mark.skipif(os.geteuid() == 0, reason="for root nothing is read-only")
def test_a_folder_that_can_not_be_written_refuses_writes(crm, tmp_path):
    assert last_names(crm) == []
    (tmp_path / "crm" / "orgs" / "acme.db").chmod(0o400)
    assert crm.post("Leads", lead("a")).status == 500


def test_a_query_that_turns_out_long_goes_on_aside(organisations, crm, monkeypatch):
    """Whether it was answered at once or not, the page is the same."""
    here = Opened(organisations.open(crm.organisation))
    times = [n % 97 for n in range(3_000)]
    ids = here.add("Leads", *({"Modified_Time": t, "Converted__s": 0} for t in times))
    leads, store = here.module("Leads"), here.store
    filters, order = [Ids(tuple(ids))], Order(leads.fields["Modified_Time"], descending=True)

    async def page():
        answer_later = store.page(leads, shape(leads, ["Last_Name"]), filters, order, Window(200))
        return (True, await answer_later) if hasattr(answer_later, "__await__") else (False, answer_later)

    monkeypatch.setattr(readers, "LOOP_SECONDS", 60)
    at_once = asyncio.run(page())
    monkeypatch.setattr(readers, "LOOP_SECONDS", 0)
    aside = asyncio.run(page())
    assert (at_once[0], aside[0]) == (False, True)
    assert at_once[1] == aside[1]
    assert at_once[1].count == 200
    # Short ones are not taken for long because of what came before.
    assert json.loads(store.record(leads, shape(leads, ["id"], whole=True), ids[0]))


@pytest.mark.parametrize("field", ["Accounts.Account_Number", "Accounts.Account_Name", "Accounts.Phone"])
def test_looking_for_duplicates_reads_an_index(organisations, make_organisation, service, tmp_path, field):
    module, name = field.split(".")
    make_organisation("unique", unique=("Accounts.Account_Number",))
    row = organisations.find("unique")
    accounts = organisations.open(row.id).catalog.modules[module]
    connection = readers.connect(tmp_path / "crm" / "orgs" / "unique.db")
    heard = []
    connection.exec_trace = lambda _, sql, values: heard.append((sql, values)) or True
    transaction = SqliteTransaction(connection, organisations.open(row.id).catalog, 1, 0)
    assert transaction.matching(accounts, accounts.fields[name], [7]) == {7: []}
    connection.exec_trace = None
    sql, values = heard[-1]
    plan = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    connection.close()
    assert [step for step in plan if "SCAN" in step] == []


class TestSqliteFiles(OrganisationStorageContract):
    @pytest.fixture
    def storage(self, tmp_path, clock):
        files = SqliteFiles(tmp_path / "orgs", clock)
        yield files
        files.close()
