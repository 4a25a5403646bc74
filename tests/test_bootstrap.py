"""`script/bootstrap`, with a Python that only writes down what it was asked to do."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = """#!/bin/sh
echo "$*" >>"{log}"
[ "$1" != -c ] || [ ! -e "{old}" ] || exit 1
[ "$1" != --version ] || echo "Python 3.10.1"
[ "$2" != pip ] || [ ! -e "{offline}" ] || [ "$3" = --version ] || exit 1
case "$2 $*" in "pip "*"--target"*) [ ! -e "{no_sdk}" ] || exit 1;; esac
[ "$2" = venv ] || exit 0
[ -e "{broken}" ] && exit 1
mkdir -p .venv/bin
cp "$0" .venv/bin/python
echo "command = python3 -m venv --clear $(pwd -P)/.venv" >.venv/pyvenv.cfg
"""


class Copy:
    """A copy of the project, as far as `script/bootstrap` knows it."""

    def __init__(self, folder, tools):
        self.folder = folder
        (folder / "script").mkdir(parents=True)
        for name in ("script/bootstrap", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder / name)
        self.log, self.python = tools / "log", tools / "python3"
        self.broken, self.old, self.offline = tools / "broken", tools / "old", tools / "offline"
        self.no_sdk = tools / "no_sdk"
        places = {name: getattr(self, name) for name in ("log", "broken", "old", "offline", "no_sdk")}
        self.python.write_text(PYTHON.format(**places))
        self.python.chmod(0o755)
        npm = tools / "npm"
        npm.write_text("#!/bin/sh\n")
        npm.chmod(0o755)
        self.named = None

    def bootstrap(self, *arguments):
        """What Python was asked for, by its module; and how the script ended."""
        self.log.unlink(missing_ok=True)
        ended = subprocess.run(
            [self.folder / "script" / "bootstrap", *arguments],
            env={"PATH": f"{self.python.parent}:/usr/bin:/bin", "PYTHON": str(self.named or self.python)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        asked = self.log.read_text().splitlines() if self.log.exists() else []
        folders = [line.split()[1] for line in asked if not line.endswith("--version") and line[:2] != "-c"]
        return folders, ended


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "tools").mkdir()
    return Copy(tmp_path / "it's a copy", tmp_path / "tools")


def test_the_second_time_there_is_nothing_to_do(copy):
    assert copy.bootstrap("run")[0] == ["venv", "pip"]
    assert copy.bootstrap("run")[0] == []


def test_what_developing_needs_is_added_and_includes_what_running_needs(copy):
    copy.bootstrap("run")
    assert copy.bootstrap()[0] == ["pip"] * 7  # With older SDKs and a toolkit, each by itself.
    assert copy.bootstrap("run")[0] == []


def test_other_requirements_are_installed_into_what_is_there(copy):
    copy.bootstrap("run")
    with (copy.folder / "constraints.txt").open("a") as constraints:
        constraints.write("# another\n")
    assert copy.bootstrap("run")[0] == ["pip"]


def test_a_folder_that_was_moved_is_made_anew(copy, tmp_path):
    copy.bootstrap("run")
    copy.folder = copy.folder.rename(tmp_path / "moved")
    assert copy.bootstrap("run")[0] == ["venv", "pip"]
    assert copy.bootstrap("run")[0] == []


def test_another_way_to_the_same_folder_is_no_move(copy, tmp_path):
    copy.bootstrap("run")
    (tmp_path / "link").symlink_to(copy.folder)
    copy.folder = tmp_path / "link"
    assert copy.bootstrap("run")[0] == []


def test_without_the_means_to_make_one_it_says_what_to_install(copy):
    copy.broken.touch()
    _, ended = copy.bootstrap("run")
    assert ended.returncode == 1
    assert "python3-venv" in ended.stderr
    copy.broken.unlink()
    assert copy.bootstrap("run")[0] == ["venv", "pip"]


def test_a_python_that_is_named_and_too_old_is_refused(copy):
    copy.old.touch()
    folders, ended = copy.bootstrap("run")
    assert (folders, ended.returncode) == ([], 1)
    assert ended.stderr == (
        f"bootstrap: {copy.python}, which PYTHON names, is Python 3.10.1; 3.11 or newer is needed.\n"
    )
    assert not (copy.folder / ".venv").exists()


def test_a_python_that_is_not_there_is_said_to_be_missing(copy):
    copy.named = "/nonexistent/python"
    _, ended = copy.bootstrap("run")
    assert ended.returncode == 1
    assert ended.stderr == "bootstrap: there is no /nonexistent/python, which PYTHON names.\n"


def test_without_a_network_it_says_so_and_leaves_no_half_of_an_environment(copy):
    copy.offline.touch()
    _, ended = copy.bootstrap("run")
    assert ended.returncode == 1 and "It takes a network" in ended.stderr
    assert not (copy.folder / ".venv").exists()
    copy.offline.unlink()
    assert copy.bootstrap("run")[0] == ["venv", "pip"]
    copy.offline.touch()
    assert copy.bootstrap()[1].returncode == 1 and (copy.folder / ".venv").exists()


def test_an_sdk_that_can_not_be_had_is_told_the_same_and_tried_again(copy):
    copy.no_sdk.touch()
    folders, ended = copy.bootstrap()
    assert (folders, ended.returncode) == (["venv", *["pip"] * 7], 1)
    assert "It takes a network" in ended.stderr
    copy.no_sdk.unlink()
    assert copy.bootstrap()[0] == ["venv", "pip", *["pip"] * 6]
