"""Budgets hold for all processes of a database together, and for all keys with the same purse."""

from math import ceil

import pytest

from moorage.policies import store
from moorage.policies.errors import BudgetExhausted
from moorage.policies.model import Budget
from moorage.policies.spending import Purses

HOUR = Budget("records", 10, 3600)


@pytest.fixture
def process(control):
    """Makes the purses of another process."""

    def make(*budgets, purse="p"):
        purses = Purses(control.rooms.database, control.clock)
        control.run(_load(control, purses, purse, budgets))
        return purses

    return make


def test_what_one_process_has_spent_the_others_know_after_they_have_settled(control, process):
    one, other = process(HOUR), process(HOUR)
    one.purse("p", [HOUR]).take(6)
    other.purse("p", [HOUR]).take(3)
    control.run(one.settle())
    control.run(other.settle())
    assert other.spent("p", HOUR) == 9
    with pytest.raises(BudgetExhausted):
        other.purse("p", [HOUR]).take(2)
    other.purse("p", [HOUR]).take(1)
    control.run(other.settle())
    assert process(HOUR).spent("p", HOUR) == 10, "a process that starts later knows it, too"


def test_a_new_span_begins_with_nothing_spent_in_every_process(control, process):
    one, other = process(HOUR), process(HOUR)
    one.purse("p", [HOUR]).take(10)
    control.run(one.settle())
    control.clock.advance(3600)
    other.purse("p", [HOUR]).take(4)
    control.run(other.settle())
    one.purse("p", [HOUR]).take(6)
    control.run(one.settle())
    assert one.spent("p", HOUR) == 10
    with pytest.raises(BudgetExhausted) as refused:
        one.purse("p", [HOUR]).take(1)
    assert 0 < refused.value.retry_after <= 3600
    assert f"It begins anew in {ceil(refused.value.retry_after)} seconds" in refused.value.help


def test_a_span_that_begins_while_the_last_one_is_settled_counts_for_itself(control, process, monkeypatch):
    purses = process(HOUR)
    purse, note_spent = purses.purse("p", [HOUR]), store.note_spent
    purse.take(6)

    async def noted_late(*arguments):
        await note_spent(*arguments)
        control.clock.advance(3600)
        purse.take(4)

    monkeypatch.setattr(store, "note_spent", noted_late)
    control.run(purses.settle())
    monkeypatch.undo()
    assert purses.spent("p", HOUR) == 4
    control.run(purses.settle())
    assert process(HOUR).spent("p", HOUR) == 4


def test_a_call_that_one_budget_refuses_counts_in_none(process):
    calls, purses = Budget("calls", 1, 60), process(HOUR)
    with pytest.raises(BudgetExhausted):
        purses.purse("p", [calls, HOUR]).take(11)
    assert (purses.spent("p", calls), purses.spent("p", HOUR)) == (0, 0)


def test_a_look_at_what_is_spent_hides_nothing_that_was_spent(control, process):
    """As when a policy with budgets is tried before it is the key's."""
    one, other = process(HOUR), process()
    one.purse("p", [HOUR]).take(10)
    control.run(one.settle())
    assert other.spent("p", HOUR) == 0, "not read yet"
    control.run(_load(control, other, "p", [HOUR]))
    assert other.spent("p", HOUR) == 10
    with pytest.raises(BudgetExhausted):
        other.purse("p", [HOUR]).take(1)


def test_nothing_is_written_if_nothing_was_spent(control, process):
    purses = process(HOUR)
    control.run(purses.settle())
    assert not control.run(_rows(control))


async def _load(control, purses, purse, budgets):
    async with control.rooms.database.reading() as tx:
        await purses.load(tx, purse, budgets)


async def _rows(control):
    async with control.rooms.database.reading() as tx:
        return await store.spent(tx, {"p"})
