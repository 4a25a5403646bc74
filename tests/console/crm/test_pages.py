"""The screens of the CRM over the demo organisation: reading, changing, and what belongs to a record."""

import csv
import html
import io
import json
import re

import pytest

from tests.console.visitor import Visitor
from tests.flows.storages import each_storage

HOSTILE = '<img src=x onerror="alert(1)">\u202e\'"' + "&lt;b>" + "x" * 20


class Crm:
    """Pages of the module Leads of the demo organisation."""

    def __init__(self, visitor):
        self.visitor = visitor
        [connection] = [
            each for each in visitor.twin("/console/crm")["connections"] if each["environment"] == "embedded"
        ][:1]
        self.home = f"/console/crm/{connection['connection_id']}"
        self.leads = f"{self.home}/Leads"
        self.token = re.search(r'name="form_token" value="([^"]*)"', visitor.open(f"{self.leads}/new").text)[
            1
        ]

    def make(self, **values):
        """A lead, made by the API."""
        status, _, body = self.visitor.server.call(
            "POST", "/zoho-crm/crm/v8/Leads", {"data": [{"Last_Name": "Lead", **values}]}
        )
        assert status == 201, body
        return json.loads(body)["data"][0]["details"]["id"]

    def lead(self, identity):
        status, _, body = self.visitor.server.call("GET", f"/zoho-crm/crm/v8/Leads/{identity}")
        return json.loads(body)["data"][0] if status == 200 else None

    def post(self, path, **fields):
        """Send a form that scripts send, too."""
        return self.visitor.post(path, {"form_token": self.token, **fields})


@pytest.fixture(scope="module")
def crm(server, members):
    key = server.gateway, "owner"
    if key not in members:
        members[key] = Visitor(server).join("owner")
    return Crm(members[key])


@each_storage
def test_modules_have_counts_and_lead_to_their_records(crm):
    groups = crm.visitor.twin(crm.home)["groups"]
    counts = {module["api_name"]: module["count"] for module in groups["Modules"]}
    assert counts["Contacts"] > 0
    page = crm.visitor.open(crm.leads)
    assert len(re.findall("<tr data-row>", page.text)) == 50
    assert 'rel="next"' in page.text


def test_the_palette_finds_modules(crm):
    [found] = crm.visitor.twin("/console/find?q=price+b")["found"]
    assert (found["title"], found["kind"]) == ("Price Books", "module of Harbour & Pine")
    assert f"/console/{found['href']}".endswith(f"{crm.home}/Price_Books")


def test_a_view_is_in_its_address_and_shows_its_call(crm):
    crm.make(Last_Name="Zyx", City="Viewtown")
    crm.make(Last_Name="Abc", City="Viewtown")
    where = "field=City&is=is&value=Viewtown"
    twin = crm.visitor.twin(f"{crm.leads}?{where}&sort=Last_Name&order=asc&columns=Last_Name&count=1")
    assert [record["Last_Name"] for record in twin["records"]] == ["Abc", "Zyx"]
    assert twin["total"] == 2
    assert twin["call"]["coql"].startswith("select Last_Name from Leads where (City = 'Viewtown' and")
    assert "select_query" in twin["call"]["curl"]
    wrong = crm.visitor.open(f"{crm.leads}?field=Annual_Revenue&is=least&value=abc")
    assert (wrong.status, "invalid value for search" in wrong.words) == (400, True)


def test_rows_of_the_grid_come_by_their_places(crm):
    for number in range(3):
        crm.make(Last_Name=f"Row {number}", City="Rowtown")
    query = "field=City&is=is&value=Rowtown&columns=Last_Name"
    rows = json.loads(crm.visitor.ask("GET", f"{crm.leads}/rows?{query}&offset=1&limit=1").body)
    assert [record["Last_Name"] for record in rows["records"]] == ["Row 1"]
    assert json.loads(crm.visitor.ask("GET", f"{crm.leads}/count?{query}").body) == {"total": 3}


@each_storage
def test_a_form_shows_the_fault_at_its_field_and_keeps_what_was_typed(crm):
    crm.visitor.open(f"{crm.leads}/new")
    page = crm.visitor.send("/new", Last_Name="Kept", Annual_Revenue="abc")
    assert page.status == 400
    assert 'id="field-Annual_Revenue-fault"' in page.text
    assert 'value="Kept"' in page.text
    page = crm.visitor.send("/new", Last_Name="Kept", Annual_Revenue="12.5", Email_Opt_Out="true")
    assert "The record is made." in page.words
    made = crm.lead(re.search(r"Leads/(\d+)", page.at)[1])
    assert (made["Last_Name"], made["Annual_Revenue"], made["Email_Opt_Out"]) == ("Kept", 12.5, True)


def test_two_people_change_two_fields_of_a_record(crm):
    lead = crm.make(City="Here", Phone="1")
    crm.visitor.open(f"{crm.leads}/{lead}/edit")
    crm.visitor.server.call("PUT", f"/zoho-crm/crm/v8/Leads/{lead}", {"data": [{"Phone": "2"}]})
    page = crm.visitor.send("/edit", City="There", Phone="1")
    assert "Changed: City." in page.words
    assert (crm.lead(lead)["City"], crm.lead(lead)["Phone"]) == ("There", "2")


def test_a_cell_is_changed_by_the_api_and_tells_its_errors(crm):
    lead = crm.make()
    cell = f"{crm.leads}/{lead}/cell"
    assert crm.post(cell, field="No_of_Employees", value="12").json["value"] == 12
    wrong = crm.post(cell, field="No_of_Employees", value="x")
    assert (wrong.status, "a whole number" in wrong.json["message"]) == (400, True)
    assert crm.post(cell, field="Created_Time", value="x").status == 400


def test_a_lookup_takes_words_that_lead_to_one_record(crm):
    contacts = f"{crm.home}/Contacts"
    contact = crm.visitor.twin(contacts)["records"][0]["id"]
    cell = f"{contacts}/{contact}/cell"
    results = [crm.post(cell, field="Account_Name", value=words) for words in ("Distillers", "zzzzzz")]
    assert results[0].json["value"]["name"] == "Cooper's Wynd Distillers"
    assert (results[1].status, "No record is found" in results[1].json["message"]) == (400, True)


@each_storage
def test_several_records_are_deleted_after_a_question_and_come_back(crm):
    leads = [crm.make(), crm.make()]
    crm.visitor.open(crm.leads)
    page = crm.visitor.send("/selected?", ids=[*leads, "123"], what="delete")
    assert "Delete 3 Leads?" in page.words
    assert crm.lead(leads[0]) is not None
    ids = re.findall(r'name="ids" value="(\d+)"', page.text)
    page = crm.visitor.send("/selected/delete", ids=ids)
    assert "Deleted: 2 of 3" in page.words
    assert crm.lead(leads[0]) is None
    crm.visitor.send("/selected/restore", ids=leads)
    assert [crm.lead(lead)["id"] for lead in leads] == leads


@each_storage
def test_one_value_is_written_into_several_records(crm):
    leads = [crm.make(), crm.make()]
    crm.visitor.open(crm.leads)
    crm.visitor.send("/selected?", ids=leads, what="update")
    crm.visitor.send("/selected", ids=leads, field="City")
    page = crm.visitor.send("/selected/update", ids=leads, value="Elsewhere")
    assert "Changed: 2 of 2" in page.words
    assert [crm.lead(lead)["City"] for lead in leads] == ["Elsewhere"] * 2


@each_storage
def test_a_record_has_its_notes_and_its_history(crm):
    record = f"{crm.leads}/{crm.make(City='Old')}"
    crm.visitor.open(f"{record}?tab=Notes")
    assert "High at 4" in crm.visitor.send("/notes", title="Tide", text="High at 4").words
    [note] = crm.visitor.twin(f"{record}?tab=Notes")["part"]["records"]
    crm.visitor.send(f"/notes/{note['id']}", title="Tide", text="Low at 10")
    page = crm.visitor.send(f"/notes/{note['id']}", what="delete")
    assert "There are no notes." in page.words
    crm.visitor.open(f"{record}/edit")
    crm.visitor.send("/edit", City="New")
    page = crm.visitor.open(f"{record}?tab=timeline")
    assert "<del>Old</del> <ins>New</ins>" in page.text
    assert "-X PUT" in crm.visitor.open(f"{record}?tab=put").words


@each_storage
def test_a_file_is_saved_and_never_shown(crm):
    record = f"{crm.leads}/{crm.make()}"
    crm.visitor.open(f"{record}?tab=Attachments")
    content = b"<script>alert(1)</script>\r\n--x\x00"
    page = crm.visitor.upload(f"{record}/attachments", "pa%22ge.html", content)
    [file] = crm.visitor.twin(f"{record}?tab=Attachments")["part"]["records"]
    found = crm.visitor.ask("GET", f"{record}/attachments/{file['id']}")
    assert found.body == content
    assert found.headers["content-disposition"].startswith("attachment;")
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert crm.visitor.upload(f"{record}/photo", "x.gif", b"<html>").status == 415
    assert crm.visitor.ask("GET", f"{record}/photo").status == 404
    crm.visitor.page = page
    assert "There is nothing in this list." in crm.visitor.send(f"/{file['id']}").words


@each_storage
def test_a_file_is_imported_after_a_look_and_exported_without_formulas(crm):
    rows = ["Last Name;City;Annual Revenue;Email", "=Imp A;Imptown;5;a@b.example", "Imp B;Imptown;abc;x"]
    crm.visitor.open(f"{crm.leads}/import")
    page = crm.visitor.upload(f"{crm.leads}/import", "leads.csv", "\n".join(rows).encode())
    assert "parted by semicolon" in page.words
    assert "1 row has a fault" in page.words
    assert "3 Annual Revenue is no number: abc; Email is no e-mail address: x" in page.words
    assert crm.visitor.twin(f"{crm.leads}?field=City&is=is&value=Imptown")["records"] == []
    sheet = html.unescape(re.search(r'name="sheet" value="([^"]*)"', page.text)[1])
    page = crm.post(f"{crm.leads}/import/run", sheet=sheet, mode="new")
    assert "Imported: 1 of 2" in page.words
    told = crm.visitor.send("/import/report").body.decode("utf-8-sig")
    assert [row[:2] for row in csv.reader(io.StringIO(told))] == [
        ["row", "result"],
        ["2", "done"],
        ["3", "refused"],
    ]
    found = crm.visitor.ask(
        "GET", f"{crm.leads}/export?field=City&is=is&value=Imptown&columns=Last_Name,City"
    )
    lines = list(csv.reader(io.StringIO(found.body.decode("utf-8-sig"))))
    assert [line[1:] for line in lines] == [["Last_Name", "City"], ["'=Imp A", "Imptown"]]


@pytest.mark.parametrize(("tab", "size", "made"), [("timeline", 50, 60), ("Notes", 20, 24)])
def test_what_belongs_to_a_record_is_shown_to_its_end(crm, tab, size, made):
    lead, server = crm.make(City="Here"), crm.visitor.server
    if tab == "timeline":
        changes = {"data": [{"id": lead, "City": f"Town {number}"} for number in range(made - 1)]}
        status = server.call("PUT", "/zoho-crm/crm/v8/Leads", changes)[0]
    else:
        notes = {"data": [{"Note_Content": f"Note {number}"} for number in range(made)]}
        status = server.call("POST", f"/zoho-crm/crm/v8/Leads/{lead}/Notes", notes)[0]
    assert status in {200, 201}
    page = crm.visitor.open(f"{crm.leads}/{lead}?tab={tab}")
    first = crm.visitor.twin(page.at)["part"]["records"]
    assert (len(first), "Previous page" in page.words) == (size, False)
    crm.make()  # Something happens meanwhile.
    assert server.call("PUT", f"/zoho-crm/crm/v8/Leads/{lead}", {"data": [{"City": "Later"}]})[0] == 200
    second = crm.visitor.open(_link(page, "Next page"))
    rest = crm.visitor.twin(second.at)["part"]["records"]
    assert len({json.dumps(each) for each in [*first, *rest]}) == made == len(first) + len(rest)
    assert "Next page" not in second.words
    assert crm.visitor.twin(_link(second, "Previous page"))["part"]["records"] == first
    wrong = crm.visitor.open(f"{crm.leads}/{lead}?tab={tab}&page=2&token=%3Cimg")
    assert (wrong.status, "The first page" in wrong.words, "<img" in wrong.text) == (200, True, False)


def _link(page, title):
    query = re.search(rf'href="[^"?]*[?]([^"]*)">{title}<', page.text)[1]
    return f"{page.at.partition('?')[0]}?{html.unescape(query)}"


def test_no_text_of_a_record_becomes_markup(crm):
    texts = dict.fromkeys(("Last_Name", "Company", "City", "Description", "Designation"), HOSTILE)
    lead = crm.make(**texts)
    record = f"{crm.leads}/{lead}"
    crm.visitor.open(f"{record}?tab=Notes")
    crm.visitor.send("/notes", title=HOSTILE, text=HOSTILE)
    pages = [crm.leads, f"{crm.leads}?word={HOSTILE[-9:]}", record, f"{record}/edit"]
    pages += [f"{record}?tab={tab}" for tab in ("Notes", "timeline", "json", "put")]
    for page in map(crm.visitor.open, pages):
        assert page.status == 200, page.at
        assert "<img src=x" not in page.text, page.at
    assert crm.post(f"{crm.leads}/selected", ids=lead, what="delete").text.count("<img src=x") == 0
    wrong = crm.visitor.open(
        f"{crm.leads}?sort=%3Cimg%20src=x%3E&view=%3Cimg%20src=x%3E&field=%3Cimg&is=%3Cimg"
    )
    assert "<img" not in wrong.text


@pytest.mark.parametrize(
    "path", ["/Leads/new", "/Leads/1/edit", "/Leads/../x", "/Nothing", "/Leads/abc", "/Leads/1"]
)
def test_what_is_not_there_is_no_error_of_the_server(crm, path):
    assert crm.visitor.open(f"{crm.home}{path}").status in ({200} if path.endswith("new") else {400, 404})
    assert crm.visitor.open(f"/console/crm/00000000-0000-4000-8000-000000000000{path}").status == 404


def test_who_only_reads_sees_no_way_to_change(crm, member):
    lead = crm.make()
    approver = member("approver")
    page = approver.open(f"{crm.leads}/{lead}")
    assert (page.status, "Change" in page.words, "Delete" in page.words) == (200, False, False)
    assert "New Lead" not in approver.open(crm.leads).words
    assert approver.open(f"{crm.leads}?sort=City").status == 200
    approver.open(f"{crm.leads}/new")
    refused = approver.send("/new", Last_Name="No")
    assert (refused.status, "may not write" in refused.words) == (403, True)
