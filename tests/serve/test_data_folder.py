import errno
import os
import pathlib
import stat
import sys

import pytest

from moorage.cli.failures import report
from moorage.serve import data_folder
from moorage.serve.errors import HomeInUse, HomeUnusable
from tests import forked


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_and_all_made_in_it_are_the_owners_only(tmp_path):
    data_folder.prepare(tmp_path / "a" / "home")
    (tmp_path / "a" / "home" / "file").touch()
    assert mode(tmp_path / "a" / "home") == 0o700
    assert mode(tmp_path / "a" / "home" / "file") == 0o600


def test_an_empty_folder_becomes_private(tmp_path):
    (tmp_path / "home").mkdir(mode=0o755)
    data_folder.prepare(tmp_path / "home")
    assert mode(tmp_path / "home") == 0o700


def test_a_folder_with_other_things_keeps_its_mode(tmp_path):
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home" / "others").touch()
    data_folder.prepare(tmp_path / "home")
    assert mode(tmp_path / "home") == 0o755


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "home").touch()
    with pytest.raises(HomeUnusable, match="home can't be used"):
        data_folder.prepare(tmp_path / "home")


@pytest.mark.parametrize("made", ["home", "run"])
def test_a_disk_without_room_is_to_be_given_some(tmp_path, monkeypatch, made):
    real = pathlib.Path.mkdir

    def mkdir(path, *given, **named):
        if path.name == made:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        real(path, *given, **named)

    monkeypatch.setattr(pathlib.Path, "mkdir", mkdir)
    with pytest.raises(HomeUnusable, match="No space left") as raised:
        data_folder.prepare(tmp_path / "home")
    assert "Make room" in raised.value.help


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_whatever_else_a_start_has_no_room_for_says_so(capsys, number):
    report(OSError(number, os.strerror(number), "/data/vault.key"), as_json=False)
    said = capsys.readouterr().err
    assert "/data/vault.key" in said and "Make room on that disk" in said


def test_a_second_server_is_told_who_holds_the_folder(tmp_path):
    data_folder.prepare(tmp_path)
    data_folder.write_note(
        tmp_path, data_folder.Running(os.getpid(), "http://127.0.0.1:1", "http://127.0.0.1:2")
    )
    with data_folder.locked(tmp_path), pytest.raises(HomeInUse) as caught, data_folder.locked(tmp_path):
        pass
    assert f"process {os.getpid()} at http://127.0.0.1:1" in caught.value.message


def test_the_folder_is_free_again_after_the_holder_was_killed(tmp_path):
    data_folder.prepare(tmp_path)
    program = f"""
import os, pathlib, signal
from moorage.serve import data_folder
with data_folder.locked(pathlib.Path({str(tmp_path)!r})):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = forked.run([sys.executable, "-c", program])
    assert done.returncode == -9
    with data_folder.locked(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"pid": 1}', '{"gateway": 1, "other": 2}'])
def test_a_note_that_makes_no_sense_is_ignored(tmp_path, content):
    data_folder.prepare(tmp_path)
    if content is not None:
        (tmp_path / "run" / "server.json").write_text(content)
    assert data_folder.read_note(tmp_path) is None


def test_a_note_is_read_as_it_was_written_until_it_is_removed(tmp_path):
    data_folder.prepare(tmp_path)
    running = data_folder.Running(7, "http://127.0.0.1:1", "http://127.0.0.1:2")
    with data_folder.locked(tmp_path):
        data_folder.write_note(tmp_path, running)
        assert data_folder.read_note(tmp_path) == running
        data_folder.remove_note(tmp_path)
        data_folder.remove_note(tmp_path)
        assert data_folder.read_note(tmp_path) is None


def test_a_note_is_ignored_if_nobody_holds_the_folder(tmp_path):
    data_folder.prepare(tmp_path)
    data_folder.write_note(tmp_path, data_folder.Running(7, "http://127.0.0.1:1", "http://127.0.0.1:2"))
    assert data_folder.read_note(tmp_path) is None
