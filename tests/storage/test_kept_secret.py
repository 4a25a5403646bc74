import os
import stat
import subprocess
import sys

import pytest

from moorage.storage import kept_secret
from moorage.storage.secret_files import replace_file
from tests import forked


def never():
    raise AssertionError("it was made a second time")


def test_it_is_made_once_for_the_owner_only(tmp_path):
    path = tmp_path / "key"
    assert kept_secret(path, lambda: b"made") == b"made"
    assert kept_secret(path, never) == path.read_bytes() == b"made"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_whose_maker_ended_too_early_is_made_again(tmp_path):
    (tmp_path / "key").touch(mode=0o600)
    assert kept_secret(tmp_path / "key", lambda: b"made") == b"made"
    assert kept_secret(tmp_path / "key", never) == b"made"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anything")
def test_a_secret_that_is_given_may_be_read_only(tmp_path):
    (tmp_path / "key").write_bytes(b"given")
    (tmp_path / "key").chmod(0o400)
    assert kept_secret(tmp_path / "key", never) == b"given"


def test_processes_that_make_it_at_once_get_the_same(tmp_path):
    program = f"""
import pathlib, secrets, sys, time
from moorage.storage import kept_secret
sys.stdin.readline()
def slowly():
    time.sleep(0.2)
    return secrets.token_hex(32).encode()
print(kept_secret(pathlib.Path({str(tmp_path)!r}) / "key", slowly).decode())
"""
    running = [
        forked.popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.communicate(timeout=60)[0].strip() for process in running}
    assert said == {(tmp_path / "key").read_text()}


def test_a_file_is_replaced_whole_although_a_killed_process_has_begun_to(tmp_path):
    path = tmp_path / "vault.key"
    path.write_bytes(b"old")
    path.with_suffix(".draft").write_bytes(b"half of somethi")
    replace_file(path, b"new")
    assert [(file, file.read_bytes()) for file in tmp_path.iterdir()] == [(path, b"new")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
