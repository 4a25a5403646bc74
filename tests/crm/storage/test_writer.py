"""All jobs that wait are committed as one group."""

import asyncio
import os
import sys
import threading
import weakref

import pytest

from tests.waiting import wait_until


def in_one_group(here, job, count):
    """Run a job several times. All of these jobs wait, because another job is held up."""
    ready = threading.Event()

    async def run():
        first = here.store.write(lambda _: ready.wait(10))
        waiting = [here.store.write(job) for _ in range(count)]
        ready.set()
        return await asyncio.gather(first, *waiting)

    return asyncio.run(run())[1:]


def test_a_group_writes_its_full_text_once(here, heard):
    leads = here.module("Leads")

    def insert(transaction):
        (record,) = transaction.new_ids(1)
        transaction.insert(leads, [here.row("Leads", record, Last_Name="Smith")])

    heard.clear()
    in_one_group(here, insert, 20)
    assert len([sql for sql in heard if leads.text_table in sql]) <= 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority of their own")
def test_the_writer_steps_behind_whoever_reads(here):
    def priority():
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = priority()
    assert here.write(lambda _: priority()) > before
    assert priority() == before


class Body:
    """What a request brings, and its job needs."""


@pytest.mark.parametrize("fails", [False, True])
def test_a_finished_job_is_not_held_until_the_next_one(here, fails):
    body = Body()
    released = threading.Event()
    weakref.finalize(body, released.set)

    def job(_transaction, body=body):
        if fails:
            raise LookupError(body)
        return 1

    async def write(jobs):
        try:
            return await here.store.write(jobs.pop())
        except LookupError:
            return 1

    jobs = [job]
    del job, body
    assert asyncio.run(write(jobs)) == 1
    wait_until(released.is_set)


def test_what_need_not_last_by_itself_waits_for_no_disk(here):
    def flushing(transaction):
        return transaction.connection.execute("PRAGMA synchronous").get

    assert [here.write(flushing, lasting=lasting) for lasting in (False, True)] == [1, 2]
    ready = threading.Event()

    async def together():
        held = here.store.write(lambda _: ready.wait(10), lasting=False)
        waiting = [here.store.write(flushing, lasting=lasting) for lasting in (False, True)]
        ready.set()
        return await asyncio.gather(held, *waiting)

    assert asyncio.run(together())[1:] == [2, 2]
