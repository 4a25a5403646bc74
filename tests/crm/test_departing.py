"""An organisation goes from SQLite to PostgreSQL and back, with its clients, and stays whole whatever happens."""

import pytest

from moorage.crm.centres import ANYWHERE
from moorage.crm.errors import OrganisationExists, OrganisationInvalid, OrganisationUnknown
from moorage.crm.metadata.standard import DEMO
from moorage.crm.organisations import departing
from moorage.crm.secret_key import SecretFiles
from moorage.crm.service import CrmService
from moorage.crm.storage.postgresql.storage import PostgresqlStorage
from moorage.storage.errors import DatabaseUnusable
from tests.crm.conftest import Caller
from tests.crm.folder import ORIGIN
from tests.crm.whole import answers, furnish
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


def move(source, slug, target, **options):
    steps = []
    source.move(slug, target.wrapped, steps.append, **({"dry_run": False} | options))
    return steps


def slugs(service):
    return [row.slug for row in service.organisations.list()]


def test_it_answers_the_same_with_the_same_tokens_there_and_back_again(demo, service, there):
    furnish(demo)
    row = service.organisations.find("demo")
    credentials = service.credentials(row)
    service.organisations.keep_snapshot("demo", "before")
    page = demo.get("Leads", fields="Last_Name", per_page=5).json["info"]["next_page_token"]
    before = answers(demo), demo.get("Leads", fields="Last_Name", per_page=5, page_token=page).body
    assert "Copying the snapshot before" in move(service, "demo", there)
    assert (slugs(service), slugs(there)) == ([], ["demo"])
    assert demo.get("Leads", fields="id").status == 401
    for crm, back in ((there, service), (service, None)):
        caller = Caller(crm, demo.token, demo.organisation)
        page_after = caller.get("Leads", fields="Last_Name", per_page=5, page_token=page).body
        assert (answers(caller), page_after) == before
        assert crm.organisations.find("demo") == row
        assert crm.organisations.snapshots("demo") == ["before"]
        client = crm.accounts.authenticate(ANYWHERE, credentials["client_id"], credentials["client_secret"])
        assert crm.accounts.refresh(client, credentials["refresh_token"]).access_token
        if back is not None:
            move(crm, "demo", back)
    (lead,) = caller.insert("Leads", {"Last_Name": "later"})
    assert caller.only(f"Leads/{lead}")["Last_Name"] == "later"
    service.organisations.restore_kept("demo", "before")
    assert demo.get(f"Leads/{lead}").status == 204


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


@pytest.mark.parametrize("way", ["to postgresql", "to sqlite"])
@pytest.mark.parametrize("step", ["closed", "handed over", "copied"])
def test_a_move_that_dies_leaves_it_whole_in_one_place_and_can_be_repeated(
    crm, service, there, way, step, monkeypatch
):
    crm.insert("Leads", {"Last_Name": "kept"})
    source, target = service, there
    if way == "to sqlite":
        move(service, "acme", there)
        source, target = there, service
    dies_at(step, monkeypatch, source)
    with pytest.raises(Killed):
        move(source, "acme", target)
    monkeypatch.undo()
    used = [side for side in (source, target) if is_answered(side, crm)]
    assert used == {"copied": [source], "closed": [], "handed over": [target]}[step]
    if step == "closed":
        with pytest.raises(DatabaseUnusable, match="is on its way"):
            source.organisations.open(crm.organisation)
    move(source, "acme", target)
    assert (slugs(source), slugs(target)) == ([], ["acme"])
    assert is_answered(target, crm)
    Caller(target, crm.token, crm.organisation).insert("Leads", {"Last_Name": "goes on"})


class Killed(BaseException):
    """Nothing of the process runs after it."""


def dies_at(step, monkeypatch, source):
    def die(*_args, **_kwargs):
        raise Killed

    async def die_later(*_args, **_kwargs):
        raise Killed

    match step:
        case "copied":  # Nothing is cleared away.
            monkeypatch.setattr(source.organisations.wrapped.stored, "hold", die)
            monkeypatch.setattr(departing.Departure, "_abandon", die_later)
        case "closed":
            monkeypatch.setattr(departing.Departure, "_hand_over", die_later)
        case "handed over":
            monkeypatch.setattr(source.organisations.wrapped, "give_up", die_later)


def is_answered(side, crm):
    answer = Caller(side, crm.token, crm.organisation).get("Leads", fields="Last_Name")
    assert answer.status in (200, 401, 503), answer.body
    if answer.status == 200:
        assert [record["Last_Name"] for record in answer.data] == ["kept"]
    return answer.status == 200
