"""How often each key has called over the last day."""

import pytest

from moorage.access import EVERYWHERE, Reach
from moorage.requests import store
from moorage.requests.key_use import BUCKETS, STEP
from tests.calls import log_call, log_calls, noted


@pytest.fixture
def use(control, owner):
    """What is counted: the calls and errors of each key, and from when on."""

    def use(account=owner.account, reach=EVERYWHERE, longest=9.0):
        now = int(control.clock.timestamp() * 1_000_000) + 1_000_000
        found = control.run(control.rooms.request_key_uses.of(account, now, reach, longest=longest))
        counted = {}
        for (_, key), (calls, errors) in found.counts.items():
            before = counted.get(key, (0, 0))
            counted[key] = before[0] + calls, before[1] + errors
        return counted, found.counted_since == found.first * STEP * 1_000_000

    return use


def test_calls_and_errors_are_counted_by_key_and_only_once(control, owner, stranger, use):
    assert use() == ({}, True)
    log_calls(
        control, [noted(owner.account, key=key, status=status) for key, status in (("a", 200), ("b", 404))]
    )
    log_call(control, stranger.account, key="a")
    for _ in range(2):
        assert use() == ({"a": (1, 0), "b": (1, 1)}, True)
    log_call(control, owner.account, key="a", status=500)
    assert use() == ({"a": (2, 1), "b": (1, 1)}, True)
    assert use(stranger.account) == ({"a": (1, 0)}, True)


def test_a_look_without_time_counts_the_newest_and_the_next_one_goes_on(control, owner, use, monkeypatch):
    for key in "abc":
        log_call(control, owner.account, key=key)
    assert use(longest=-1) == ({"c": (1, 0)}, False)
    assert use(longest=-1) == ({"c": (1, 0), "b": (1, 0)}, False)
    log_call(control, owner.account, key="d")
    assert use() == (dict.fromkeys("abcd", (1, 0)), True)
    read = []
    monkeypatch.setattr(store, "newest", lambda *asked: read.append(asked) or iter(()))
    assert use() == (dict.fromkeys("abcd", (1, 0)), True)
    assert read == []  # Nothing that was counted is read again.


def test_calls_that_are_older_than_a_day_end_in_nothing(control, owner, use):
    log_call(control, owner.account, key="a")
    assert use() == ({"a": (1, 0)}, True)
    control.clock.advance(BUCKETS * STEP + 1)
    assert use() == ({}, True)


def test_a_key_sees_only_the_calls_that_it_may_use(control, owner, use):
    log_call(control, owner.account, key="a", environment="live", connection="x")
    log_call(control, owner.account, key="b")
    for _ in range(2):
        assert use(reach=Reach(embedded_only=True)) == ({"b": (1, 0)}, True)
        assert use() == ({"a": (1, 0), "b": (1, 0)}, True)


def test_the_api_gives_a_bar_for_each_half_hour(control, owner):
    [key] = owner.get("/keys").json["keys"]
    log_calls(control, [noted(owner.account, key=key["id"], status=status) for status in (200, 404)])
    [found] = owner.get("/requests/keys").json["use"]["keys"]
    assert (found["name"], found["calls"], found["errors"]) == ("owner", 2, 1)
    assert (len(found["buckets"]), sum(found["buckets"])) == (BUCKETS, 2)
    refused = owner.get("/requests/keys?milliseconds=0")
    assert (refused.status, refused.code) == (400, "parameter_invalid")
