"""Repeats of held calls that come with an Idempotency-Key."""

from dataclasses import replace

import pytest

from moorage.approvals.errors import AnswerGone
from moorage.approvals.model import Grant
from moorage.approvals.service import Decision
from moorage.idempotency.errors import IdempotencyKeyInvalid, IdempotencyKeyReused
from tests.approvals.conftest import ANSWER, CALL, NO, YES, asked


def repeat(place, call=CALL, name=b"try-1", **changes):
    return place.approvals.meet(asked(**changes), call, name)


def test_the_same_call_is_the_same_for_a_day_whatever_became_of_it(scene):
    async def act(place):
        held = await repeat(place)
        waiting = await repeat(place)
        await place.approvals.decide("team", held.id, YES)
        await place.sending.send(held.id)
        answers = [await repeat(place) for _ in range(3)]
        declined = await repeat(place, name=b"try-2")
        await place.approvals.decide("team", declined.id, NO)
        again = await repeat(place, name=b"try-2")
        place.clock.advance(24 * 3600)
        late = await repeat(place)
        return (
            held.id == waiting.id,
            answers,
            declined.id == again.id,
            again.state,
            late.id not in {held.id, again.id},
            place.sender.sent,
        )

    same, answers, same_declined, state, is_new, sent = scene(act)
    assert (same, same_declined, state, is_new) == (True, True, "declined", True)
    assert answers == [ANSWER] * 3
    assert len(sent) == 1


def test_another_call_under_the_same_name_is_refused(scene):
    async def act(place):
        held = await repeat(place)
        for call in (
            replace(CALL, body=b"other"),
            replace(CALL, native=b"/other"),
            replace(CALL, method="PUT"),
        ):
            with pytest.raises(IdempotencyKeyReused):
                await repeat(place, call)
        other_key = await repeat(place, replace(CALL, body=b"other"), key_id="b")
        return other_key.id != held.id

    assert scene(act)


@pytest.mark.parametrize("name", [b"", b"  ", b"a" * 256, "é".encode(), b"a\tb"])
def test_what_is_no_name_is_refused_and_nothing_is_held(scene, name):
    async def act(place):
        with pytest.raises(IdempotencyKeyInvalid):
            await place.approvals.meet(asked(), CALL, name)
        return await place.approvals.search("team")

    assert scene(act) == []


def test_a_repeat_is_no_new_call_of_a_grant(scene):
    async def act(place):
        held = await repeat(place)
        await place.approvals.decide("team", held.id, Decision("Ada", approves=True, an_hour=True))
        await place.sending.send(held.id)
        return (
            [await repeat(place) for _ in range(2)],
            type(await repeat(place, name=None)),
            len(place.sender.sent),
        )

    assert scene(act) == ([ANSWER] * 2, Grant, 1)


def test_the_answer_is_gone_after_a_day_and_the_call_is_not_made_again(scene):
    async def act(place):
        held = await repeat(place)
        place.clock.advance(800)
        await place.approvals.decide("team", held.id, YES)
        await place.sending.send(held.id)
        async with place.database.transaction() as tx:
            await tx.connection.exec_driver_sql("DELETE FROM secrets")
        with pytest.raises(AnswerGone):
            await repeat(place)
        return len(place.sender.sent)

    assert scene(act) == 1
