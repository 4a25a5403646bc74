"""Two CRMs between which organisations move."""

import pytest

from moorage.crm.organisations import departing
from moorage.crm.secret_key import SecretFiles
from moorage.crm.service import CrmService
from moorage.crm.storage.postgresql import schema_rows
from moorage.crm.storage.postgresql.storage import PostgresqlStorage
from moorage.crm.storage.sqlite import file_rows
from tests.crm.folder import ORIGIN, crm_in
from tests.waited import Waited


@pytest.fixture
def on_postgresql(service, database_url, tmp_path, clock):
    """Makes a CRM in the same database each time, as a process has it."""
    made = []

    def make(folder="shared", like=service.wrapped):
        storage = PostgresqlStorage(database_url, clock, 6)
        keeper = SecretFiles(tmp_path / folder)
        made.append(Waited(CrmService(storage, tmp_path / folder, clock, ORIGIN, None, keeper, like)))
        return made[-1]

    yield make
    for crm in made:
        crm.close()


@pytest.fixture
def there(on_postgresql):
    return on_postgresql()


@pytest.fixture(params=["to postgresql", "to sqlite"])
def way(request, service, there):
    return (service, there) if request.param == "to postgresql" else (there, service)


@pytest.fixture
def beside(service, on_postgresql, tmp_path, clock):
    """Makes a second process that has the same CRM."""
    folders = []

    def make(side):
        if side is not service:
            return on_postgresql()
        folders.append(Waited(crm_in(tmp_path / "crm", clock)))
        return folders[-1]

    yield make
    for crm in folders:
        crm.close()


@pytest.fixture
def in_parts(monkeypatch):
    """Each record is told, and few are copied at a time."""
    monkeypatch.setattr(departing, "TOLD_EVERY", 1)
    monkeypatch.setattr(schema_rows, "PART", 3)
    monkeypatch.setattr(file_rows, "PART", 3)
