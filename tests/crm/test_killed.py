"""A process is killed in the middle of making, copying or removing an organisation: nothing is ever half done."""

import os
import shutil
import signal
import sys

import apsw
import pytest

from moorage.clock import FrozenClock
from moorage.crm.metadata.standard import DEMO
from tests.contracts.opened import Opened
from tests.crm.folder import organisations_in

POINTS = 4  # At so many steps of each command, evenly spread, and at every fourth that touches a file.
_FILE_EVENTS = {"os.rename", "os.remove", "os.link", "fcntl.flock"}


def create(organisations, _folder):
    organisations.create("new", DEMO, sample=False)


def delete(organisations, _folder):
    organisations.delete("acme")


def reset(organisations, _folder):
    organisations.reset("acme")


def restore(organisations, folder):
    organisations.restore("acme", folder / "snap.db")


def snapshot(organisations, folder):
    organisations.snapshot("acme", folder / "snap.db")


class Steps:
    """Counts the steps of a command: statements, and files opened, moved and removed. Kills its process at a step."""

    def __init__(self, last: int | None) -> None:
        self._last = last
        self.count = 0
        self.files: list[int] = []

    def begin(self) -> None:
        apsw.connection_hooks.append(self._hook)
        sys.addaudithook(self._audit)

    def _hook(self, connection) -> None:
        connection.exec_trace = self._statement

    def _statement(self, *_) -> bool:
        self._step()
        return True

    def _audit(self, event, _arguments) -> None:
        if event in _FILE_EVENTS:
            self.files.append(self.count)
            self._step()

    def _step(self) -> None:
        if self.count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1


def in_a_process(command, folder, clock, last=None):
    """Run the command in a child that dies at its step `last`; gives what a child that lived on counted."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            steps = Steps(last)
            steps.begin()
            organisations = organisations_in(folder / "crm", clock)
            command(organisations, folder)
            os.write(write, f"{steps.count} {' '.join(map(str, steps.files))}".encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as counted:
        counts = [int(number) for number in counted.read().split()]
    os.waitpid(child, 0)
    return counts


@pytest.fixture
def prepared(tmp_path, clock):
    """A folder with an organisation of three leads, and a snapshot of it with the first of them."""
    folder = tmp_path / "prepared"
    organisations = organisations_in(folder / "crm", clock)
    row = organisations.create("acme", DEMO, sample=False)
    opened = Opened(organisations.open(row.id))
    opened.add("Leads", {"Last_Name": "first"})
    organisations.snapshot("acme", folder / "snap.db")
    opened.add("Leads", {"Last_Name": "second"}, {"Last_Name": "third"})
    organisations.close()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [create, delete, reset, restore, snapshot], ids=lambda command: command.__name__
)
def test_whichever_step_it_was_killed_at(command, prepared, tmp_path, clock):
    shutil.copytree(prepared, tmp_path / "counted")
    total, *files = in_a_process(command, tmp_path / "counted", clock)
    points = sorted({*range(0, total, max(1, total // POINTS)), *files[::4], total - 1})
    for point in points:
        folder = tmp_path / f"killed-{point}"
        shutil.copytree(prepared, folder)
        assert in_a_process(command, folder, clock, last=point) == []
        check(command, folder, clock)
        shutil.rmtree(folder)


def check(command, folder, clock: FrozenClock):
    organisations = organisations_in(folder / "crm", clock)
    before = {row.slug: lead_count(organisations, row) for row in organisations.list()}
    expected = {
        create: ({"acme": 3}, {"acme": 3, "new": 0}),
        delete: ({"acme": 3}, {}),
        reset: ({"acme": 3}, {"acme": 0}),
        restore: ({"acme": 3}, {"acme": 1}),
        snapshot: ({"acme": 3},),
    }[command]
    assert before in expected
    # The next command cleans up, and everything can be done.
    if "acme" in before:
        organisations.restore("acme", folder / "snap.db")
        assert lead_count(organisations, organisations.find("acme")) in (
            {1, 3} if command is snapshot else {1}
        )
        organisations.reset("acme")
    for slug in ("acme", "new"):
        if slug not in before:
            organisations.create(slug, DEMO, sample=False)
        assert lead_count(organisations, organisations.find(slug)) == 0
    organisations.snapshot("acme", folder / "snap.db")
    organisations.close()
    assert sorted(file.name for file in (folder / "crm" / "orgs").iterdir()) == ["acme.db", "new.db"]
    assert {file.name for file in folder.iterdir()} == {"crm", "snap.db"}


def lead_count(organisations, row):
    opened = Opened(organisations.open(row.id))
    assert (
        opened.store._reader.whole(lambda connection: connection.execute("PRAGMA integrity_check").get)
        == "ok"
    )
    opened.add("Deals", {"Deal_Name": "works"})
    return opened.count("Leads")
