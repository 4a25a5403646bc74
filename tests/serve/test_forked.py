import subprocess
import sys
from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc to see processes")


def run(program):
    """Runs in a new process, because a fork of a process with threads, such as the process of a test, is not safe."""
    head = "import asyncio, os, signal, sys, time\nfrom moorage.serve.forked import apart\n"
    return subprocess.run(
        [sys.executable, "-c", head + program], capture_output=True, text=True, check=False, timeout=30
    )


def test_it_gives_the_result_and_keeps_nothing_else():
    done = run("""
async def work(text):
    import alembic
    return text.upper()
print(apart(work, "done"), "alembic" in sys.modules)
""")
    assert (done.stdout, done.stderr) == ("DONE False\n", "")


def test_it_raises_what_the_work_raises_with_its_advice():
    done = run("""
from moorage.errors import SettingsInvalid
async def work():
    raise SettingsInvalid("it is wrong", help="Right it.")
try:
    apart(work)
except SettingsInvalid as error:
    print(error.message, error.help)
""")
    assert (done.stdout, done.stderr) == ("it is wrong Right it.\n", "")


def test_an_error_that_words_itself_arrives_as_it_was():
    done = run("""
from moorage.oauth.errors import RefreshLimited
from moorage.vault.errors import VaultLocked
for error in (RefreshLimited("c1", 7.5), VaultLocked()):
    async def work():
        raise error
    try:
        apart(work)
    except type(error) as raised:
        print(raised.message == error.message == str(raised), raised.help == error.help, vars(raised) == vars(error))
""")
    assert (done.stdout, done.stderr) == ("True True True\n" * 2, "")


def test_a_death_without_a_word_has_a_name():
    done = run("""
from moorage.serve.errors import WorkerFailed
async def work():
    os.kill(os.getpid(), signal.SIGKILL)
try:
    apart(work)
except WorkerFailed as error:
    print(error.message)
""")
    assert "without a message" in done.stdout


@needs_proc
def test_the_work_ends_with_the_process_that_waits_for_it():
    done = run("""
async def work():
    print(os.getpid(), flush=True)
    os.kill(os.getppid(), signal.SIGKILL)
    await asyncio.sleep(3600)
apart(work)
""")
    # Both hold the pipe to us, so that `run` came back says that both have ended.
    assert done.returncode < 0
    assert not Path(f"/proc/{int(done.stdout)}/exe").exists()
