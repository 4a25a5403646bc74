"""The storage in memory keeps the contracts, as every other storage."""

from datetime import UTC, datetime
from itertools import count

import pytest
from msgspec.structs import replace

from moorage.crm.metadata.standard import DEMO, blueprint
from tests.contracts.memory import MemoryOrganisations
from tests.contracts.opened import Opened
from tests.contracts.organisation_storage import AT_ONE, ONE, OrganisationStorageContract
from tests.contracts.record_store import RecordStoreContract


class TestMemoryStore(RecordStoreContract):
    @pytest.fixture
    def storage(self, clock):
        numbers, spec = count(100_001), replace(DEMO, unique=("Leads.Email",))
        documents = blueprint(spec, ONE // 10**12, datetime(2026, 2, 6, tzinfo=UTC), lambda: next(numbers))
        storage = MemoryOrganisations(clock)
        storage.make(AT_ONE, documents, None)
        return storage

    @pytest.fixture
    def organisation(self, storage):
        organisation = storage.open(AT_ONE)
        yield organisation
        organisation.store.close()

    @pytest.fixture
    def reopen(self, storage):
        return lambda: Opened(storage.open(AT_ONE))

    @pytest.fixture
    def organisation_again(self, storage):
        organisation = storage.open(AT_ONE)
        yield organisation
        organisation.store.close()


class TestMemoryOrganisations(OrganisationStorageContract):
    @pytest.fixture
    def storage(self, clock):
        return MemoryOrganisations(clock)
