import json
import os
from dataclasses import dataclass

import pytest

from moorage.cli.program import run
from tests.client.recorder import Recorder


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
    for name in (
        "MOORAGE_API_KEY_FILE",
        "MOORAGE_URL",
        "MOORAGE_PORT",
        "MOORAGE_CRM_PORT",
        "MOORAGE_PUBLIC_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOORAGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MOORAGE_API_KEY", "mk_test")
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def moorage(capsys):
    """Run one command line in this process."""

    def moorage(*arguments):
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(int(status), captured.out, captured.err)

    return moorage
