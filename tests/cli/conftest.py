import io
import json
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from moorage.cli.program import run
from moorage.clock import SystemClock
from moorage.logs import OURS
from moorage.serve.data_folder import prepare
from moorage.storage.migrate import migrate
from tests import forked
from tests.client.recorder import Recorder
from tests.crm.folder import crm_in
from tests.waited import Waited


@dataclass
class Outcome:
    status: int
    out: str
    err: str

    @property
    def json(self):
        [line] = self.out.splitlines()
        return json.loads(line)

    @property
    def error(self):
        return json.loads(self.err.splitlines()[-1])["error"]


@pytest.fixture
def server(monkeypatch):
    recorder = Recorder()
    monkeypatch.setenv("MOORAGE_URL", recorder.url)
    yield recorder
    recorder.close()


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """A home of its own for every test, and nothing from the machine it runs on."""
    for name in [name for name in os.environ if name.startswith("MOORAGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MOORAGE_API_KEY", "mk_test")
    before = os.umask(0o022)
    libraries, ours = logging.getLogger(), logging.getLogger(OURS)
    handlers, levels = libraries.handlers.copy(), (libraries.level, ours.level)
    yield
    os.umask(before)
    libraries.handlers[:] = handlers  # A command logs less than other tests look for.
    libraries.level, ours.level = levels


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory):
    """A data folder with nothing in it: no key, no organisation. To bring a database up to date takes a while."""
    folder = tmp_path_factory.mktemp("template") / "home"
    before = os.umask(0o022)
    prepare(folder)
    migrate(f"sqlite:///{folder / 'moorage.db'}")
    Waited(crm_in(folder / "crm", SystemClock())).close()
    (folder / "vault.key").write_text("5a" * 32 + "\n")
    (folder / "vault.key").chmod(0o600)
    os.umask(before)
    return folder


@pytest.fixture
def home(environment, empty_folder, tmp_path):
    """The data folder of the test, made as if somebody had started a server on it and deleted everything."""
    return Path(shutil.copytree(empty_folder, tmp_path / "home"))


def process(*arguments, **how):
    """Run one command line in a process of its own; `how` is subprocess.Popen's."""
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | how
    return forked.run([sys.executable, "-m", "moorage", *map(str, arguments)], **how)


@pytest.fixture
def typed(monkeypatch):
    """Give a command text to read, which does not come from a terminal."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.fixture
def moorage(capsys):
    """Run one command line in this process."""

    def moorage(*arguments):
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(int(status), captured.out, captured.err)

    return moorage


@pytest.fixture(scope="session")
def kept_folders(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def made(moorage, kept_folders, tmp_path):
    """Lets a command make something in a test's new data folder. The second time, what it made at first is copied."""

    def made(*arguments):
        home = tmp_path / "home"
        kept = kept_folders / f"{home.exists()} {' '.join(arguments)}".replace("/", "_")
        if kept.exists():
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(kept, home)
        else:
            outcome = moorage(*arguments)
            assert outcome.status == 0, outcome.err
            shutil.copytree(home, kept)

    return made
