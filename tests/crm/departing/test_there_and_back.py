"""An organisation goes from SQLite to PostgreSQL and back, with its clients."""

import contextlib

import apsw
import psycopg
import pytest

from moorage.crm.centres import ANYWHERE
from moorage.crm.errors import OrganisationExists, OrganisationInvalid, OrganisationUnknown
from moorage.crm.metadata.standard import DEMO
from tests.crm.conftest import Caller
from tests.crm.departing.moved import move, slugs
from tests.crm.whole import answers, furnish

MODULES = ("Leads", "Deals", "Notes", "Accounts", "Surveys")  # Those with what is special.


def test_it_answers_the_same_with_the_same_tokens_there_and_back_again(demo, service, there):
    furnish(demo)
    row = service.organisations.find("demo")
    credentials = service.credentials(row)
    service.organisations.keep_snapshot("demo", "before")
    snapshots = service.organisations.snapshots("demo")
    page = demo.get("Leads", fields="Last_Name", per_page=5).json["info"]["next_page_token"]
    before = answers(demo, *MODULES), demo.get("Leads", fields="Last_Name", per_page=5, page_token=page).body
    assert "Copying the snapshot before" in move(service, "demo", there)
    assert (slugs(service), slugs(there)) == ([], ["demo"])
    assert demo.get("Leads", fields="id").status == 401
    for crm, back in ((there, service), (service, None)):
        caller = Caller(crm, demo.token, demo.organisation)
        page_after = caller.get("Leads", fields="Last_Name", per_page=5, page_token=page).body
        assert (answers(caller, *MODULES), page_after) == before
        assert crm.organisations.find("demo") == row
        assert crm.organisations.snapshots("demo") == snapshots
        client = crm.accounts.authenticate(ANYWHERE, credentials["client_id"], credentials["client_secret"])
        assert crm.accounts.refresh(client, credentials["refresh_token"]).access_token
        if back is not None:
            move(crm, "demo", back)
    (lead,) = caller.insert("Leads", {"Last_Name": "later"})
    assert caller.only(f"Leads/{lead}")["Last_Name"] == "later"
    service.organisations.restore_kept("demo", "before")
    assert demo.get(f"Leads/{lead}").status == 204


def test_an_older_organisation_has_newer_indexes_once_it_has_moved(
    crm, service, there, database_url, tmp_path
):
    crm.insert("Leads", {"Last_Name": "A"})
    module = service.organisations.open(service.organisations.find("acme").id).catalog.modules["Leads"]
    index = f"{module.table}_{module.fields['Converted__s'].column}"

    def on_sqlite(sql):
        with contextlib.closing(apsw.Connection(str(tmp_path / "crm" / "orgs" / "acme.db"))) as connection:
            return connection.execute(sql).fetchall()

    on_sqlite(f"DROP INDEX {index}")
    move(service, "acme", there)
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT indexname FROM pg_indexes WHERE indexname = %s", (index,))
        assert found.fetchall() == [(index,)]
    move(there, "acme", service)
    assert on_sqlite(f"SELECT name FROM sqlite_schema WHERE name = '{index}'") == [(index,)]


def test_a_dry_run_changes_nothing_and_finds_what_is_wrong(crm, service, there, on_postgresql, tmp_path):
    assert move(service, "acme", there, dry_run=True) == []
    assert (slugs(service), slugs(there)) == (["acme"], [])
    with pytest.raises(OrganisationUnknown):
        move(service, "nobody", there, dry_run=True)
    there.organisations.create("other", DEMO, sample=False)
    with pytest.raises(OrganisationExists, match="'other' with the id"):
        move(service, "acme", there, dry_run=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.key").write_bytes(bytes(32))
    with pytest.raises(OrganisationInvalid, match="another secret key"):
        move(service, "acme", on_postgresql("elsewhere", None))
