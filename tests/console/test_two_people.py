"""Two people at once: neither takes the other's work away without a word, and who loses a right loses it at once."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest

from tests.console.crm.test_pages import Crm
from tests.console.screens import held
from tests.console.visitor import FORM, PASSWORD, Visitor
from tests.flows.storages import each_storage
from tests.waiting import wait_until


@pytest.fixture
def two(server, owner):
    """An owner's browser twice: two people with the same rights need no second password here."""
    other = Visitor(server)
    other.cookie = owner.cookie
    return owner, other


@pytest.fixture
def crm(owner):
    return Crm(owner)


def leads_of(server, last_name):
    query = {"select_query": f"select id from Leads where Last_Name = '{last_name}'"}
    _, _, answer = server.call("POST", "/zoho-crm/crm/v8/coql", query)
    return json.loads(answer)["data"] if answer else []


@each_storage
@pytest.mark.parametrize("second", ["approve", "decline"])
def test_one_of_two_decides_about_a_call_and_the_other_is_told(server, two, second):
    name = f"Of two, {second} {os.getpid()}"
    approval = held(server, name)
    for person in two:
        person.open(f"/console/approvals/{approval}")
    with ThreadPoolExecutor(2) as both:
        pages = list(both.map(lambda person, what: person.send(f"/{what}"), two, ("approve", second)))
    assert [page.status for page in pages] == [200, 200]
    late = ["This call had been decided before." in page.words for page in pages]
    assert sorted(late) == [False, True]
    is_declined = "You declined this call." in pages[late.index(False)].words
    wait_until(lambda: state_of(server, approval) == ("declined" if is_declined else "sent"))
    assert len(leads_of(server, name)) == (0 if is_declined else 1)


def state_of(server, approval):
    return server.get(f"/approvals/{approval}")[1]["approval"]["state"]


def test_who_changes_a_field_that_another_has_changed_is_shown_that_first(crm, two):
    first, second = two
    lead = crm.make(City="Here", Phone="1")
    for person in two:
        person.open(f"{crm.leads}/{lead}/edit")
    first.send("/edit", City="There", Phone="2")
    page = second.send("/edit", City="Elsewhere", Phone="1")
    assert page.status == 409
    assert "Somebody else has changed this meanwhile. It is 'There' now; save again" in page.words
    assert crm.lead(lead)["City"] == "There"
    # The form has what the second has typed, and in the fields that only the first has changed, the first's.
    assert re.search(r'name="City"[^>]*value="Elsewhere"', page.text)
    assert re.search(r'name="Phone"[^>]*value="2"', page.text)
    page = second.send("/edit", City="Elsewhere", Phone="2")
    assert "Changed: City." in page.words
    assert (crm.lead(lead)["City"], crm.lead(lead)["Phone"]) == ("Elsewhere", "2")


@each_storage
def test_a_cell_that_another_has_changed_is_not_written_over(crm):
    lead = crm.make(No_of_Employees=1)
    cell = f"{crm.leads}/{lead}/cell"
    first = crm.post(cell, field="No_of_Employees", value="2", was="1")
    second = crm.post(cell, field="No_of_Employees", value="3", was="1")
    assert (first.status, second.status, second.json["value"]) == (200, 409, 2)
    assert crm.post(cell, field="No_of_Employees", value="3", was="[" * 5000).status == 409
    assert crm.post(cell, field="No_of_Employees", value="3", was="2.0").json["value"] == 3


def test_two_people_change_two_labels_of_a_connection(server, two):
    alias = f"of-two-{os.getpid()}"
    body = {"app": "zoho-crm", "organisation": "demo", "alias": alias}
    made = json.loads(server.call("POST", "/connections", body)[2])["connection"]["connection_id"]
    first, second = two
    for person in two:
        person.open(f"/console/connections/{made}")
    first.send("/labels", alias=f"{alias}-new", tags="", end_user="")
    page = second.send("/labels", alias=alias, tags="eu", end_user="")
    assert "The labels are changed." in page.words
    found = server.get(f"/connections/{made}")[1]["connection"]
    assert (found["alias"], found["tags"]) == (f"{alias}-new", ["eu"])
    server.call("DELETE", f"/connections/{made}")


def test_whoever_gets_another_role_or_is_removed_loses_their_rights_at_the_next_request(server, join, crm):
    lead = crm.make(City="Here")
    person, edit = join("operator"), f"{crm.leads}/{lead}/edit"
    page = person.open(edit)
    token = re.search(r'name="form_token" value="([^"]*)"', page.text)[1]
    form = urlencode({"form_token": token, "City": "There", "was__City": "Here"}).encode()
    server.run("people", "role", person.email, "support")
    answer = person.ask("POST", edit, form, FORM)
    assert (answer.status, "sign-in" in answer.headers["location"]) == (303, True)
    assert crm.lead(lead)["City"] == "Here"
    person.open("/sign-in")
    person.send(email=person.email, password=PASSWORD)
    assert person.ask("GET", edit).status == 403
    server.run("people", "remove", person.email, "--yes")
    assert person.ask("GET", "/console?format=json").json["error"]["code"] == "person_needed"
