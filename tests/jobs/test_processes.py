"""Several processes do the jobs of one database, and one of them is killed."""

import asyncio
import os
import subprocess
import sys

import pytest

from benchmarks.jobs import drain
from moorage.jobs import owners
from moorage.jobs.service import Jobs


@pytest.mark.parametrize(("kill", "workers"), [(True, 3), (False, 2)])
def test_each_job_is_done_once_whoever_is_killed(control_url, kill, workers):
    drained = asyncio.run(drain(control_url, count=160, workers=workers, kill=kill))
    assert (drained.done, drained.notes) == (160, 160)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says when a process began")
def test_the_jobs_of_a_process_that_has_ended_are_due_at_once_and_those_of_others_are_not(scene, monkeypatch):
    process = subprocess.Popen(["sleep", "60"])

    async def act(place):
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: process.pid)
            other = Jobs(place.database)
        await place.put("slow", 1)
        [held] = await other.claim({"slow"}, 8)
        before = await place.jobs.claim({"slow"}, 8)
        process.kill()  # Nobody takes note of its end yet, so it is still among the processes of the machine.
        await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        [taken] = await place.jobs.claim({"slow"}, 8)
        process.wait()
        again = await place.jobs.claim({"slow"}, 8)
        return before, held.attempt, (taken.attempt, taken.failures), again, await other.extend([held])

    assert scene(act) == ([], 1, (2, 1), [], set())


def test_who_has_a_name_of_another_machine_or_of_none_has_not_ended():
    own = owners.name_of(os.getpid())
    assert not owners.has_ended(own)
    for name in ("", "host:123", f"other{own}", own.rpartition("/")[0]):
        assert not owners.has_ended(name), name
    machine, _, begun = own.rpartition("/")
    if sys.platform == "linux":
        assert owners.has_ended(f"{machine}/{int(begun) + 1}")  # The number is another process's now.
