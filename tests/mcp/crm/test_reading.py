"""The tools that read, before the sample records."""

import json

import pytest

from moorage.mcp.answers import HARD_CAP, SOFT_CAP
from moorage.mcp.errors import ToolFailed
from moorage.mcp.texts import size
from tests.mcp.agent import rows_of


def test_a_search_costs_one_call_once_the_module_is_known(tools):
    assert len(tools.calls("search_records", module="Leads", words="an*")) == 2
    assert len(tools.calls("search_records", module="Leads", words="be*")) == 1
    assert len(tools.calls("search_records", module="Leads", fields=["City"], email="x@y.example")) == 1


def test_what_one_key_has_learned_is_not_told_to_another_one(tools):
    tools("search_records", module="Leads")
    tools.key = "another"
    assert len(tools.calls("search_records", module="Leads")) == 2


def test_a_list_has_the_columns_of_its_view_and_values_that_are_short(tools, demo):
    table = tools("search_records", module="Contacts", limit=5)
    assert table["columns"][0] == "id"
    assert len(table["columns"]) <= 9
    assert all(len(row) == len(table["columns"]) for row in table["rows"])
    assert all(isinstance(row[0], str) and row[0].isdigit() for row in table["rows"])
    name = next(cell for cell in table["rows"][0] if isinstance(cell, str) and cell.endswith(")"))
    assert name[:-1].rpartition("(")[2].isdigit()
    assert all(any(row[place] is not None for row in table["rows"]) for place in range(len(table["columns"])))


@pytest.mark.parametrize("way", [{}, {"where": "(Last_Name:not_equal:x)"}], ids=["list", "search"])
def test_pages_go_on_until_the_end_without_a_gap(tools, demo, way):
    asked = {"module": "Leads", "fields": ["Last_Name"], "limit": 7, **way}
    seen, cursor, pages = [], None, 0
    while pages < 40:
        table = tools("search_records", **asked, **({"cursor": cursor} if cursor else {}))
        seen += [row[0] for row in table["rows"]]
        pages += 1
        cursor = table.get("cursor")
        if cursor is None:
            break
    count = demo.get("Leads/actions/count").json["count"]
    assert (len(seen), len(set(seen)), table["total"]) == (count, count, count)


def test_a_cursor_goes_on_with_its_own_arguments_only(tools):
    cursor = tools("search_records", module="Leads", limit=2)["cursor"]
    for other in [{"module": "Contacts", "limit": 2}, {"module": "Leads", "limit": 3}, {"module": "Leads"}]:
        with pytest.raises(ToolFailed, match="other arguments"):
            tools("search_records", **other, cursor=cursor)
    assert cursor in tools.told.content()


def test_a_long_list_stops_at_a_row_and_goes_on_there(tools, demo):
    demo.insert("Vendors", *({"Vendor_Name": f"V{n}", "Description": "x" * 2000} for n in range(100)))
    asked = {"module": "Vendors", "fields": ["Vendor_Name", "Description"], "limit": 100}
    first = tools("search_records", **asked)
    assert size(first) <= SOFT_CAP + 500
    assert "query_records" in first["note"]
    assert first["rows"][0][2] == "x" * 300 + "… (+1,700 characters)"
    second = tools("search_records", **asked, cursor=first["cursor"])
    names = [row[1] for row in first["rows"] + second["rows"]]
    assert names == [f"V{n}" for n in range(99, 99 - len(names), -1)]


def test_a_field_that_there_is_not_is_told(tools):
    table = tools("search_records", module="Leads", fields=["Last_Name,Compny"], limit=1)
    assert table["columns"] == ["id", "Last_Name", "Compny"]
    assert table["note"] == "Leads has no field 'Compny'. Did you mean Company?"


@pytest.mark.parametrize(
    ("arguments", "message", "step"),
    [
        (
            {"module": "Lead"},
            "There is no module 'Lead' with records. Did you mean Leads?",
            "describe_module",
        ),
        ({"module": "../org"}, "letters, digits and underscores", ""),
        ({"module": "org"}, "There is no module 'org'", "describe_module"),
        ({"module": "Leads", "words": "a", "email": "b"}, "only one of", "where"),
        (
            {"module": "Leads", "where": "(Cty:equals:x)"},
            "INVALID_QUERY|Invalid query|400",
            "describe_module",
        ),
    ],
)
def test_a_search_that_cant_be_made_says_what_would_be_right(tools, arguments, message, step):
    with pytest.raises(ToolFailed, match=message) as failed:
        tools("search_records", **arguments)
    assert step in (failed.value.step or "")


def test_where_the_metadata_cant_be_read_a_list_has_usual_columns(tools):
    tools.door.answers = [(403, {"code": "NO_PERMISSION", "message": "permission denied", "details": {}})]
    assert {"id", "Full_Name", "Company"} <= set(tools("search_records", module="Leads", limit=3)["columns"])


def test_a_query_has_its_columns_in_their_order(tools):
    table = tools(
        "query_records",
        coql="select Company, id, Last_Name as name from Leads where id is not null;",
        limit=2,
    )
    assert table["columns"] == ["Company", "id", "name"]
    assert len(table["rows"]) == 2
    table = tools(
        "query_records",
        coql="SELECT count( id ), Lead_Source FROM Leads WHERE Last_Name is not null GROUP BY Lead_Source",
    )
    assert [name.lower() for name in table["columns"]] == ["count(id)", "lead_source"]
    assert all(isinstance(row[0], int) for row in table["rows"])


@pytest.mark.parametrize("end", ["", " limit 5", " LIMIT 2, 5", " limit 5 offset 2"])
def test_a_query_goes_on_up_to_its_own_limit(tools, demo, end):
    coql = f"select Last_Name from Leads where id is not null order by id{end}"
    everything = [
        row["id"] for row in demo.post("coql", {"select_query": coql + ("" if end else " limit 200")}).data
    ]
    seen, cursor, column = [], None, None
    while True:
        table = tools("query_records", coql=coql, limit=3, **({"cursor": cursor} if cursor else {}))
        column = table["columns"].index("id")
        seen += [row[column] for row in table["rows"]]
        cursor = table.get("cursor")
        if cursor is None:
            break
    assert seen == everything


def test_a_query_that_finds_nothing_has_its_columns(tools):
    table = tools(
        "query_records", coql="select Last_Name, Company as c from Leads where Last_Name = 'nobody'"
    )
    assert table == {"columns": ["Last_Name", "c"], "rows": []}


def test_an_error_of_a_query_says_where(tools):
    with pytest.raises(ToolFailed) as failed:
        tools("query_records", coql="select Last_Name\nfrom Leads where Last_Name =")
    assert failed.value.code == "SYNTAX_ERROR"
    assert "near: " in failed.value.message or "line: " in failed.value.message
    with pytest.raises(ToolFailed) as failed:
        tools("query_records", coql="select id from Deals where Stage not like 'Closed%'")
    assert "picklists take" in failed.value.step


def test_whole_records_have_what_there_is(tools, demo):
    (lead,) = demo.insert("Leads", {"Last_Name": "Gill", "Company": "Acme"})
    (record,) = tools("get_records", module="Leads", ids=[lead, "1"])["records"]
    assert (record["Last_Name"], record["id"]) == ("Gill", lead)
    assert tools.data["missing"] == ["1"]
    assert not [name for name, value in record.items() if name.startswith("$") or value in (None, [], {})]
    assert record["Owner"].endswith(")")
    assert len(tools.calls("get_records", module="Leads", ids=[lead], fields=["Company"])) == 1


def test_many_records_are_read_in_one_call_in_their_order(tools, demo):
    ids = [record["id"] for record in demo.get("Leads", fields="id", per_page=12).data][::-1]
    assert len(tools.calls("get_records", module="Leads", ids=ids)) == 2
    assert [record["id"] for record in tools.data["records"]] == ids
    assert "name others in fields" in tools.data["note"]


def test_a_long_text_is_cut_unless_its_field_is_asked_for_alone(tools, demo):
    text = "\N{SNOWMAN}line\n" * 5000
    (vendor,) = demo.insert("Vendors", {"Vendor_Name": "V", "Description": text})
    (record,) = tools("get_records", module="Vendors", ids=[vendor])["records"]
    assert record["Description"] == text[:2000] + "… (+28,000 characters)"
    (record,) = tools("get_records", module="Vendors", ids=[vendor], fields=["Description"])["records"]
    assert record["Description"] == text
    demo.put("Vendors", {"data": [{"id": vendor, "Description": "\N{SNOWMAN}" * 32_000}]})
    (record,) = tools("get_records", module="Vendors", ids=[vendor], fields=["Description"])["records"]
    assert record["Description"].endswith(" characters)")
    assert size(tools.data) <= HARD_CAP


def test_records_that_do_not_fit_are_named(tools, demo):
    texts = {"Vendor_Name": "V", **dict.fromkeys(["Description", "GL_Account"], "")}
    ids = demo.insert("Vendors", *[{**texts, "Description": "x" * 5000}] * 9)
    data = tools("get_records", module="Vendors", ids=ids)
    shown = [record["id"] for record in data["records"]]
    assert 1 <= len(shown) < 9
    assert shown + data["left"] == ids
    assert size(data) <= SOFT_CAP + 1000


def test_notes_and_related_lists_come_along(tools, demo):
    contact = demo.get("Contacts", fields="Account_Name", per_page=200).data
    account = next(record["Account_Name"]["id"] for record in contact if record["Account_Name"])
    demo.post(f"Accounts/{account}/Notes", {"data": [{"Note_Title": "Tide", "Note_Content": "High | at 4"}]})
    related = tools("get_records", module="Accounts", ids=[account], include="notes")["related"]
    assert "High | at 4" in json.dumps(related[account]["rows"])
    related = tools("get_records", module="Accounts", ids=[account], include="related:Contacts")["related"]
    assert related[account]["rows"]
    assert "Related:" in tools.told.text
    with pytest.raises(ToolFailed, match="no related list Contcts") as failed:
        tools("get_records", module="Accounts", ids=[account], include="related:Contcts")
    assert "Contacts" in failed.value.step
    with pytest.raises(ToolFailed, match="include is possible for 10"):
        tools("get_records", module="Accounts", ids=[str(n) for n in range(11)], include="notes")


def test_modules_and_fields_are_described(tools):
    modules = {row[0] for row in tools("describe_module")["rows"]}
    assert {"Leads", "Contacts", "Deals"} <= modules
    data = tools("describe_module", module="Deals")
    fields = {row["name"]: row for row in rows_of(data)}
    assert "required" in fields["Deal_Name"]["rules"]
    assert fields["Account_Name"]["module"] == "Accounts"
    assert "read-only" in fields["Created_Time"]["rules"]
    assert "Closed Won" in fields["Stage"]["options"]
    assert data["records"] > 0
    assert size(data) <= SOFT_CAP + 500
    assert [row[0] for row in tools("describe_module", module="Deals", match="closing")["rows"]] == [
        "Closing_Date"
    ]
    required = tools("describe_module", module="Deals", match="required")["rows"]
    assert {row[0] for row in required} == {
        name for name, row in fields.items() if "required" in (row["rules"] or "")
    }
    assert "Account_Name" in {
        row[0] for row in tools("describe_module", module="Deals", match="lookup")["rows"]
    }
    with pytest.raises(ToolFailed, match="Did you mean Deals"):
        tools("describe_module", module="Deal")


def test_a_long_picklist_says_how_many_more_there_are(tools, demo):
    values = [{"display_value": f"Option {n}"} for n in range(50)]
    field = {"field_label": "Long", "data_type": "picklist", "pick_list_values": values}
    demo.post("settings/fields", {"fields": [field]}, module="Leads")
    data = tools("describe_module", module="Leads", match="L")
    row = next(row for row in rows_of(data) if row["name"] == "Long")
    assert (len(row["options"]), row["more_options"] >= 30) == (20, True)
    data = tools("describe_module", module="Leads", match="Long")
    row = rows_of(data)[0]
    assert len(row["options"]) >= 50


def test_whoever_looks_for_the_owner_sees_who_can_be_one(tools, demo):
    data = tools("describe_module", module="Leads", match="Owner")
    row = next(row for row in rows_of(data) if row["name"] == "Owner")
    users = demo.get("users", type="ActiveUsers").json["users"]
    assert row["options"] == [f"{user['full_name']} ({user['id']})" for user in users]
    data = tools("describe_module", module="Leads")
    assert "Owner" in {row[0] for row in data["rows"]}
    assert ("GET", "/crm/v8/users") not in tools.calls("describe_module", module="Leads")
