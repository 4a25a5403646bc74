from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.clock import FrozenClock
from moorage.keys.limits import RateLimiter
from tests.control import Caller, Control

START = datetime(2026, 2, 7, tzinfo=UTC)


@pytest.fixture
def limited(tmp_path):
    """Two requests a second, four at once."""
    with closing(Control(tmp_path / "home", {"MOORAGE_RATE_LIMIT": "2"})) as control:
        yield control


def test_a_burst_is_answered_and_the_next_one_is_told_when_to_come_back(limited):
    owner = Caller(limited, "owner")
    assert [owner.get("/connections").status for _ in range(4)] == [200] * 4
    answer = owner.get("/connections")
    assert (answer.status, answer.code) == (429, "rate_limited")
    assert answer.json["error"]["type"] == "rate_limit"
    assert answer.headers["retry-after"] == "1"
    limited.clock.advance(0.5)
    assert owner.get("/connections").status == 200
    assert owner.get("/connections").status == 429


def test_waiting_as_long_as_it_says_is_long_enough(limited):
    owner = Caller(limited, "owner")
    for _ in range(3):
        while (answer := owner.get("/connections")).status == 200:
            pass
        limited.clock.advance(int(answer.headers["retry-after"]))
        assert owner.get("/connections").status == 200


def test_each_account_has_its_own_limit_and_all_keys_of_one_share_it(limited):
    owner, stranger = Caller(limited, "owner"), Caller(limited, "stranger")
    _, second = limited.run(limited.rooms.keys.create(owner.account, "second"))
    for _ in range(2):
        assert owner.get("/connections").status == 200
        assert limited.call("GET", "/connections", key=second).status == 200
    assert owner.get("/connections").status == 429
    assert limited.call("GET", "/connections", key=second).status == 429
    assert stranger.get("/connections").status == 200


def test_health_and_the_connect_page_are_not_counted(limited):
    owner = Caller(limited, "owner")
    for _ in range(10):
        limited.call("GET", "/healthz")
        limited.call("GET", "/connect/")
        assert limited.call("GET", "/connections").status == 401
    assert owner.get("/connections").status == 200


def test_without_a_limit_nothing_is_counted(control, owner):
    assert {owner.get("/connections").status for _ in range(60)} == {200}


@given(st.floats(0.001, 1000), st.lists(st.floats(0, 5), max_size=40))
def test_no_more_pass_than_the_burst_and_the_rate_allow(rate, pauses):
    clock = FrozenClock(START)
    limiter = RateLimiter(rate, clock)
    passed = 0
    for pause in pauses:
        clock.advance(pause)
        wait = limiter.take("account")
        passed += wait is None
        assert wait is None or 0 < wait <= 1 / rate + 1e-6
    assert passed <= max(1.0, 2 * rate) + rate * sum(pauses) + 1e-6


def test_a_clock_that_was_set_back_locks_nobody_out():
    clock = FrozenClock(START)
    limiter = RateLimiter(1, clock)
    limiter.take("account")
    clock.advance(-3600)
    assert limiter.take("account") is None
    assert limiter.take("account") == 1
