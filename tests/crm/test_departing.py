"""An organisation goes from SQLite to PostgreSQL and back, with its clients, and stays whole whatever happens."""

import asyncio
import contextlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import apsw
import psycopg
import pytest

from moorage.crm.centres import ANYWHERE
from moorage.crm.errors import OrganisationExists, OrganisationInvalid, OrganisationUnknown
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations import departing
from moorage.crm.organisations.departures import Departures
from moorage.crm.secret_key import SecretFiles
from moorage.crm.service import CrmService
from moorage.crm.storage.postgresql import carry
from moorage.crm.storage.postgresql.departing import HeldSchema
from moorage.crm.storage.postgresql.storage import PostgresqlStorage
from moorage.crm.storage.sqlite import carrying
from moorage.crm.storage.sqlite.departing import HeldFile
from moorage.storage.errors import DatabaseUnusable
from tests.crm.conftest import Caller
from tests.crm.folder import ORIGIN, crm_in
from tests.crm.settings.making_fields import field, made
from tests.crm.whole import answers, contents, furnish
from tests.waited import Waited


@pytest.fixture
def on_postgresql(service, database_url, tmp_path, clock):
    """Makes a CRM in the same database each time, as a process has it."""
    made = []

    def make(folder="shared", like=service.wrapped):
        storage = PostgresqlStorage(database_url, clock, 6)
        keeper = SecretFiles(tmp_path / folder)
        made.append(Waited(CrmService(storage, tmp_path / folder, clock, ORIGIN, None, keeper, like)))
        return made[-1]

    yield make
    for crm in made:
        crm.close()


@pytest.fixture
def there(on_postgresql):
    return on_postgresql()


def move(source, slug, target, during=lambda step: None, **options):
    """Gives the steps that were told; `during` is called with each."""
    steps = []

    def tell(step):
        steps.append(step)
        during(step)

    source.move(slug, target.wrapped, tell, **({"dry_run": False} | options))
    return steps


def slugs(service):
    return [row.slug for row in service.organisations.list()]


def test_it_answers_the_same_with_the_same_tokens_there_and_back_again(demo, service, there):
    furnish(demo)
    row = service.organisations.find("demo")
    credentials = service.credentials(row)
    service.organisations.keep_snapshot("demo", "before")
    page = demo.get("Leads", fields="Last_Name", per_page=5).json["info"]["next_page_token"]
    before = answers(demo), demo.get("Leads", fields="Last_Name", per_page=5, page_token=page).body
    assert "Copying the snapshot before" in move(service, "demo", there)
    assert (slugs(service), slugs(there)) == ([], ["demo"])
    assert demo.get("Leads", fields="id").status == 401
    for crm, back in ((there, service), (service, None)):
        caller = Caller(crm, demo.token, demo.organisation)
        page_after = caller.get("Leads", fields="Last_Name", per_page=5, page_token=page).body
        assert (answers(caller), page_after) == before
        assert crm.organisations.find("demo") == row
        assert crm.organisations.snapshots("demo") == ["before"]
        client = crm.accounts.authenticate(ANYWHERE, credentials["client_id"], credentials["client_secret"])
        assert crm.accounts.refresh(client, credentials["refresh_token"]).access_token
        if back is not None:
            move(crm, "demo", back)
    (lead,) = caller.insert("Leads", {"Last_Name": "later"})
    assert caller.only(f"Leads/{lead}")["Last_Name"] == "later"
    service.organisations.restore_kept("demo", "before")
    assert demo.get(f"Leads/{lead}").status == 204


def test_a_dry_run_changes_nothing_and_finds_what_is_wrong(crm, service, there, on_postgresql, tmp_path):
    assert move(service, "acme", there, dry_run=True) == []
    assert (slugs(service), slugs(there)) == (["acme"], [])
    with pytest.raises(OrganisationUnknown):
        move(service, "nobody", there, dry_run=True)
    there.organisations.create("other", DEMO, sample=False)
    with pytest.raises(OrganisationExists, match="'other' with the id"):
        move(service, "acme", there, dry_run=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.key").write_bytes(bytes(32))
    with pytest.raises(OrganisationInvalid, match="another secret key"):
        move(service, "acme", on_postgresql("elsewhere", None))


COPYING, CATCHING_UP, HOLDING, HANDING_OVER, REMOVING = (
    "Copying its records",
    "Copying what has changed meanwhile",
    "Copying the last changes, while nobody writes",
    "Copying its clients and tokens",
    "Removing it from its old place",
)


BEFORE_THE_END = (COPYING, CATCHING_UP, HOLDING, "held")


@pytest.fixture(params=["to postgresql", "to sqlite"])
def way(request, service, there):
    return (service, there) if request.param == "to postgresql" else (there, service)


@pytest.fixture
def beside(service, on_postgresql, tmp_path, clock):
    """Makes a second process that has the same CRM."""
    folders = []

    def make(side):
        if side is not service:
            return on_postgresql()
        folders.append(Waited(crm_in(tmp_path / "crm", clock)))
        return folders[-1]

    yield make
    for crm in folders:
        crm.close()


@pytest.fixture
def in_parts(monkeypatch):
    """Each record is told, and few are copied at a time."""
    monkeypatch.setattr(departing, "TOLD_EVERY", 1)
    monkeypatch.setattr(carry, "PART", 3)
    monkeypatch.setattr(carrying, "PART", 3)


def arrive(caller, source, service):
    """Let the organisation be at the source."""
    if source is not service:
        move(service, "acme", source)
    return Caller(source, caller.token, caller.organisation)


@pytest.mark.usefixtures("in_parts")
@pytest.mark.parametrize("fixed", ["followed", "whole"])
def test_whatever_is_written_meanwhile_arrives(
    crm, service, way, beside, fixed, monkeypatch, tmp_path, database_url
):
    made(
        crm,
        field("Berth", unique={"case_sensitive": False}),
        field("Number", "autonumber", auto_number=NUMBERS),
    )
    berths = [{"Last_Name": f"berth {n}", "Berth": f"{n}"} for n in range(4)]
    kept = crm.insert("Leads", *berths, *({"Last_Name": f"goes {n}"} for n in range(10)))
    if fixed == "whole":
        for module in (carry, carrying):
            monkeypatch.setattr(module, "FOLLOWED", set())
    source, target = way
    arrive(crm, source, service)
    writer, written, before = Caller(beside(source), crm.token, crm.organisation), [], {}

    def write(step):
        if step not in (COPYING, "Copied 3 records", "Copied 9 records", CATCHING_UP, HOLDING):
            return
        number = len(written)
        written.extend(writer.insert("Leads", {"Last_Name": f"new {step}", "Tag": [{"name": f"t {number}"}]}))
        if step == "Copied 9 records":  # A module's first record.
            writer.insert("Vendors", {"Vendor_Name": "first"})
        assert writer.delete(f"Leads/{kept.pop()}").status == 200
        # No two may have a value at the same time.
        for berth, value in ((0, "x"), (1, "0"), (0, "1"), (1, f"y {number}"), (0, "0"), (1, "1")):
            changed = writer.put(
                f"Leads/{kept[berth]}", {"data": [{"Berth": value, "City": f"quay {number}"}]}
            )
            assert changed.status == 200, changed.body
        if step == HOLDING:
            writer.insert("Campaigns", {"Campaign_Name": "first"})
            before.update(everything(writer, tmp_path / "before.db"))

    assert HOLDING in move(source, "acme", target, write)
    assert len(written) == 5
    arrived = Caller(target, crm.token, crm.organisation)
    assert everything(arrived, tmp_path / "after.db") == before
    if target is not service:
        assert without_indexes(database_url) == []
    (last,) = arrived.insert("Leads", {"Last_Name": "goes on", "Tag": [{"name": "t 0"}]})
    assert int(last) > max(map(int, written))
    assert arrived.only(f"Leads/{last}")["Number"] == "20"
    refused = arrived.post("Leads", {"data": [{"Last_Name": "a", "Berth": "1"}]})
    assert refused.data[0]["code"] == "DUPLICATE_DATA"


def without_indexes(url):
    """The tables of modules that have no more than the index of their key."""
    sql = (
        "SELECT tablename FROM pg_indexes WHERE schemaname LIKE 'org%' AND tablename ~ '^m[0-9]+$'"
        " GROUP BY 1 HAVING count(*) < 2"
    )
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


NUMBERS = {"prefix": "", "start_number": 1}


def everything(caller, file):
    """All rows, and what some words find."""
    organisations = caller.service.organisations
    organisations.wrapped.stored.snapshot(organisations.find("acme").place, file)
    with carrying.file_rows(file) as rows:
        found = contents(rows)
    del found["version"]
    for word in ("quay", "berth", "goes", "new", "first"):
        for module in ("Leads", "Vendors"):
            found[word, module] = caller.get(f"{module}/search", word=word, fields="id").body
    return found


def test_nothing_that_was_acknowledged_is_lost_and_who_waits_is_answered(crm, service, way, beside):
    source, target = way
    arrive(crm, source, service)
    writer, acknowledged, moved = Caller(beside(source), crm.token, crm.organisation), {}, threading.Event()

    def write():
        answer = None
        while not (moved.is_set() and answer is not None and answer.status == 401):
            name = f"lead {len(acknowledged)}"
            answer = writer.post("Leads", {"data": [{"Last_Name": name}]})
            assert answer.status in (201, 401, 503), answer.body
            if answer.status == 201:
                assert acknowledged.setdefault(answer.data[0]["details"]["id"], name) == name

    def wait(step):
        if step in (COPYING, CATCHING_UP):
            before = len(acknowledged)
            while len(acknowledged) < before + 3 and not writing.done():
                pass

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        try:
            steps = move(source, "acme", target, wait)
        finally:
            moved.set()
        source.organisations.forget()
        writing.result()
    arrived = Caller(target, crm.token, crm.organisation)
    records = {
        record["id"]: record["Last_Name"]
        for record in arrived.get("Leads", fields="Last_Name", per_page=200).data
    }
    assert records == dict(sorted(acknowledged.items())) or len(acknowledged) > 200
    assert next(step for step in steps if step.startswith("Writes waited for "))


def test_a_writer_that_never_rests_is_held_after_some_rounds(crm, service, way, beside, monkeypatch):
    source, target = way
    arrive(crm, source, service)
    monkeypatch.setattr(departing, "SHORT", -1)
    rounds, copy = [], departing._round

    def counted(*arguments):
        rounds.append(1)
        return copy(*arguments)

    monkeypatch.setattr(departing, "_round", counted)
    move(source, "acme", target)
    assert len(rounds) == 1 + departing.MOST_ROUNDS


def test_a_change_of_the_fields_meanwhile_lets_the_copy_begin_again(crm, service, way, beside):
    source, target = way
    arrive(crm, source, service).insert("Leads", {"Last_Name": "kept"})
    writer = Caller(beside(source), crm.token, crm.organisation)

    def add(step):
        if step == CATCHING_UP and not added:
            added.extend(made(writer, field("Berth")))
            writer.insert("Leads", {"Last_Name": "new", "Berth": "seven"})

    added = []
    steps = move(source, "acme", target, add)
    assert steps.count(COPYING) == 2
    arrived = Caller(target, crm.token, crm.organisation)
    found = arrived.get("Leads", fields="Last_Name,Berth").data
    assert {record["Last_Name"]: record["Berth"] for record in found} == {"kept": None, "new": "seven"}


def test_fields_that_change_again_and_again_end_the_move_and_nothing_else(
    crm, service, way, beside, monkeypatch, database_url, tmp_path
):
    source, target = way
    caller = arrive(crm, source, service)
    monkeypatch.setattr(departing, "MOST_TRIES", 2)
    writer, added = Caller(beside(source), crm.token, crm.organisation), []

    def add(step):
        if step == CATCHING_UP:
            added.extend(made(writer, field(f"Field {len(added)}")))

    with pytest.raises(OrganisationInvalid, match="again and again"):
        move(source, "acme", target, add)
    assert (slugs(source), slugs(target)) == (["acme"], [])
    caller.insert("Leads", {"Last_Name": "goes on"})
    assert what_is_left(tmp_path / "crm", database_url) == []


def test_who_stops_a_move_has_the_organisation_as_it_was(crm, service, way, tmp_path, database_url, in_parts):
    source, target = way
    caller = arrive(crm, source, service)
    caller.insert("Leads", *({"Last_Name": f"lead {n}"} for n in range(9)))

    async def stop():
        def cancel(step):
            if step == COPYING:
                asyncio.run_coroutine_threadsafe(cancelled(), loop).result()

        async def cancelled():
            task.cancel()
            for _ in range(20):  # Turns of the loop, in which the move learns of it.
                await asyncio.sleep(0)

        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(source.wrapped.move("acme", target.wrapped, cancel, dry_run=False))
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stop())
    assert (slugs(source), slugs(target)) == (["acme"], [])
    caller.insert("Leads", {"Last_Name": "goes on"})
    assert what_is_left(tmp_path / "crm", database_url) == []


def test_a_copy_that_another_process_has_taken_away_is_not_used(crm, service, way, beside):
    """As it does if this process could not renew its lock."""
    source, target = way
    caller, other = arrive(crm, source, service), beside(target)

    def take_away(step):
        if step == HANDING_OVER:
            with ThreadPoolExecutor(1) as thread:
                thread.submit(other.organisations.remove_unfinished).result()

    with pytest.raises(DatabaseUnusable, match="taken the copy away"):
        move(source, "acme", target, take_away)
    assert (slugs(source), slugs(target)) == (["acme"], [])
    caller.insert("Leads", {"Last_Name": "goes on"})


@pytest.mark.parametrize("step", [*BEFORE_THE_END, HANDING_OVER, "Writes waited", REMOVING])
def test_a_move_that_dies_leaves_it_whole_in_one_place_and_can_be_repeated(
    crm, service, way, step, monkeypatch, database_url, tmp_path
):
    crm.insert("Leads", {"Last_Name": "kept"})
    source, target = way
    arrive(crm, source, service)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        move(source, "acme", target, dies_at(step, patch))
    used = [side for side in (source, target) if is_answered(side, crm)]
    if step in BEFORE_THE_END:
        assert used == [source]
        assert what_is_left(tmp_path / "crm", database_url) != []
    elif step == HANDING_OVER:
        assert used == []
        with pytest.raises(DatabaseUnusable, match="is on its way"):
            source.organisations.open(crm.organisation)
    else:
        assert used == [target]
    if step in (CATCHING_UP, REMOVING):  # Any other work on whole organisations clears away what is left.
        for side in (source, target):
            side.organisations.create("other", DEMO, sample=False)
            side.organisations.delete("other")
        assert what_is_left(tmp_path / "crm", database_url) == []
    move(source, "acme", target)
    assert (slugs(source), slugs(target)) == ([], ["acme"])
    assert is_answered(target, crm)
    Caller(target, crm.token, crm.organisation).insert("Leads", {"Last_Name": "goes on"})
    assert what_is_left(tmp_path / "crm", database_url) == []


class Killed(BaseException):
    """Nothing of the process runs after it."""


def dies_at(last, monkeypatch):
    """Dies when a step is told, or once writers are held. Nothing is cleared away."""

    def die(step):
        if step.startswith(last):
            raise Killed

    def die_held(*_args):
        raise Killed

    async def die_again(*_args):
        raise Killed

    monkeypatch.setattr(departing.Departure, "_undo", die_again)
    if last in BEFORE_THE_END:
        monkeypatch.setattr(Departures, "_end", die_again)
    if last == "held":
        monkeypatch.setattr(HeldFile, "close", die_held)
        monkeypatch.setattr(HeldSchema, "close", die_held)
    return die


def what_is_left(folder, url):
    """Whatever a move has made and not cleared away, in the folder and in the database."""
    left = [path.name for path in folder.rglob("*.partial*")]
    for path in folder.glob("orgs/*.db"):
        with contextlib.closing(apsw.Connection(str(path))) as connection:
            sql = "SELECT name FROM sqlite_schema WHERE name LIKE 'changed%' OR type = 'trigger'"
            left += [name for (name,) in connection.execute(sql)]
    # The registry is opened with the library that Moorage opens it with.
    with contextlib.closing(sqlite3.connect(folder / "registry.db")) as connection:
        left += connection.execute("SELECT * FROM moves").fetchall()
    with psycopg.connect(url) as connection:
        left += connection.execute("SELECT * FROM moorage_crm.moves").fetchall()
        sql = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'org%new' OR nspname LIKE 'org%old'"
        left += connection.execute(sql).fetchall()
        left += connection.execute("SELECT relname FROM pg_class WHERE relname = 'changed'").fetchall()
    return left


def is_answered(side, crm):
    answer = Caller(side, crm.token, crm.organisation).get("Leads", fields="Last_Name")
    assert answer.status in (200, 401, 503), answer.body
    if answer.status == 200:
        assert [record["Last_Name"] for record in answer.data] == ["kept"]
    return answer.status == 200
