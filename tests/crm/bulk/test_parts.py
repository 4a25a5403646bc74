"""Bulk writes of rows of subforms, and of links to other records."""

import pytest

from tests.crm.bulk.conftest import SCOPE
from tests.crm.bulk.test_bulk_write import asked, file_id, outcomes, write  # noqa: F401
from tests.crm.settings.making_fields import field, made

FINDINGS = [
    {"api_name": "Finding", "index": 1},
    {"api_name": "Depth", "index": 2},
    {"api_name": "Parent_Id", "index": 0, "find_by": "Email"},
]


@pytest.fixture
def surveys(crm):
    """Two leads, whose subform has a text and a number."""
    made(crm, field("Surveys", "subform"))
    made(crm, field("Finding"), field("Depth", "double"), module="Surveys")
    return crm.insert("Leads", *({"Last_Name": name, "Email": f"{name}@x.example"} for name in "ab"))


def findings(crm, lead):
    return [(row["Finding"], row["Depth"]) for row in crm.only(f"Leads/{lead}")["Surveys"]]


def resource(file, mappings, module="Surveys", **more):
    return {"module": {"api_name": module}, "file_id": file, "field_mappings": mappings, **more}


@pytest.mark.every_storage
def test_rows_are_added_to_their_records_each_with_its_outcome(crm, surveys, write, outcomes):  # noqa: F811
    csv = "of,what,deep\na@x.example,one,1.5\nb@x.example,two,deep\na@x.example,three,3\n"
    csv += "nobody@x.example,four,4\n,five,5\nb@x.example,six,6\n"
    shown = write(crm, resource(file_id(crm, **{"s.csv": csv}), FINDINGS))
    counts = shown["resource"][0]["file"]
    assert [counts[key] for key in ("added_count", "skipped_count", "total_count")] == [3, 3, 6]
    assert [findings(crm, lead) for lead in surveys] == [[("one", 1.5), ("three", 3.0)], [("six", 6.0)]]
    [[_, *rows]] = outcomes(crm, shown).values()
    ids = [[row["id"] for row in crm.only(f"Leads/{lead}")["Surveys"]] for lead in surveys]
    assert [row[-3:] for row in rows] == [
        ["ADDED", ids[0][0], ""],
        ["SKIPPED", "", "INVALID_DATA-Depth"],
        ["ADDED", ids[0][1], ""],
        ["SKIPPED", "", "INVALID_DATA-Parent_Id"],
        ["SKIPPED", "", "MANDATORY_NOT_FOUND-Parent_Id"],
        ["ADDED", ids[1][0], ""],
    ]
    csv = f"id,Depth\n{ids[0][1]},33\n{surveys[0]},1\n"
    shown = write(crm, resource(file_id(crm, **{"s.csv": csv}), [], find_by="id"), operation="update")
    [[_, *rows]] = outcomes(crm, shown).values()
    assert [row[-3:] for row in rows] == [
        ["UPDATED", ids[0][1], ""],
        ["SKIPPED", "", "MANDATORY_NOT_FOUND-Parent_Id"],
    ]
    assert findings(crm, surveys[0]) == [("one", 1.5), ("three", 33.0)]


def test_parents_come_with_their_rows(crm, surveys, write):  # noqa: F811
    file = file_id(crm, **{"l.csv": "key,name\n1,One\n2,Two\n", "s.csv": "of,what\n2,x\n2,y\n1,z\n"})
    leads = resource(file, [{"api_name": "Last_Name", "index": 1}], "Leads", file_names=["l.csv"])
    mappings = [{"api_name": "Finding", "index": 1}]
    mappings += [{"api_name": "Parent_Id", "index": 0, "parent_column_index": 0}]
    write(crm, leads, resource(file, mappings, file_names=["s.csv"]))
    found = {lead["Last_Name"]: lead["id"] for lead in crm.get("Leads", fields="Last_Name").data}
    assert [[what for what, _ in findings(crm, found[name])] for name in ("One", "Two")] == [
        ["z"],
        ["x", "y"],
    ]


def test_links_to_other_records_are_rows_of_their_own_module(crm, write, outcomes):  # noqa: F811
    links = {"connected_details": {"module": {"api_name": "Products"}}}
    made(crm, field("Interests", "multiselectlookup", multiselectlookup=links))
    (lead,) = crm.insert("Leads", {"Last_Name": "a", "Email": "a@x.example"})
    crm.insert("Products", {"Product_Name": "Buoy"}, {"Product_Name": "Rope"})
    module = next(
        each["multiselectlookup"]["linking_module"]["api_name"]
        for each in crm.get("settings/fields", module="Leads").json["fields"]
        if each["api_name"] == "Interests"
    )
    names = [
        each["api_name"]
        for each in crm.get("settings/fields", module=module).json["fields"]
        if each["data_type"] == "lookup"
    ]
    to_product = next(name for name in names if name == "Interests")
    to_lead = next(name for name in names if name != to_product)
    mappings = [{"api_name": to_lead, "index": 0, "find_by": "Email"}]
    mappings += [{"api_name": to_product, "index": 1, "find_by": "Product_Name"}]
    csv = "of,to\na@x.example,Buoy\na@x.example,Rope\na@x.example,Sail\n"
    shown = write(crm, resource(file_id(crm, **{"s.csv": csv}), mappings, module))
    [[_, *rows]] = outcomes(crm, shown).values()
    assert [row[-3] for row in rows] == ["ADDED", "ADDED", "SKIPPED"]
    assert [link["Interests"]["name"] for link in crm.only(f"Leads/{lead}")["Interests"]] == ["Buoy", "Rope"]


def test_rows_need_their_record_and_the_right_to_change_it(crm, surveys, caller_of):
    file = file_id(crm, **{"s.csv": "what\nx\n"})
    refused = asked(crm, resource(file, [{"api_name": "Finding", "index": 0}]))
    assert refused.json["code"] == "MANDATORY_FIELDS_NOT_MAPPED"
    assert refused.json["details"] == {"api_names": ["Parent_Id"]}
    update = resource(file, [{"api_name": "Finding", "index": 0}], find_by="Finding")
    assert asked(crm, update, operation="update").json["code"] == "INVALID_FIELD"
    others = caller_of("acme", SCOPE.replace("ZohoCRM.modules.ALL", "ZohoCRM.modules.custom.ALL"))
    assert asked(others, resource(file, FINDINGS)).json["code"] == "OAUTH_SCOPE_MISMATCH"
