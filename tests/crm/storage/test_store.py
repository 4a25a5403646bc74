import pytest
from msgspec.structs import replace

from moorage.crm.metadata.standard import DEMO
from moorage.crm.storage.sqlite import fulltext
from tests.contracts.opened import Opened
from tests.contracts.record_store import RecordStoreContract
from tests.crm.beginnings import quicken
from tests.crm.folder import organisations_in


class TestSqliteRecordStore(RecordStoreContract):
    @pytest.fixture
    def organisations(self, tmp_path, clock, copies):
        folder = tmp_path / "crm"
        both = [organisations_in(folder, clock, copies.storage(folder, clock)) for _ in range(2)]
        quicken(both[0].wrapped, folder / "orgs", clock)
        both[0].create("acme", replace(DEMO, unique=("Leads.Email",)), sample=False)
        yield both
        for storage in both:
            storage.close()

    @pytest.fixture
    def organisation(self, organisations):
        return organisations[0].open(organisations[0].find("acme").id)

    @pytest.fixture
    def reopen(self, organisations):
        return lambda: Opened(organisations[0].open(organisations[0].find("acme").id))

    @pytest.fixture
    def organisation_again(self, organisations):
        return organisations[1].open(organisations[1].find("acme").id)


class TestSqliteRecordStoreWithManyTextTables(TestSqliteRecordStore):
    """As an organisation is that grew large."""

    @pytest.fixture(autouse=True)
    def few_in_each(self, monkeypatch):
        monkeypatch.setattr(fulltext, "SPAN", 2)
