"""A fork of the program that has imported Moorage is like a process that was started in the usual way."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests import forked

# What a process sees of how it was started, and then what it was told to do.
PROGRAM = """
import json, os, signal, sys
ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
files = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
seen = [sys.argv[1:], os.getcwd(), dict(os.environ), ignored, files, __name__, os.umask(0)]
print(json.dumps(seen), flush=True)
print(sys.stdin.readline().strip().upper(), file=sys.stderr)
if sys.argv[1:] == ["wait"]:
    signal.pause()
sys.exit(7)
"""
STREAMS = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


@pytest.fixture
def module(tmp_path):
    """The name of a module that both find in their working folder."""
    (tmp_path / "told.py").write_text(PROGRAM)
    return "told"


@pytest.mark.parametrize(("ignored", "umask"), [(False, 0o022), (True, 0o027)])
@pytest.mark.parametrize("kind", ["-m", "-c"])
def test_it_sees_and_says_what_the_other_one_does(module, tmp_path, kind, ignored, umask):
    program = module if kind == "-m" else PROGRAM
    kept = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    kept_umask = os.umask(umask)
    try:
        both = []
        for popen in (forked.popen, subprocess.Popen):
            environment = os.environ | {"MOORAGE_NAME": "ü"}
            how = STREAMS | {"cwd": tmp_path, "env": environment}
            with popen([sys.executable, kind, program, "a", "b c"], **how) as process:
                out, err = process.communicate("typed\n", timeout=60)
            both.append((type(process), process.returncode, json.loads(out), err))
    finally:
        signal.signal(signal.SIGHUP, kept)
        os.umask(kept_umask)
    (popen, *ours), (_, *theirs) = both
    assert popen is forked.Forked and ours == theirs
    assert ours[0] == 7 and ours[1][3] == ignored and ours[2] == "TYPED\n"
    assert ours[1][-1] == umask


def test_it_can_be_waited_for_and_killed(module, tmp_path):
    with forked.popen([sys.executable, "-m", module, "wait"], cwd=tmp_path, **STREAMS) as process:
        assert process.stdout.readline() and process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.kill()
        assert process.wait(60) == -signal.SIGKILL == process.poll()


@pytest.mark.parametrize("is_given", [False, True])
def test_what_a_fork_can_not_be_is_started_in_the_usual_way(module, tmp_path, monkeypatch, is_given):
    how = STREAMS | {"cwd": tmp_path}
    if is_given:
        how["env"] = os.environ | {"PYTHONHASHSEED": "1"}
    else:
        monkeypatch.setenv("PYTHONHASHSEED", "1")
    with forked.popen([sys.executable, "-m", module], **how) as process:
        assert type(process) is subprocess.Popen
        assert process.communicate("x\n", timeout=60)[1] == "X\n"
