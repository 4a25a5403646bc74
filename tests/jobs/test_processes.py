"""Several processes do the jobs of one database, and one of them is killed."""

import asyncio

import pytest

from benchmarks.jobs import drain


@pytest.mark.parametrize(("kill", "workers"), [(True, 3), (False, 2)])
def test_each_job_is_done_once_whoever_is_killed(control_url, kill, workers):
    drained = asyncio.run(drain(control_url, count=160, workers=workers, kill=kill))
    assert (drained.done, drained.notes) == (160, 160)
