"""Long uploads on SQLite stay as they came, beside the database, and go wherever it goes."""

import asyncio
import contextlib
import errno
import os
import shutil
import signal

import apsw
import pytest

from moorage.crm.errors import OrganisationInvalid
from moorage.crm.storage import files as stored_files
from moorage.crm.storage.contract.files import LINGER, UNUSED
from moorage.crm.storage.sqlite import file_rows, long_files, whole_files
from moorage.crm.storage.sqlite.long_files import LongFileMissing, LongFiles
from moorage.crm.trouble import spool_trouble
from moorage.http.bodies import Budget
from moorage.http.spool import Spool, SpooledBody
from tests.crm.conftest import Caller
from tests.crm.files.dying_upload import DATA, POINTS, kill
from tests.crm.folder import crm_in
from tests.crm.uploads import MULTIPART, body, part
from tests.crm.whole import contents
from tests.waited import Waited


@pytest.fixture(autouse=True)
def small_parts(in_parts_of_four):
    in_parts_of_four(long_files, stored_files)


@pytest.fixture
def database(tmp_path):
    return tmp_path / "crm" / "orgs" / "acme.db"


def spooled(folder, data=DATA):
    """A body on the disk with one file, as the server makes one of what is too long for memory."""
    whole = SpooledBody(Spool(folder, spool_trouble, left_free=0), Budget(1 << 20))
    asyncio.run(whole.append(body(part(data))))
    return whole


def upload(caller, path, folder, data=DATA):
    """Upload a file in such a body. Gives its path."""
    answer = caller.call("POST", path, body=spooled(folder, data), headers=MULTIPART)
    assert answer.status == 200, answer.body
    return f"{path}/{answer.data[0]['details']['id']}"


@pytest.fixture
def sent(crm, path, tmp_path):
    """Uploads a file; gives the path at which it can be read."""

    def sent(data=DATA):
        return upload(crm, path, tmp_path, data)

    return sent


def beside(database):
    folder = database.with_name("acme.db-files")
    return sorted(path.name for path in folder.iterdir() if path.name != "lock") if folder.exists() else []


def kinds(database):
    """What the parts in a database are."""
    with contextlib.closing(apsw.Connection(str(database))) as connection:
        return connection.execute("SELECT group_concat(DISTINCT typeof(data)) FROM content_parts").get


def test_the_bytes_are_written_once_and_read_as_they_were(crm, sent, database):
    file = sent()
    assert crm.get(file).body == DATA
    assert (kinds(database), len(beside(database))) == ("text", 1)
    assert crm.get(sent()).body == DATA
    assert len(beside(database)) == 1  # The same bytes are kept once.
    assert crm.get(sent(b"0123456789")).body == b"0123456789"
    assert len(beside(database)) == 2


def test_a_body_with_more_than_the_file_is_not_kept(crm, sent, database, monkeypatch):
    monkeypatch.setattr(long_files, "_BESIDE", 10)
    assert crm.get(sent()).body == DATA
    assert (kinds(database), beside(database)) == ("blob", [])


def test_where_a_file_can_get_no_name_the_database_has_the_bytes(crm, sent, database, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", refuse)
    assert crm.get(sent()).body == DATA
    assert (kinds(database), beside(database)) == ("blob", [])


def test_a_file_goes_with_the_last_that_needs_it(crm, sent, database, clock):
    first, second = sent(), sent()
    assert crm.delete(first).status == 200
    clock.advance(LINGER)
    crm.service.sweep_files()
    assert crm.get(second).body == DATA
    assert crm.delete(second).status == 200
    clock.advance(LINGER - 1)
    crm.service.sweep_files()
    assert len(beside(database)) == 1
    clock.advance(1)
    crm.service.sweep_files()
    assert beside(database) == []


def test_who_reads_a_moment_has_the_files_of_then(crm, sent, database, clock):
    file = sent()
    organisation = crm.service.organisations.open(crm.organisation)

    async def read():
        async with organisation.store.moment() as then:
            [row] = await then.files.owned_after(0, 10)
            await organisation.store.write(lambda transaction: transaction.files.remove([row.id]))
            clock.advance(LINGER)
            await crm.service.sweep_files()
            assert b"".join([part async for part in then.files.parts(row.content)]) == DATA

    asyncio.run(read())
    assert len(beside(database)) == 1
    crm.service.sweep_files()
    assert beside(database) == []
    assert crm.get(file).status == 204


def test_a_snapshot_is_one_file_with_the_bytes(crm, sent, database, tmp_path):
    file, snapshot = sent(), tmp_path / "saved.db"
    organisations = crm.service.organisations
    place = organisations.find("acme").place
    organisations.wrapped.stored.snapshot(place, snapshot)
    assert (kinds(snapshot), kinds(database)) == ("blob", "text")
    sent(b"not in the snapshot")
    organisations.restore("acme", snapshot)
    assert crm.get(file).body == DATA
    assert kinds(database) == "blob"
    crm.service.sweep_files()
    assert beside(database) == []
    assert crm.get(file).body == DATA


def test_a_move_takes_the_bytes(crm, sent):
    sent()
    stored, place = crm.service.organisations.wrapped.stored, crm.service.organisations.find("acme").place
    with stored.depart(place) as departing, departing.everything() as rows:
        columns, parts = contents(rows)["content_parts"]
    stored.stay(place)
    assert b"".join(row[columns.index("data")] for row in parts) == DATA


def test_a_deleted_organisation_leaves_no_files(crm, sent, database):
    sent()
    crm.service.organisations.delete("acme")
    assert not database.with_name("acme.db-files").exists()


def test_a_copy_without_its_files_is_refused(crm, sent, database, tmp_path):
    file = sent()
    copy = tmp_path / "copy.db"
    whole_files.copy(database, copy)
    with pytest.raises(OrganisationInvalid, match="is not a snapshot"):
        crm.service.organisations.restore("acme", copy)
    shutil.copytree(database.with_name("acme.db-files"), copy.with_name("copy.db-files"))
    crm.service.organisations.restore("acme", copy)
    assert kinds(database) == "blob"
    assert crm.get(file).body == DATA


def die_after_keeping(self, content, handle, size, keep=LongFiles.keep):
    keep(self, content, handle, size)
    kill()


@pytest.mark.parametrize(
    "point", [(LongFiles, "keep", die_after_keeping), POINTS["last"]], ids=["between", "last"]
)
def test_a_kill_leaves_no_row_without_bytes_and_no_file_for_long(crm, clock, tmp_path, path, database, point):
    crm.service.close()
    child = os.fork()
    if child == 0:
        try:
            setattr(*point)
            upload(
                Caller(Waited(crm_in(tmp_path / "crm", clock)), crm.token, crm.organisation), path, tmp_path
            )
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    service = Waited(crm_in(tmp_path / "crm", clock))
    caller = Caller(service, crm.token, crm.organisation)
    assert caller.get(path, fields="id").status == 204
    assert len(beside(database)) == 1
    service.sweep_files()
    assert len(beside(database)) == 1  # Its upload may still go on in another process.
    clock.advance(UNUSED)
    service.sweep_files()
    assert beside(database) == []
    service.close()


@pytest.mark.parametrize(
    "place", ["../../secret 0 4", "{name} 0 4", "{name} 0 5000000", "a place", "/etc/passwd 0 4"]
)
def test_a_snapshot_leads_to_nothing_else_on_the_disk(crm, sent, database, tmp_path, place):
    sent()
    [name] = beside(database)
    snapshot, folder = tmp_path / "made.db", tmp_path / "made.db-files"
    whole_files.copy(database, snapshot)
    with contextlib.closing(apsw.Connection(str(snapshot))) as connection:
        connection.execute("UPDATE content_parts SET data = ?", (place.format(name=name),))
    (tmp_path / "secret").write_bytes(b"a secret")
    folder.mkdir()
    (folder / name).symlink_to(tmp_path / "secret")
    with pytest.raises(OrganisationInvalid, match="is not a snapshot"):
        crm.service.organisations.restore("acme", snapshot)
    with pytest.raises(LongFileMissing), file_rows.rows_of(snapshot) as rows:
        contents(rows)
