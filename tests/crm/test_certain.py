"""A call that asks the store nothing is confirmed by it, and begins again if the metadata have changed."""

import asyncio
from types import SimpleNamespace

import pytest

from moorage.crm.faults import Fault, invalid_url
from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.certain import certain


class Store:
    def __init__(self, *, is_outdated=False) -> None:
        self.is_outdated = is_outdated
        self.confirmed = 0

    async def confirm(self):
        self.confirmed += 1
        if self.is_outdated:
            raise StoreClosed

    async def write(self):
        return answer({})


def call_of(store):
    return Call(None, SimpleNamespace(store=store), None, {}, {}, 0.0, None)


def without_store(_call):
    return answer({})


async def without_store_later(_call):
    return answer({})


def refused(_call):
    raise invalid_url()


async def refused_later(_call):
    raise invalid_url()


async def refused_after_a_write(call):
    await call.store.write()
    raise invalid_url()


def run(work, store):
    return asyncio.run(certain(call_of(store), work))


@pytest.mark.parametrize("work", [without_store, without_store_later])
def test_an_answer_from_metadata_alone_is_confirmed(work):
    store = Store()
    assert run(work, store).status == 200
    assert store.confirmed == 1


@pytest.mark.parametrize("work", [refused, refused_later])
def test_a_fault_that_was_found_before_the_store_was_asked_is_confirmed(work):
    store = Store()
    with pytest.raises(Fault):
        run(work, store)
    assert store.confirmed == 1


@pytest.mark.parametrize("work", [without_store, without_store_later, refused, refused_later])
def test_the_call_begins_again_if_the_metadata_have_changed(work):
    with pytest.raises(StoreClosed):
        run(work, Store(is_outdated=True))


def test_what_the_store_has_answered_needs_no_confirmation():
    store = Store(is_outdated=True)
    assert run(lambda call: call.store.write(), store).status == 200
    assert store.confirmed == 0


def test_a_call_that_has_written_never_begins_again():
    with pytest.raises(Fault):
        run(refused_after_a_write, Store(is_outdated=True))


def test_a_store_that_always_knows_is_not_asked_and_needs_no_wait():
    assert certain(call_of(SimpleNamespace(confirm=None)), without_store).status == 200
