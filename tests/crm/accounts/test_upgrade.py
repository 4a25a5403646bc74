"""A folder from before there were clients to register goes on working."""

import sqlite3

import pytest

from tests.crm.folder import crm_in
from tests.waited import Waited

NEW_TABLES = (
    "registrations", "redirect_uris", "codes", "passwords", "sessions", "recent", "moves", "snapshots",
    "snapshot_parts", "waiting",
)  # fmt: skip
REFRESH_TOKENS = ["digest", "client", "organisation", "user", "scopes"]


@pytest.fixture
def old_folder(tmp_path, service, crm):
    """The registry as the first version left it, with a client and its tokens."""
    credentials = service.credentials(service.organisations.find("acme"))
    service.close()
    registry = sqlite3.connect(tmp_path / "crm" / "registry.db", isolation_level=None)
    registry.execute("DROP TABLE crm_alembic_version")
    for column in ("data_centre", "server"):
        registry.execute(f"ALTER TABLE organisations DROP COLUMN {column}")
    registry.execute("DROP TABLE unfinished")
    registry.execute("CREATE TABLE unfinished (slug TEXT PRIMARY KEY)")
    registry.execute("INSERT INTO unfinished VALUES ('killed')")
    (tmp_path / "crm" / "orgs" / "killed.db").touch()
    registry.execute("UPDATE organisations SET created_at = created_at / 1000000")
    for table in NEW_TABLES:
        registry.execute(f"DROP TABLE {table}")
    registry.execute("DROP INDEX refresh_tokens_unheld")
    for column in ("number", "held"):
        registry.execute(f"ALTER TABLE refresh_tokens DROP COLUMN {column}")
    registry.execute("UPDATE organisations SET spec = json_remove(CAST(spec AS TEXT), '$.data_centre')")
    columns = [row[1] for row in registry.execute("PRAGMA table_info(refresh_tokens)")]
    assert columns == REFRESH_TOKENS
    registry.close()
    return tmp_path / "crm", credentials


@pytest.fixture
def reopened(old_folder, clock):
    folder, credentials = old_folder
    services = [Waited(crm_in(folder, clock)) for _ in range(2)]
    yield services[0], credentials
    for service in services:
        service.close()


def test_its_tokens_and_its_client_work(reopened):
    service, credentials = reopened
    row = service.organisations.find("acme")
    principal = service.accounts.principal(f"Bearer {credentials['access_token']}")
    assert (principal.organisation, principal.centre) == (row.id, "us")
    assert service.credentials(row)["refresh_token"] == credentials["refresh_token"]
    client = service.accounts.ensure_client("Self client", row.id, service.first_user(row).id)
    assert service.accounts.refresh(client, credentials["refresh_token"]).access_token


def test_what_is_new_works_in_it(reopened):
    service, _ = reopened
    row = service.organisations.find("acme")
    user = service.first_user(row).id
    client = service.clients.register("New", row.id, user, (), self_client=True)
    code = service.clients.self_code(client.client_id, "ZohoCRM.modules.ALL", 180)
    assert service.clients.redeem(client, code, None, None).refresh_token
    service.organisations.reset("acme")
    assert service.organisations.find("acme").data_centre == "us"


def test_what_was_unfinished_in_it_is_removed(reopened, tmp_path):
    service, _ = reopened
    assert (tmp_path / "crm" / "orgs" / "killed.db").exists()
    service.organisations.reset("acme")
    assert [path.name for path in (tmp_path / "crm" / "orgs").glob("*.db")] == ["acme.db"]
