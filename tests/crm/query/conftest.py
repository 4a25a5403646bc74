from datetime import UTC, datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Metadata
from moorage.crm.metadata.standard import DEMO, blueprint
from moorage.crm.query.compare import Context

NOW = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)


@pytest.fixture(scope="session")
def metadata() -> Metadata:
    numbers = count(1)
    return Metadata(blueprint(DEMO, 1234567, NOW, lambda: next(numbers)))


@pytest.fixture(scope="session")
def catalog(metadata) -> Catalog:
    return Catalog(metadata)


@pytest.fixture(scope="session")
def leads(catalog):
    return catalog.modules["Leads"]


@pytest.fixture(scope="session")
def deals(catalog):
    return catalog.modules["Deals"]


@pytest.fixture(scope="session")
def context(catalog) -> Context:
    return Context(ZoneInfo("America/Los_Angeles"), NOW, 1234567000000000042, catalog)


@pytest.fixture(scope="session")
def fault_of():
    """Call a function. Returns the fault that it raises, or None."""

    def fault_of(call, *arguments) -> Fault | None:
        try:
            call(*arguments)
        except Fault as fault:
            return fault
        return None

    return fault_of
