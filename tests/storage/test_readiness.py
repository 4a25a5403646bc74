"""Readiness: what is kept can be read and written, and asking for it costs next to nothing."""

import asyncio
import os
import sqlite3
import subprocess
import tempfile
from functools import partial

import pytest

from moorage.errors import MoorageError
from moorage.storage import readiness
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.readiness import Readiness, complaint, require_room
from tests.storage.descriptors import none_left


@pytest.fixture
def small(tmp_path):
    """A disk of a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount; test_a_disk_that_takes_nothing holds the same everywhere")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk(small):
    require_room(small)
    (small / "filler").write_bytes(b"x" * (900 * 1024))
    with pytest.raises(DatabaseUnusable, match="no room") as caught:
        require_room(small)
    assert caught.value.kind == "full" and "Make room" in caught.value.help
    (small / "filler").unlink()
    require_room(small)
    assert list(small.iterdir()) == []


@pytest.mark.parametrize(("number", "kind"), [(28, "full"), (30, "read_only"), (5, "io"), (122, "full")])
def test_a_disk_that_takes_nothing(tmp_path, monkeypatch, number, kind):
    def refuse(**_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(DatabaseUnusable) as caught:
        require_room(tmp_path)
    assert caught.value.kind == kind and "good copy" not in caught.value.help


def database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a TEXT)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 3000,) for _ in range(50)])
    connection.close()
    return path


def damage(path):
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 20] = os.urandom(4096 * 19)
    path.write_bytes(content)


def test_a_damaged_file_is_complained_of_and_a_sound_one_is_not(tmp_path):
    path = database(tmp_path / "a.db")
    assert complaint(path) is None
    damage(path)
    assert complaint(path)


def test_a_sound_file_is_not_blamed_for_what_keeps_it_from_being_looked_at(tmp_path):
    path = database(tmp_path / "a.db")
    with none_left(), pytest.raises(DatabaseUnusable, match="descriptors") as caught:
        complaint(path)
    assert caught.value.kind == "descriptors" and complaint(path) is None
    with pytest.raises(DatabaseUnusable) as caught:
        complaint(tmp_path / "missing.db")
    assert caught.value.kind == "unopenable"


async def told(readiness):
    if not readiness.is_fresh:
        await readiness.look()
    readiness.require_ready()


def error_after(readiness, times=1):
    async def ask():
        await asyncio.gather(*(told(readiness) for _ in range(times)))

    try:
        asyncio.run(ask())
    except MoorageError as error:
        return error
    return None


def test_a_damaged_file_is_told(tmp_path):
    path = database(tmp_path / "a.db")
    damage(path)
    error = error_after(Readiness(nothing, {tmp_path}, {"It": partial(complaint, path)}))
    assert error.kind == "damaged" and "good copy" in error.help


async def nothing():
    pass


def test_many_who_ask_share_one_look_a_second(tmp_path, monkeypatch):
    looks = []

    async def look():
        looks.append(1)
        await asyncio.sleep(0.01)

    ready = Readiness(look, {tmp_path}, {})
    assert error_after(ready, 500) is None
    assert error_after(ready, 500) is None
    assert len(looks) == 1
    monkeypatch.setattr(readiness, "FRESH_SECONDS", 0.0)
    assert error_after(ready, 500) is None
    assert len(looks) == 2


def test_what_was_found_is_told_to_all_until_it_is_mended(tmp_path, monkeypatch):
    trouble = [DatabaseUnusable("no room", kind="full")]

    async def look():
        if trouble:
            raise trouble[0]

    monkeypatch.setattr(readiness, "FRESH_SECONDS", 0.0)
    ready = Readiness(look, {tmp_path}, {})
    assert error_after(ready, 20) is trouble[0] and error_after(ready) is trouble[0]
    trouble.clear()
    assert error_after(ready) is None
