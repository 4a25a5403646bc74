"""A process that is killed in an upload leaves no attachment without its bytes, and no bytes behind the next sweep."""

import contextlib
import os
import signal

import apsw
import pytest

from moorage.crm.api.files import attachments
from moorage.crm.files import keeping
from moorage.crm.storage.contract.files import UNUSED
from tests.crm.conftest import Caller
from tests.crm.folder import crm_in
from tests.crm.uploads import upload
from tests.waited import Waited


def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)


async def between_two_transactions(call, content, parts, add=keeping._add):
    await add(call, content, parts)
    kill()


def in_the_last_transaction(*arguments, attach=attachments.attach):
    attach(*arguments)
    kill()


POINTS = [(keeping, "_add", between_two_transactions), (attachments, "attach", in_the_last_transaction)]


@pytest.mark.parametrize(("module", "name", "dying"), POINTS, ids=["between", "last"])
def test_a_kill_leaves_no_row_without_bytes_and_no_bytes_for_long(
    crm, clock, tmp_path, monkeypatch, module, name, dying
):
    monkeypatch.setattr(keeping, "PART_SIZE", 4)
    monkeypatch.setattr(keeping, "AT_ONCE", 2)
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash"})
    path, data = f"Leads/{lead}/Attachments", b"high at 4, low at 10"
    crm.service.close()
    child = os.fork()
    if child == 0:
        try:
            setattr(module, name, dying)
            caller = Caller(Waited(crm_in(tmp_path / "crm", clock)), crm.token, crm.organisation)
            upload(caller, path, data)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    service = Waited(crm_in(tmp_path / "crm", clock))
    caller = Caller(service, crm.token, crm.organisation)
    assert caller.get(path, fields="id").status == 204
    assert stored(tmp_path, "content_parts") > 0
    attachment = upload(caller, path, data)["id"]
    assert caller.get(f"{path}/{attachment}").body == data
    clock.advance(UNUSED)
    service.sweep_files()
    service.close()
    assert (stored(tmp_path, "contents"), stored(tmp_path, "content_parts")) == (1, 5)


def stored(folder, table):
    with contextlib.closing(apsw.Connection(str(folder / "crm" / "orgs" / "acme.db"))) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").get
