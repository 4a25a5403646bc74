"""An organisation is replaced by one whose columns have other types; connections know statements about the old one."""

import asyncio

import pytest

from moorage.crm.metadata.shown import shape
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.contract.records import StoreClosed
from tests.contracts.opened import Opened
from tests.contracts.organisation_storage import ONE, documents
from tests.crm.storage.postgresql.opening import two_processes

PLACE = Place("acme", ONE)
TIMES = 8  # More than it takes until a statement is prepared.


@pytest.fixture
def processes(database_url, clock):
    """The storage as two processes have it."""
    yield from two_processes(database_url, clock)


def with_cities_as(data_type):
    return [
        document.with_body(document.body | {"data_type": data_type, "searchable": False})
        if document.kind == "field" and document.body["api_name"] == "City"
        else document
        for document in documents(ONE)
    ]


@pytest.mark.parametrize("asked", ["of the store", "of a transaction"])
def test_the_new_organisation_is_read_and_written(processes, asked):
    here, there = processes
    closed = []

    async def ask(organisation, module, record):
        if asked == "of the store":
            return await organisation.store.record(module, shape(module, ["City"]), record)
        row = await organisation.store.write(lambda transaction: transaction.rows(module, [record])[record])
        return str(row[module.fields["City"].column])

    async def ask_often(value):
        organisation = here.open(PLACE)
        module = organisation.catalog.modules["Leads"]
        for _ in range(TIMES):
            try:
                assert str(value) in str(await ask(organisation, module, record))
            except StoreClosed:
                closed.append(value)
                organisation.store.close()
                organisation = here.open(PLACE)
        organisation.store.close()

    with asyncio.Runner() as runner:
        for data_type, value in (("text", "Lund"), ("bigint", 7), ("text", "Oslo")):
            there.make(PLACE, with_cities_as(data_type), None)
            opened = Opened(there.open(PLACE))
            (record,) = opened.add("Leads", {"City": value})
            opened.store.close()
            runner.run(ask_often(value))
    # A store that writes says once for each that it has to be opened anew; one that reads asks again by itself.
    assert closed == ([] if asked == "of the store" else [7, "Oslo"])
