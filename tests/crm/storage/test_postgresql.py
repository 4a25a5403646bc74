"""The contract of storages, held by PostgreSQL."""

import pytest
from msgspec.structs import replace

from moorage.crm.metadata.standard import DEMO
from moorage.crm.storage.contract.organisations import Place
from tests.contracts.opened import Opened
from tests.contracts.organisation_storage import ONE, OrganisationStorageContract, documents
from tests.contracts.record_store import RecordStoreContract
from tests.crm.storage.postgresql.opening import two_processes

# Every statement keeps to the rules for a Citus cluster.
pytestmark = pytest.mark.usefixtures("sent")

PLACE = Place("acme", ONE)


def with_tables(*modules):
    """Fills a new organisation with tables only, so that later writes of several stores close none of them."""

    def fill(organisation, begin):
        for name in modules:
            module = organisation.catalog.modules[name]
            transaction = begin(0)
            transaction.insert(module, [{"id": 1}])
            transaction.drop(module, [1])

    return fill


@pytest.fixture
def processes(database_url, clock):
    """The storage as two processes have it."""
    yield from two_processes(database_url, clock)


class TestPostgresqlRecordStore(RecordStoreContract):
    @pytest.fixture
    def opened(self, processes):
        """Opens the organisation in a process."""
        spec = replace(DEMO, unique=("Leads.Email",))
        processes[0].make(PLACE, documents(ONE, spec), with_tables("Leads"))
        organisations = []

        def open_in(process):
            organisations.append(process.open(PLACE))
            return organisations[-1]

        yield open_in
        for organisation in organisations:
            organisation.store.close()

    @pytest.fixture
    def organisation(self, opened, processes):
        return opened(processes[0])

    @pytest.fixture
    def reopen(self, opened, processes):
        return lambda: Opened(opened(processes[0]))

    @pytest.fixture
    def organisation_again(self, opened, processes):
        return opened(processes[1])


class TestPostgresqlSchemas(OrganisationStorageContract):
    @pytest.fixture
    def storage(self, processes):
        return processes[0]
