"""The live tail of the request log."""

import json

import pytest

from moorage.access import EVERYWHERE
from moorage.keys.errors import KeyInvalid
from moorage.requests import tail
from moorage.requests.errors import TailsExhausted
from moorage.requests.model import Names
from moorage.requests.service import EVERYTHING, Filter, within
from moorage.requests.store import LONGEST_BLOCK
from moorage.requests.tail import Listener, Tails
from tests.calls import add, log_call, noted


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    monkeypatch.setattr(tail, "PAUSE", 0)


@pytest.fixture
def tails(control):
    return Tails(control.rooms.requests, lambda: False)


async def may_go_on():
    return None


def listener(account, wanted=EVERYTHING, confirm=may_go_on):
    return Listener(account, "key", wanted, Names({}, {}), confirm)


async def first(events):
    """The ids of the first event with calls."""
    part = await anext(events)
    while not part.startswith(b"id: "):
        part = await anext(events)
    blocks = part.decode().strip().split("\n\n")
    return [json.loads(block.partition("data: ")[2])["request_id"] for block in blocks]


def test_it_shows_calls_from_now_on_or_from_where_it_ended(control, owner, stranger, tails):
    async def scene():
        events = tails.events(listener(owner.account), None)
        assert (await anext(events)).startswith(b":")
        await write(control, noted(stranger.account, request_id="r2"), noted(owner.account, request_id="r3"))
        assert await first(events) == ["r3"]
        await write(control, noted(owner.account, request_id="r4"))
        assert await first(events) == ["r4"]
        await events.aclose()
        [r3, _] = (await control.rooms.requests.after(owner.account, number, EVERYTHING))[0][-2:]
        assert await first(tails.events(listener(owner.account), r3.number)) == ["r4"]

    log_call(control, owner.account, request_id="r1")
    number = control.run(control.rooms.requests.newest())
    control.run(scene())


def test_it_goes_on_inside_the_longest_block(control, owner):
    requests = control.rooms.requests
    control.run(write(control, *[noted(owner.account)] * LONGEST_BLOCK))
    newest = control.run(requests.newest())
    for missed in (LONGEST_BLOCK - 1, 1, 0):
        calls, upto = control.run(requests.after(owner.account, newest - missed, EVERYTHING))
        assert (len(calls), upto) == (missed, newest)


async def write(control, *notes):
    for note in notes:
        add(control.rooms.request_notes, note)
    await control.rooms.request_writer.write()


def test_it_shows_only_what_was_asked_for(control, owner, tails):
    failed = Filter(lambda call: call.note.status >= 400)

    async def scene():
        events = tails.events(listener(owner.account, within(EVERYWHERE, failed)), 0)
        await write(
            control, noted(owner.account, request_id="r1"), noted(owner.account, request_id="r2", status=404)
        )
        assert await first(events) == ["r2"]

    control.run(scene())


def test_it_ends_with_the_key_and_with_the_server(control, owner):
    ends = []

    async def confirm():
        if ends:
            raise KeyInvalid

    async def scene(tails):
        events = tails.events(listener(owner.account, confirm=confirm), None)
        await anext(events)
        ends.append(True)
        return [await anext(events, None) for _ in range(2)]  # One that does not end would go on for ever.

    [end, after] = control.run(scene(Tails(control.rooms.requests, lambda: False)))
    assert end.startswith(b"event: end\n") and b"key_invalid" in end and after is None
    ends.clear()
    assert control.run(scene(Tails(control.rooms.requests, lambda: bool(ends)))) == [None, None]


def test_so_many_may_listen_and_the_next_is_told(control, owner, monkeypatch):
    monkeypatch.setattr(tail, "MOST", 1)
    tails = control.rooms.request_tails

    async def scene():
        events = tails.events(listener(owner.account), None)
        await anext(events)
        refused = await control.ask("GET", "/requests/tail", key=owner.key)
        await events.aclose()
        return refused, await control.ask("GET", "/requests/tail", key=owner.key)

    refused, answered = control.run(scene())
    assert (refused.status, refused.code) == (503, "tails_exhausted")
    assert (answered.status, answered.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def test_no_key_takes_the_places_of_all_others(control, owner):
    other = control.run(control.rooms.keys.first_account())
    tails = control.rooms.request_tails

    async def scene():
        one = Listener(other, "another", EVERYTHING, Names({}, {}), may_go_on)
        all_events = [tails.events(one, None) for _ in range(tail.MOST_OF_KEY)]
        for events in all_events:
            await anext(events)
        with pytest.raises(TailsExhausted, match="with this key"):
            tails.require_room("another")
        answered = await control.ask("GET", "/requests/tail", key=owner.key)
        for events in all_events:
            await events.aclose()
        tails.require_room("another")
        return answered

    assert control.run(scene()).status == 200


def test_a_place_that_is_none_is_refused(owner):
    refused = owner.call("GET", "/requests/tail", headers=[("Last-Event-ID", "x")])
    assert (refused.status, refused.code) == (400, "parameter_invalid") and "Last-Event-ID" in refused.json[
        "message"
    ]
    assert owner.get("/requests/tail?q=stat:1").code == "query_invalid"
