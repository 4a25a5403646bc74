import asyncio
import signal
import sys
from dataclasses import replace

import pytest

from moorage.approvals import sending
from moorage.approvals.errors import AnswerGone
from moorage.approvals.sending import Unsent
from moorage.approvals.store import approvals
from moorage.errors import MoorageError
from moorage.gateway.errors import UpstreamTimeout
from moorage.keys.errors import KeyInvalid
from moorage.storage.errors import DatabaseUnusable
from tests import forked
from tests.approvals.conftest import CALL, NO, Sender, opened


def test_exactly_the_held_bytes_are_sent_once(scene):
    call = replace(CALL, method="POST", native=b"/crm/v8/Leads?a=%20b", body=bytes(range(256)))

    async def act(place):
        held = await place.decided(call=call)
        for _ in range(3):
            await place.sending.send(held.id)
        return held.id, place.sender.sent, await place.sealed()

    held, sent, kinds = scene(act)
    assert sent == [(held, "POST", b"/crm/v8/Leads?a=%20b", bytes(range(256)))]
    assert kinds == ["answer"]


def test_what_was_not_approved_is_not_sent(scene):
    async def act(place):
        waiting = await place.hold()
        cancelled = await place.hold(key_id="b")
        await place.approvals.cancel("team", cancelled.id, "b")
        for each in (waiting, cancelled):
            await place.sending.send(each.id)
        await place.sending.send("absent")
        return place.sender.sent

    assert scene(act) == []


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (Unsent("no route"), "failed"),
        (UpstreamTimeout("The app did not answer."), "unknown"),
        (RuntimeError("anything"), "unknown"),
    ],
)
def test_how_a_sending_ended_is_told_and_it_is_not_repeated(scene, trouble, state):
    async def act(place):
        place.sender.trouble = trouble
        held = await place.decided()
        for _ in range(2):
            await place.sending.send(held.id)
        with pytest.raises(AnswerGone, match=state):
            await place.approvals.answer("team", held.id)
        return await place.state(held), len(place.sender.sent), await place.sealed()

    assert scene(act) == (state, 1, [])


def test_a_call_whose_key_was_revoked_meanwhile_is_declined(scene):
    async def act(place):
        place.sender.refusal = KeyInvalid()
        held = await place.decided()
        await place.sending.send(held.id)
        place.sender.refusal = None
        await place.sending.send(held.id)
        known = await place.approvals.get("team", held.id)
        return known.state, "its API key was revoked" in known.note, place.sender.sent

    assert scene(act) == ("declined", True, [])


def test_trouble_that_may_pass_lets_the_job_try_again_before_anything_was_sent(scene):
    async def act(place):
        held = await place.decided()
        place.sender.refusal = DatabaseUnusable("No disk.", help="", kind="other")
        with pytest.raises(MoorageError):
            await place.sending.send(held.id)
        between = await place.state(held)
        place.sender.refusal = None
        await place.sending.send(held.id)
        return between, await place.state(held), len(place.sender.sent)

    assert scene(act) == ("approved", "sent", 1)


def test_what_was_approved_long_ago_is_not_sent_any_more(scene):
    async def act(place):
        held = await place.decided()
        place.clock.advance(sending.SOON)
        await place.sending.send(held.id)
        between = place.sender.sent[:]
        await place.sending.sweep()
        return between, await place.state(held)

    assert scene(act) == ([], "expired")


def test_a_row_whose_bytes_are_those_of_another_call_is_not_sent(scene):
    async def act(place):
        held = await place.decided()
        async with place.database.transaction() as tx:
            await tx.connection.execute(approvals.update().values(digest=b"other"))
        await place.sending.send(held.id)
        return await place.state(held), place.sender.sent

    assert scene(act) == ("declined", [])


def test_two_processes_that_send_at_once_send_once(scene, control_url):
    async def act(place):
        held = await place.decided()
        async with opened(control_url, sender=place.sender, clock=place.clock) as other:
            await asyncio.gather(*(each.sending.send(held.id) for each in (place, other, place, other)))
        return len(place.sender.sent), await place.state(held)

    assert scene(act) == (1, "sent")


_KILLED = """
import asyncio, os, signal, sys
from tests.approvals.conftest import Place

class Killing:
    async def prepare(self, approval, call):
        async def ready():
            os.kill(os.getpid(), signal.SIGKILL)
        return ready

async def main():
    place = Place(sys.argv[1], sender=Killing())
    await place.sending.send(sys.argv[2])

asyncio.run(main())
"""


@pytest.mark.parametrize("control_url", ["sqlite"], indirect=True)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says when a process began")
def test_a_call_whose_process_is_killed_while_it_sends_is_unknown_and_never_sent_again(scene, control_url):
    async def act(place):
        held = await place.decided()
        killed = await asyncio.to_thread(forked.run, [sys.executable, "-c", _KILLED, control_url, held.id])
        between = await place.state(held)
        for _ in range(2):
            await place.sending.send(held.id)
            await place.sending.sweep()
        return killed.returncode, between, await place.state(held), place.sender.sent, await place.sealed()

    assert scene(act) == (-signal.SIGKILL, "sending", "unknown", [], [])


def test_a_sending_that_is_broken_off_is_unknown(scene):
    begun = asyncio.Event()

    class Slow(Sender):
        async def prepare(self, approval, call):
            async def ready():
                begun.set()
                await asyncio.Event().wait()

            return ready

    async def act(place):
        held = await place.decided()
        task = asyncio.create_task(place.sending.send(held.id))
        await begun.wait()
        await place.sending.sweep()  # A sending of a process that lives is not given up.
        between = await place.state(held)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return between, await place.state(held)

    assert scene(act, sender=Slow()) == ("sending", "unknown")


def test_who_sends_knows_better_than_who_gave_it_up(scene):
    async def act(place):
        held = await place.decided()
        inner = place.sender.prepare

        async def prepare(approval, call):
            ready = await inner(approval, call)

            async def slow():
                place.clock.advance(sending.LOST + 1)
                await place.sending.sweep()
                assert await place.state(held) == "unknown"
                return await ready()

            return slow

        place.sender.prepare = prepare
        await place.sending.send(held.id)
        return await place.state(held), len(place.sender.sent)

    assert scene(act) == ("sent", 1)


def test_old_calls_are_forgotten(scene):
    async def act(place):
        held = await place.decided()
        await place.sending.send(held.id)
        place.clock.advance(sending.KEPT_CALL)
        await place.sending.sweep()
        return await place.approvals.search("team"), await place.sealed()

    assert scene(act) == ([], [])


def test_the_audit_has_each_step(scene):
    async def act(place):
        held = await place.decided()
        await place.sending.send(held.id)
        declined = await place.decided(NO, key_id="b")
        await place.hold(key_id="c")
        place.clock.advance(900)
        await place.sending.sweep()
        async with place.database.reading() as tx:
            rows = await tx.connection.exec_driver_sql(
                "SELECT action, subject, actor_kind FROM audit_entries ORDER BY number"
            )
            return held.id, declined.id, [tuple(row) for row in rows]

    sent, declined, entries = scene(act)
    assert [(action, kind) for action, subject, kind in entries if subject == sent] == [
        ("approval.held", "key"),
        ("approval.approved", "server"),
        ("approval.sent", "server"),
    ]
    assert [action for action, subject, _ in entries if subject == declined] == [
        "approval.held",
        "approval.declined",
    ]
    assert entries[-1][0] == "approval.expired"
