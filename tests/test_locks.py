"""One lock on files: who waits, who is refused, who shares, and that the system releases it."""

import stat
import subprocess
import sys
import threading

import pytest

from moorage.locks import FileLock, is_locked

HOLDER = """
import os, sys, pathlib
from moorage.locks import FileLock
with FileLock(pathlib.Path(sys.argv[1])):
    if sys.argv[2] == "forked":
        if os.fork():
            os._exit(0)
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


def holder(path, how="itself"):
    command = [sys.executable, "-c", HOLDER, str(path), how]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def test_it_is_made_for_the_owner_and_released_at_the_end(path):
    assert not is_locked(path) and not path.exists()
    with FileLock(path):
        assert is_locked(path) and stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(BlockingIOError), FileLock(path, wait=False):
            pass
    assert not is_locked(path)


def test_its_file_keeps_what_it_holds(path):
    path.write_bytes(b"kept")
    with FileLock(path) as file:
        assert file.read() == b"kept"


def test_whoever_waits_gets_it_after_the_holder(path):
    order = []

    def wait():
        with FileLock(path):
            order.append("waiter")

    with FileLock(path):
        waiter = threading.Thread(target=wait)
        waiter.start()
        waiter.join(0.1)  # Without a lock it would be through by now.
        order.append("holder")
    waiter.join(60)
    assert order == ["holder", "waiter"]


def test_several_share_one_that_is_shared(path):
    with FileLock(path, shared=True):
        with FileLock(path, shared=True, wait=False):
            assert not is_locked(path)  # To ask is to share it.
        with pytest.raises(BlockingIOError), FileLock(path, wait=False):
            pass


def test_the_system_releases_it_when_its_process_is_killed(path):
    with holder(path) as process:
        assert is_locked(path)
        process.kill()
        process.wait(60)
        assert not is_locked(path)


def test_a_child_holds_it_along_with_its_parent(path):
    with holder(path, "forked") as process:
        process.wait(60)  # The parent is gone.
        assert is_locked(path)
        process.stdin.close()
        process.stdout.read()
        with FileLock(path):
            pass


def test_a_link_is_followed_or_refused(path, tmp_path):
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"), FileLock(path, follow_links=False):
        pass
    assert not (tmp_path / "elsewhere").exists()
    with FileLock(path):
        assert is_locked(tmp_path / "elsewhere")
