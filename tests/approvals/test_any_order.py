"""Whatever happens to a held call, in any order and in two processes, it is sent at most once."""

import asyncio
import contextlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.approvals.errors import ApprovalDecided
from moorage.approvals.sending import Unsent
from moorage.ids import new_uuid
from moorage.jobs import owners
from tests.approvals.conftest import NO, YES, Place, Sender
from tests.control import migrated

STEPS = ("approve", "decline", "cancel", "send", "send", "kill", "fail", "lose", "sweep", "wait", "restart")


class Killed(BaseException):
    """The process ends here: nothing that it still had to do is done."""


class Process(Place):
    """A process that may end. Its name is then that of one that has ended."""

    def __init__(self, url, sender, clock, number):
        super().__init__(url, sender, clock=clock)
        self._number = number
        self.end()

    def end(self):
        machine = owners.name_of(os.getpid()).rpartition("/")[0]
        # The number of this process, and the time at which another began that had the number before.
        self._number += 1000
        self.sending._own_name = f"{machine}/{self._number}"


async def step(name, process, held, app):
    app.trouble = {"kill": Killed(), "fail": Unsent("no route"), "lose": TimeoutError()}.get(name)
    match name:
        case "approve" | "decline":
            await process.approvals.decide("team", held.id, YES if name == "approve" else NO)
        case "cancel":
            await process.approvals.cancel("team", held.id, None)
        case "sweep":
            await process.sending.sweep()
        case "wait":
            process.clock.advance(400)
        case "restart":
            process.end()
        case _:
            await process.sending.send(held.id)


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """Two processes of one database, and what runs their coroutines."""
    path = tmp_path_factory.mktemp("order") / "moorage.db"
    migrated(path)

    async def begun():
        one = Process(f"sqlite:///{path}", Sender(), None, 1)
        await one.begin()
        return one, Process(f"sqlite:///{path}", one.sender, one.clock, 2)

    with asyncio.Runner() as runner:
        one, two = runner.run(begun())
        yield one, two, runner.run
        for process in (one, two):
            runner.run(process.database.close())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.booleans()), max_size=8), st.booleans())
def test_a_call_is_sent_at_most_once_and_never_unless_it_was_approved(processes, steps, begins_approved):
    one, two, run = processes
    app, key = one.sender, new_uuid()
    app.sent.clear()

    async def act():
        held = await one.hold(key_id=key)  # Each example has a key of its own.
        known = []
        for name, first in [("approve", True)] * begins_approved + steps:
            with contextlib.suppress(ApprovalDecided, Killed):
                await step(name, one if first else two, held, app)
            known.append(await one.state(held))
        one.clock.advance(2000)
        await two.sending.sweep()
        return [*known, await one.state(held)]

    states, sent = run(act()), len(app.sent)
    assert sent <= 1
    if sent:
        assert {"approved", "sent", "failed", "unknown", "sending"} & set(states)
        assert states[-1] in {"sent", "failed", "unknown"}
    else:
        assert states[-1] in {"declined", "expired", "cancelled"}
    ends = [state for state in states if state not in {"waiting", "approved", "sending"}]
    assert len(set(ends)) <= 1, "an end is the end"
