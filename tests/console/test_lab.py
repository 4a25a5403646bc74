"""The lab: organisations of the embedded CRM are made, changed and brought back by forms."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.console.visitor import Visitor
from tests.flows.storages import each_storage


@pytest.fixture(
    scope="session"
)  # Tests on both storages are put in another order, in which a module may end twice.
def numbers():
    return iter(range(1000))


@pytest.fixture
def slug(owner, numbers):
    """An organisation of a test's own, without records."""
    slug = f"lab-{next(numbers)}"
    owner.open("/console/lab")
    page = owner.send("/lab", slug=slug, name="Sail & Son", connect="yes")
    assert page.at.startswith(f"/console/lab/{slug}?")
    assert f"The organisation {slug} is there." in page.words
    return slug


def leads(server, slug):
    status, found = server.get("/zoho-crm/crm/v8/Leads?fields=Last_Name", **{"Maton-Connection": slug})
    return [lead["Last_Name"] for lead in found["data"]] if status == 200 else []


def seed(owner, slug, name):
    owner.open(f"/console/lab/{slug}")
    page = owner.send("/seed", records=json.dumps({"Leads": [{"Last_Name": name}]}))
    assert "1 record is inserted." in page.words


@each_storage
def test_an_organisation_is_seeded_kept_and_brought_back(owner, server, slug):
    seed(owner, slug, "Before")
    owner.send("/snapshots", name="early")
    [saved_at] = [row["saved_at"] for row in owner.twin(f"/console/lab/{slug}")["snapshots"]]
    assert f'datetime="{saved_at}"' in owner.open(f"/console/lab/{slug}").text
    seed(owner, slug, "After")
    assert sorted(leads(server, slug)) == ["After", "Before"]
    owner.send("/restore")
    assert leads(server, slug) == ["Before"]
    assert owner.twin(f"/console/lab/{slug}")["snapshots"] == [{"name": "early", "saved_at": saved_at}]
    owner.send("/forget")
    assert owner.twin(f"/console/lab/{slug}")["snapshots"] == []


def test_an_organisation_leads_to_its_records_and_its_connection(owner, slug):
    page = owner.open(f"/console/lab/{slug}")
    [connection] = owner.twin(f"/console/lab/{slug}")["connections"]
    assert connection["alias"] == slug
    assert f"console/crm/{connection['id']}" in page.text
    assert f"console/connections/{connection['id']}?tab=use" in page.text
    assert f"console/crm/{connection['id']}" in owner.open(f"/console/connections/{slug}").text


@each_storage
def test_a_reset_can_be_undone(owner, server, slug):
    seed(owner, slug, "Kept")
    owner.send("/reset", keep="yes")
    assert leads(server, slug) == []
    assert "The snapshot before-reset-1 has what was there." in owner.page.words
    owner.send("/reset", keep="yes")
    owner.send("/restore", snapshot="before-reset-1")
    assert leads(server, slug) == ["Kept"]
    assert [row["name"] for row in owner.twin(f"/console/lab/{slug}")["snapshots"]] == [
        "before-reset-1",
        "before-reset-2",
    ]


@each_storage
def test_of_people_who_reset_at_the_same_moment_each_keeps_a_snapshot(owner, server, slug):
    visitors = [Visitor(server) for _ in range(4)]
    for visitor in visitors:
        visitor.cookie = owner.cookie
        visitor.open(f"/console/lab/{slug}")
    with ThreadPoolExecutor(len(visitors)) as all_at_once:
        pages = list(all_at_once.map(lambda visitor: visitor.send("/reset", keep="yes"), visitors))
    told = sorted(name for page in pages for name in re.findall("before-reset-[0-9]+ has", page.words))
    assert told == [f"before-reset-{number} has" for number in range(1, 5)]
    names = [row["name"] for row in owner.twin(f"/console/lab/{slug}")["snapshots"]]
    assert names == [f"before-reset-{number}" for number in range(1, 5)]


def test_resets_keep_ten_snapshots_of_their_own(owner, slug):
    owner.open(f"/console/lab/{slug}")
    for name in ("before-reset", "before-reset-0", "before-reset-8", "mine"):
        owner.send("/snapshots", name=name)
    for _ in range(11):
        owner.send("/reset", keep="yes")
    names = {row["name"] for row in owner.twin(f"/console/lab/{slug}")["snapshots"]}
    assert names == {"before-reset", "before-reset-0", "mine"} | {f"before-reset-{n}" for n in range(10, 20)}


def test_an_organisation_is_deleted_only_if_its_name_is_typed(owner, slug):
    owner.open(f"/console/lab/{slug}")
    assert owner.send("/delete", slug="other").status == 400
    assert owner.send("/delete", slug=slug).status == 200
    assert slug not in [row["slug"] for row in owner.twin("/console/lab")["organisations"]]
    assert owner.open(f"/console/lab/{slug}").status == 404


def test_a_wrong_form_is_shown_again_with_what_was_typed(owner, slug):
    owner.open("/console/lab")
    page = owner.send("/lab", slug="No Spaces", name="Typed before")
    assert page.status == 400
    assert 'value="Typed before"' in page.text
    owner.open(f"/console/lab/{slug}")
    page = owner.send("/seed", records='{"Leads": [')
    assert (page.status, "The records are not JSON" in page.words) == (400, True)
    assert "{&#34;Leads&#34;: [</textarea>" in page.text


@pytest.mark.parametrize("role", ["approver", "support"])
def test_who_may_not_change_organisations_gets_no_forms_and_no_change(member, role, slug):
    visitor = member(role)
    page = visitor.open(f"/console/lab/{slug}")
    assert (page.status, 'method="post"' in page.text) == (200, False)
    assert visitor.post(f"/console/lab/{slug}/reset", {}).status == 403
