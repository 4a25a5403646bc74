"""The numbers of several workers, in the memory that they share."""

import asyncio

from moorage.metrics import shared
from moorage.metrics.numbers import Numbers, Times, decoded, encoded, together
from moorage.metrics.service import Metrics
from moorage.metrics.shared import Places
from tests.metrics.scraped import number, samples_of


class Has:
    """A process, or readings, with some numbers."""

    def __init__(self, calls=0.0, lag=0.0):
        self.calls, self.lag = calls, lag

    def numbers(self):
        times = Times()
        times.add([self.calls])
        gauges = {("moorage_outbox_lag_seconds",): self.lag, ("moorage_open_connections",): 1.0}
        return Numbers(
            {("moorage_answers_total",): self.calls}, gauges, {("moorage_app_duration_seconds", "a"): times}
        )

    async def look(self):
        return {}


def text(metrics):
    return samples_of(asyncio.run(metrics.text()))


def test_whoever_is_asked_gives_the_sums_of_all():
    places, processes = Places(3), [Has(1, 5), Has(2, 7), Has(4)]
    workers = [Metrics(places.of(n), process, Has()) for n, process in enumerate(processes)]
    for worker in workers:
        worker.publish()
    for worker in workers:
        seen = text(worker)
        assert number(seen, "moorage_answers_total") == 7
        assert number(seen, "moorage_open_connections") == 3
        assert number(seen, "moorage_outbox_lag_seconds") == 7
        assert number(seen, "moorage_app_duration_seconds_count", app="a") == 3


def test_a_sum_never_falls_from_one_worker_to_the_next():
    """Each answer is followed by one of another worker, which has not heard of the newest calls by itself."""
    places, processes = Places(2), [Has(), Has()]
    workers = [Metrics(places.of(n), process, Has()) for n, process in enumerate(processes)]
    last = 0
    for step in range(6):
        processes[step % 2].calls += 3
        seen = number(text(workers[step % 2]), "moorage_answers_total")
        assert seen == last + 3
        last = seen


def test_a_worker_that_follows_another_goes_on_with_its_sums():
    places = Places(2)
    killed = Metrics(places.of(0), Has(10), Has())
    other = Metrics(places.of(1), Has(1), Has())
    killed.publish()
    follower = Metrics(places.of(0), Has(2), Has())
    assert number(text(other), "moorage_answers_total") == 11
    seen = text(follower)
    assert number(seen, "moorage_answers_total") == 13
    assert number(seen, "moorage_open_connections") == 2  # No gauge of the killed one is left.


def test_a_writer_that_is_killed_leaves_what_it_wrote_before():
    places = Places(2)
    writer, reader = places.of(0), places.of(1)
    assert reader.others() == []
    assert writer.write(b"first") and writer.write(b"second")
    start = writer._start(0, 1)  # Where the third would begin.
    places._memory[start : start + 20] = b"x" * 20
    assert reader.others() == [b"second"] and places.of(0).left() == b"second"
    assert writer.write(b"third") and reader.others() == [b"third"]


def test_what_is_too_long_leaves_the_last_one(monkeypatch):
    writer, reader = (places := Places(2)).of(0), places.of(1)
    assert writer.write(b"short") and not writer.write(b"x" * shared._ROOM)
    assert reader.others() == [b"short"]


def test_numbers_are_the_same_after_they_were_passed_on():
    numbers = Has(3, 2).numbers()
    assert decoded(encoded(numbers)) == numbers
    assert together([numbers]) == numbers
