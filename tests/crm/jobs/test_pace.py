"""A job works without pause for itself, and a tenth of the time while callers are answered."""

import asyncio

import pytest

from moorage.crm.jobs import pace
from moorage.http.traffic import TRAFFIC, Traffic
from tests.http.origin import GET, Origin, post


class Day:
    """Time that passes only by work and pauses, and the pauses of a job in it."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.pauses = []
        self.traffic = Traffic()
        monkeypatch.setattr(pace, "monotonic", lambda: self.now)
        monkeypatch.setattr(pace, "sleep", self.sleep)
        self.pace = pace.Pace(self.traffic)

    async def sleep(self, seconds):
        self.pauses.append(round(seconds, 6))
        self.now += seconds

    def work(self, seconds, answered):
        self.now += seconds
        self.traffic.answered += answered
        asyncio.run(self.pace.pause())


@pytest.fixture
def day(monkeypatch):
    return Day(monkeypatch)


def test_a_job_alone_makes_no_pause(day):
    for _ in range(5):
        day.work(0.2, answered=0)
    assert day.pauses == [0] * 5


def test_a_client_that_asks_how_far_its_job_is_slows_nothing(day):
    for _ in range(5):
        day.work(0.2, answered=3)
    assert day.pauses == [0] * 5


def test_beside_callers_a_job_works_a_tenth_of_the_time(day):
    for _ in range(5):
        day.work(0.2, answered=300)
    assert day.pauses == [1.8] * 5


def test_a_caller_who_is_slowed_down_by_short_steps_is_noticed(day):
    for _ in range(12):
        day.work(0.02, answered=1)
    assert max(day.pauses) == 0.18


def test_no_pause_is_longer_than_the_longest(day):
    day.work(5, answered=1000)
    assert day.pauses == [pace.LONGEST_PAUSE]


def test_a_job_goes_on_at_once_when_the_callers_have_gone(day):
    day.work(0.2, answered=30)
    day.work(0.2, answered=0)
    assert day.pauses == [1.8, 0]


def test_every_answer_of_a_process_counts():
    origin = Origin()
    try:
        before = TRAFFIC.answered
        with origin.connect() as caller:
            caller.send(GET % "/direct/a" + post("/asgi/b", "two") + GET % "/direct/c")
            for _ in range(3):
                caller.told()
        assert TRAFFIC.answered >= before + 3
    finally:
        origin.stop()
