"""The organisation is the unit: made, copied, restored, reset and deleted as a whole."""

import stat

import apsw
import pytest
from msgspec.structs import replace

from moorage.crm.errors import OrganisationExists, OrganisationInvalid, OrganisationUnknown
from moorage.crm.metadata.standard import DEMO
from moorage.crm.storage.contract.records import StoreClosed
from tests.crm.folder import crm_in, organisations_in
from tests.waited import Waited, wait


@pytest.fixture
def organisations(service):
    return service.organisations


def names(caller):
    answer = caller.get("Leads", fields="Last_Name")
    return [record["Last_Name"] for record in answer.data] if answer.status == 200 else []


def test_they_are_listed_oldest_first(organisations, make_organisation, clock):
    make_organisation("one")
    clock.advance(5)
    make_organisation("two", name="Number Two")
    assert [(row.slug, row.name) for row in organisations.list()] == [
        ("one", DEMO.name),
        ("two", "Number Two"),
    ]
    assert organisations.choose(None).slug == "one"


def test_a_look_at_them_needs_no_lock_that_another_program_holds(make_organisation, clock, tmp_path):
    make_organisation("one")
    other = apsw.Connection(str(tmp_path / "crm" / "registry.db"))
    other.execute("BEGIN IMMEDIATE")
    try:
        organisations = organisations_in(tmp_path / "crm", clock)
        assert [row.slug for row in organisations.list()] == ["one"]
        organisations.close()
    finally:
        other.close()


def test_those_of_one_second_are_listed_oldest_first(organisations, make_organisation, clock):
    slugs = [f"made-{number}" for number in range(6)]
    for slug in slugs:
        make_organisation(slug)
        clock.advance(0.01)
    assert [row.slug for row in organisations.list()] == slugs


@pytest.mark.parametrize("slug", ["", "Upper", "a b", "../x", "-a", "a" * 41, "é", "a\n", "a/b"])
def test_a_name_that_could_harm_a_path_is_refused(organisations, slug):
    with pytest.raises(OrganisationInvalid):
        organisations.create(slug, DEMO, sample=False)


def test_a_name_is_taken_once(organisations, make_organisation):
    make_organisation("one")
    with pytest.raises(OrganisationExists):
        organisations.create("one", DEMO, sample=False)


@pytest.mark.parametrize(
    "change",
    [
        *({"time_zone": zone} for zone in ("Mars/Olympus", "America", "", "../UTC", "\0", "x" * 300)),
        *({"unique": ("Leads.Nothing",)}, {"users": ()}, {"data_centre": "mars"}),
    ],
)
def test_what_can_not_be_made_leaves_nothing_behind(organisations, change):
    with pytest.raises(OrganisationInvalid):
        organisations.create("one", replace(DEMO, **change), sample=False)
    assert organisations.list() == []
    assert organisations.create("one", DEMO, sample=False)


def test_a_snapshot_brings_back_what_was(organisations, crm, tmp_path):
    crm.insert("Leads", {"Last_Name": "Before"})
    organisations.snapshot("acme", tmp_path / "snap.db")
    crm.insert("Leads", {"Last_Name": "After"})
    organisations.restore("acme", tmp_path / "snap.db")
    assert names(crm) == ["Before"]
    assert crm.insert("Leads", {"Last_Name": "Again"})


def test_a_restore_takes_only_the_organisations_own_snapshots(organisations, crm, stranger, tmp_path):
    organisations.snapshot("other", tmp_path / "other.db")
    (tmp_path / "text.db").write_text("not a database")
    for file in ("other.db", "text.db", "missing.db"):
        with pytest.raises(OrganisationInvalid):
            organisations.restore("acme", tmp_path / file)
    assert names(crm) == names(stranger) == []


def test_a_reset_brings_back_the_first_day_with_its_ids(organisations, demo):
    before = demo.get("Leads", fields="Last_Name").data
    demo.delete("Leads", ids=",".join(record_id["id"] for record_id in before[:50]))
    organisations.reset("demo")
    assert demo.get("Leads", fields="Last_Name").data == before


def test_a_deleted_one_is_gone_with_its_files_and_tokens(organisations, crm, tmp_path):
    crm.insert("Leads", {"Last_Name": "x"})
    organisations.delete("acme")
    assert list((tmp_path / "crm" / "orgs").iterdir()) == []
    assert crm.get("Leads", fields="id").json["code"] == "INVALID_TOKEN"
    with pytest.raises(OrganisationUnknown):
        organisations.find("acme")


def test_what_a_delete_that_was_killed_left_goes_before_its_name_is_taken_again(organisations, crm):
    organisations.keep_snapshot("acme", "before")
    wait(
        organisations.registry.remove(organisations.find("acme"))
    )  # As far as it gets before anything is removed.
    organisations.create("acme", DEMO, sample=False)
    assert organisations.snapshots("acme") == []


def test_another_process_sees_what_is_restored(organisations, crm, clock, tmp_path):
    crm.insert("Leads", {"Last_Name": "Before"})
    organisations.snapshot("acme", tmp_path / "snap.db")
    crm.insert("Leads", {"Last_Name": "After"})
    other = organisations_in(tmp_path / "crm", clock)
    other.restore("acme", tmp_path / "snap.db")
    other.close()
    assert names(crm) == ["Before"]
    assert crm.insert("Leads", {"Last_Name": "Again"})


@pytest.mark.parametrize("acts", [False, True], ids=["with a token", "for Moorage itself"])
def test_a_call_that_meets_a_restore_is_made_again(service, crm, monkeypatch, acts):
    store, met = service.organisations.open(crm.organisation).store, []

    def closed_at_first(work):
        def worked(*arguments):
            if work.__name__ not in met:
                met.append(work.__name__)
                raise StoreClosed
            return work(*arguments)

        return worked

    for work in ("write", "page"):
        monkeypatch.setattr(store, work, closed_at_first(getattr(store, work)))
    if acts:
        principal = service.accounts.principal(f"Bearer {crm.token}")
        monkeypatch.setattr(service, "answer", lambda request: service.act(request, principal))
        crm.token = None
    assert crm.insert("Leads", {"Last_Name": "x"})
    assert names(crm) == ["x"] and met == ["write", "page"]


def test_files_are_readable_by_their_owner_alone(crm, tmp_path):
    crm.insert("Leads", {"Last_Name": "x"})
    for file in (tmp_path / "crm").rglob("*"):
        if file.suffix in {".db", ".key"}:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_the_first_lead_of_the_demo_has_the_id_that_the_specification_shows(demo):
    assert demo.get("Leads/7243485000000597000").status == 200


def test_the_demo_has_a_few_dozen_linked_records_in_every_module_of_the_specification(demo):
    for module in ("Leads", "Contacts", "Accounts", "Deals", "Tasks", "Calls", "Events", "Products"):
        assert demo.get(f"{module}/actions/count").json["count"] >= 24, module
    contacts = demo.get("Contacts", fields="Account_Name").data
    assert all(record["Account_Name"] for record in contacts)
    assert any(record["What_Id"] for record in demo.get("Tasks", fields="What_Id").data)


@pytest.fixture
def elsewhere(tmp_path, clock, crm):
    """The organisations as another process works on them."""
    other = Waited(crm_in(tmp_path / "crm", clock))
    yield other.organisations
    other.close()


@pytest.mark.parametrize("slug", ["acme", "second"])
def test_an_organisation_made_again_under_the_same_name_is_another(
    service, elsewhere, make_organisation, caller_of, slug
):
    """Even to tokens and connections from before, in the moment before this process notices."""
    if slug != "acme":
        make_organisation(slug)
    before = caller_of(slug)
    before.insert("Leads", {"Last_Name": "Before"})
    elsewhere.delete(slug)
    elsewhere.create(slug, DEMO, sample=False)
    for answer in (
        before.post("Leads", {"data": [{"Last_Name": "Stray"}]}),
        before.get("Leads/actions/count"),
        before.get("Leads/search", criteria="(Company:not_equal:x)"),
    ):
        assert (answer.status, answer.json["code"]) == (401, "INVALID_TOKEN")
    assert service.accounts.changed()
    service.organisations.forget_changed()
    assert before.get("org").status == 401
    after = caller_of(slug)
    assert names(after) == []
    after.insert("Leads", {"Last_Name": "After"})
    assert names(after) == ["After"]


def test_an_organisation_deleted_before_its_first_write_takes_none(elsewhere, crm):
    assert crm.get("Leads", fields="id").status == 204
    elsewhere.delete("acme")
    assert crm.post("Leads", {"data": [{"Last_Name": "Late"}]}).json["code"] == "INVALID_TOKEN"
    assert crm.get("Leads/actions/count").json["code"] == "INVALID_TOKEN"
