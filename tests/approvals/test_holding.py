from dataclasses import replace

import pytest

from moorage.approvals import service
from moorage.approvals.errors import (
    AnswerGone,
    ApprovalDecided,
    ApprovalsFull,
    ApprovalUnknown,
    ApprovalWaiting,
)
from moorage.approvals.model import Answer, Approval, Grant
from moorage.approvals.service import Decision, Limits
from moorage.policies.errors import ApprovalTooLarge
from tests.approvals.conftest import ANSWER, CALL, NO, YES, asked


def test_the_same_bytes_of_the_same_key_wait_once(scene):
    async def act(place):
        held = await place.hold()
        again = [
            await place.hold(replace(CALL, headers=[*CALL.headers, (b"X-Request-Id", b"2")])),
            await place.hold(),
        ]
        others = [
            await place.hold(key_id="another"),
            await place.hold(connection_id="c2"),
            await place.hold(replace(CALL, body=b"{}")),
            await place.hold(replace(CALL, native=b"/crm/v8/Leads?ids=1")),
            await place.hold(replace(CALL, headers=[(b"X-EXTERNAL", b"Leads.Ref")])),
        ]
        return held, again, others

    held, again, others = scene(act)
    assert {each.id for each in again} == {held.id}
    assert held.id not in {each.id for each in others}
    assert len({each.id for each in others}) == len(others)


def test_a_call_expires_and_then_the_same_one_waits_anew(scene):
    async def act(place):
        held = await place.hold()
        place.clock.advance(899)
        early = await place.state(held)
        place.clock.advance(1)
        late = await place.state(held)
        with pytest.raises(ApprovalDecided, match="expired"):
            await place.approvals.decide("team", held.id, YES)
        with pytest.raises(AnswerGone, match="expired"):
            await place.approvals.answer("team", held.id)
        listed = [
            len(await place.approvals.search("team", None, [state])) for state in ("waiting", "expired")
        ]
        await place.sending.sweep()
        return early, late, listed, await place.sealed(), (await place.hold()).id != held.id

    assert scene(act) == ("waiting", "expired", [0, 1], [], True)


def test_what_is_longer_than_the_limit_does_not_wait(scene):
    async def act(place):
        await place.hold(replace(CALL, body=b"x" * 10))
        with pytest.raises(ApprovalTooLarge, match="10 bytes"):
            await place.hold(replace(CALL, body=b"x" * 11))
        return await place.sealed()

    assert scene(act, limits=Limits(body=10)) == ["call"]


def test_only_so_many_calls_of_a_key_and_of_an_account_wait(scene, monkeypatch):
    monkeypatch.setattr(service, "MOST_OF_KEY", 2)
    monkeypatch.setattr(service, "MOST_OF_ACCOUNT", 3)

    async def act(place):
        calls = [replace(CALL, body=b"%d" % number) for number in range(4)]
        first, _ = await place.hold(calls[0]), await place.hold(calls[1])
        with pytest.raises(ApprovalsFull, match="2 calls of this key") as of_key:
            await place.hold(calls[2])
        await place.hold(calls[2], key_id="second")
        with pytest.raises(ApprovalsFull, match="3 calls of this account"):
            await place.hold(calls[3], key_id="third")
        await place.hold(calls[3], key_id="third", account_id="others")
        assert (await place.hold(calls[0])).id == first.id
        await place.approvals.cancel("team", first.id, "agent")
        await place.hold(calls[3])
        return of_key.value.retry_after

    assert scene(act) == 900


def test_nobody_sees_the_call_of_another_account_or_key(scene):
    async def act(place):
        held = await place.hold()
        approvals = place.approvals
        for refused in (
            lambda: approvals.get("others", held.id),
            lambda: approvals.get("team", held.id, "another"),
            lambda: approvals.get("team", "absent"),
            lambda: approvals.cancel("team", held.id, "another"),
            lambda: approvals.answer("others", held.id),
            lambda: approvals.decide("others", held.id, YES),
        ):
            with pytest.raises(ApprovalUnknown):
                await refused()
        assert await approvals.search("others") == []
        assert await approvals.search("team", "another") == []
        return await place.state(held), len(await approvals.search("team", "agent"))

    assert scene(act) == ("waiting", 1)


def test_a_call_is_decided_once(scene):
    async def act(place):
        held = await place.decided(NO)
        for again in (YES, NO):
            with pytest.raises(ApprovalDecided, match="declined"):
                await place.approvals.decide("team", held.id, again)
        with pytest.raises(ApprovalDecided):
            await place.approvals.cancel("team", held.id, "agent")
        await place.sending.send(held.id)
        known = await place.approvals.get("team", held.id)
        with pytest.raises(AnswerGone, match=r"declined. Not today."):
            await place.approvals.answer("team", held.id)
        return known.state, known.decided_by, known.note, await place.sealed(), place.sender.sent

    assert scene(act) == ("declined", "Ada", "Not today.", [], [])


def test_the_answer_is_kept_for_a_day_and_who_only_tries_again_gets_it_once(scene):
    async def act(place):
        held = await place.hold()
        for _ in range(2):
            with pytest.raises(ApprovalWaiting):
                await place.approvals.answer("team", held.id)
            if await place.state(held) == "waiting":
                await place.approvals.decide("team", held.id, YES)
        await place.sending.send(held.id)
        tried_again = await place.hold()
        anew = await place.hold()
        fetched = await place.approvals.answer("team", held.id, "agent")
        place.clock.advance(24 * 3600)
        with pytest.raises(AnswerGone, match="not kept"):
            await place.approvals.answer("team", held.id)
        await place.sending.sweep()
        return tried_again, type(anew), fetched, await place.sealed()

    assert scene(act) == (ANSWER, Approval, ANSWER, [])


@pytest.mark.parametrize("tries_again", [True, False])
def test_an_answer_that_was_too_long_is_told_once_and_then_the_call_waits_anew(scene, tries_again):
    async def act(place):
        held = await place.hold()
        await place.approvals.decide("team", held.id, YES)
        place.sender.answer = Answer(200, [], b"", is_whole=False)
        await place.sending.send(held.id)
        with pytest.raises(AnswerGone, match="with 200, and with more than can be kept"):
            await (place.hold() if tries_again else place.approvals.answer("team", held.id))
        return (await place.hold()).id != held.id

    assert scene(act)


def test_an_answer_that_was_fetched_is_not_given_to_another_call(scene):
    async def act(place):
        held = await place.decided()
        await place.sending.send(held.id)
        await place.approvals.answer("team", held.id)
        return type(await place.hold())

    assert scene(act) is Approval


def test_a_grant_covers_the_same_operation_of_the_same_key_for_an_hour(scene):
    async def act(place):
        held = await place.decided(Decision("Ada", approves=True, an_hour=True))
        same_on_its_way = await place.hold()
        await place.sending.send(held.id)
        met = [
            await place.hold(),  # The answer of the one that was sent.
            await place.hold(),
            await place.hold(replace(CALL, native=b"/crm/v8/Leads?ids=3")),
        ]
        changes = ({"key_id": "b"}, {"connection_id": "c2"}, {"operation": "Merge"}, {"module": "Deals"})
        others = [await place.hold(**change) for change in changes]
        [grant] = await place.approvals.grants("team", "agent")
        with pytest.raises(ApprovalUnknown):
            await place.approvals.end_grant("others", grant.id)
        place.clock.advance(3600)
        late = await place.hold()
        return held.id == same_on_its_way.id, [type(each) for each in met], others, type(late)

    same, met, others, late = scene(act)
    assert same
    assert met == [Answer, Grant, Grant]
    assert {type(each) for each in others} == {Approval}
    assert late is Approval


def test_a_grant_can_be_ended(scene):
    async def act(place):
        held = await place.decided(Decision("Ada", approves=True, an_hour=True))
        await place.sending.send(held.id)
        [grant] = await place.approvals.grants("team")
        await place.approvals.end_grant("team", grant.id)
        with pytest.raises(ApprovalUnknown):
            await place.approvals.end_grant("team", grant.id)
        return await place.approvals.grants("team"), type(
            await place.hold(replace(CALL, native=b"/crm/v8/Leads?ids=3"))
        )

    assert scene(act) == ([], Approval)


def test_the_bytes_are_sealed_and_shown_nowhere(scene):
    secret = replace(CALL, body=b"a-very-secret-name", headers=[(b"X-Token", b"hush-hush")])

    async def act(place):
        held = await place.hold(secret)
        async with place.database.reading() as tx:
            rows = [
                await tx.connection.exec_driver_sql(f"SELECT * FROM {name}")
                for name in ("approvals", "secrets")
            ]
        return repr(held) + repr(asked()) + repr(secret) + "".join(str(list(each)) for each in rows)

    text = scene(act)
    assert "secret-name" not in text
    assert "hush" not in text
