"""What a body that is being collected costs, and that all of them together have an end."""

import sys
import tracemalloc

import pytest

from moorage.http.bodies import SMALL, Allowance, Body, Budget
from moorage.http.errors import TooBusy


def test_a_body_in_very_small_parts_costs_little_more_than_its_bytes():
    tracemalloc.start()
    body = Body(Allowance(1 << 30, Budget(1 << 30)))
    for number in range(200_000):
        body.add(b"%02d" % (number % 100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert body.whole()[:6] == b"000102" and len(body.whole()) == body.size == 400_000
    assert peak < 3 * body.size  # The bytes, and the place to which they move when they grow.


def test_a_body_in_one_part_is_not_copied():
    part = b"x" * 100_000
    body = Body(Allowance(1 << 30, Budget(1 << 30)))
    body.add(part)
    assert body.whole() is part


def test_a_body_counts_for_as_long_as_it_exists():
    budget, other = Budget(1 << 20), Budget(1 << 20)
    body = Body(Allowance(1 << 20, budget))
    body.add(b"a" * 30_000)
    body.add(b"b" * 10_000)
    body.whole()
    assert budget.held == 40_000
    body.move(Allowance(40_000, other))
    assert (budget.held, other.held) == (0, 40_000)
    assert sys.getrefcount(body) == 2
    del body
    assert other.held == 0


def test_beyond_the_budget_only_small_bodies_are_taken():
    budget = Budget(100_000)
    first, second, third = (Body(Allowance(1 << 20, budget)) for _ in range(3))
    first.add(b"a" * 90_000)
    second.add(b"a" * SMALL)
    with pytest.raises(TooBusy):
        second.add(b"a")
    with pytest.raises(TooBusy):
        third.add(b"a" * (SMALL + 1))
    assert budget.held == 90_000 + SMALL and second.size == SMALL
    del first
    second.add(b"a")
