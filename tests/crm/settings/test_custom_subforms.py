"""Subforms that an organisation makes for itself: each brings a module for its rows."""

import pytest

from tests.crm.settings.making_fields import create, deleted, field, made, patched, shown, told
from tests.crm.settings.test_custom_fields import TYPES

ROWS = "Surveys"  # The field, and the module of its rows.


@pytest.fixture
def surveys(crm):
    """The id of a subform in the leads, whose rows have a text, a number and a box to tick."""
    (identity,) = made(crm, field("Surveys", "subform"))
    made(crm, field("Finding"), field("Depth", "double"), field("Passed", "boolean"), module=ROWS)
    return identity


def module(crm, name):
    return crm.get(f"settings/modules/{name}").json["modules"][0]


def rows(crm, lead):
    return crm.only(f"Leads/{lead}")[ROWS]


def findings(crm, lead):
    return [row["Finding"] for row in rows(crm, lead)]


def test_a_subform_comes_with_the_module_of_its_rows(crm, surveys):
    document = shown(crm, surveys)
    about = module(crm, ROWS)
    assert document["associated_module"] == {"module": ROWS, "id": about["id"]}
    assert (document["virtual_field"], document["ui_type"], "length" in document) == (True, 500, False)
    assert [document[name] for name in ("searchable", "sortable", "filterable", "mass_update")] == [False] * 4
    assert (about["generated_type"], about["api_supported"], about["plural_label"]) == (
        "subform",
        True,
        "Surveys",
    )
    assert about["parent_module"] == {"api_name": "Leads", "id": module(crm, "Leads")["id"]}
    listed = {one["api_name"]: one for one in crm.get("settings/modules").json["modules"]}
    assert listed[ROWS]["modified_time"] == "2026-02-06T01:10:56-08:00"
    fields = {one["api_name"]: one for one in crm.get("settings/fields", module=ROWS).json["fields"]}
    shipped = {
        one["api_name"]: one for one in crm.get("settings/fields", module="Quoted_Items").json["fields"]
    }
    own = {"Finding", "Depth", "Passed"}
    assert set(fields) - own == {"id", "Parent_Id", "Created_Time", "Modified_Time", "Record_Status__s"}
    assert fields["Parent_Id"]["lookup"]["module"]["api_name"] == "Leads"
    assert all(fields[name].keys() == shipped[name].keys() for name in set(fields) - own)


def test_clients_that_keep_the_modules_are_told_that_there_is_one_more(crm, clock):
    later = {"If-Modified-Since": "2026-02-06T01:10:57-08:00"}
    clock.advance(60)
    made(crm, field("Surveys", "subform"))
    answer = crm.get("settings/modules", headers=later)
    assert [module["api_name"] for module in answer.json["modules"]] == [ROWS]


def test_a_subform_has_a_section_of_its_own_in_the_layout(crm, surveys):
    (layout,) = crm.get("settings/layouts", module="Leads").json["layouts"]
    section = layout["sections"][-1]
    assert (section["isSubformSection"], [f["id"] for f in section["fields"]]) == (True, [surveys])
    (own,) = crm.get("settings/layouts", module=ROWS).json["layouts"]
    names = [f["api_name"] for section in own["sections"] for f in section["fields"]]
    assert names == ["Finding", "Depth", "Passed"]
    assert deleted(crm, surveys).status == 200
    (layout,) = crm.get("settings/layouts", module="Leads").json["layouts"]
    assert not any(section["isSubformSection"] for section in layout["sections"])


def test_rows_are_inserted_changed_and_removed(crm, surveys):
    (lead,) = crm.insert(
        "Leads", {"Last_Name": "a", ROWS: [{"Finding": "rust", "Depth": 1.5}, {"Passed": True}]}
    )
    first, second = rows(crm, lead)
    assert (first["Finding"], first["Depth"], first["Passed"]) == ("rust", 1.5, False)
    assert (second["Finding"], second["Passed"]) == (None, True)
    assert first["Parent_Id"]["id"] == lead and first["Created_Time"] == "2026-02-06T01:10:56-08:00"
    assert crm.only(f"Leads/{lead}")["$has_more"] == {ROWS: False}
    assert ROWS not in crm.get("Leads", fields=f"Last_Name,{ROWS}").data[0]
    changes = [{"id": first["id"], "Depth": 2}, {"id": second["id"], "_delete": None}, {"Finding": "new"}]
    assert crm.put(f"Leads/{lead}", {"data": [{ROWS: changes}]}).status == 200
    assert [(r["Finding"], r["Depth"]) for r in rows(crm, lead)] == [("rust", 2), ("new", None)]
    assert crm.put(f"Leads/{lead}", {"data": [{ROWS: []}]}).status == 200
    assert rows(crm, lead) == []


@pytest.mark.parametrize(
    ("value", "path", "code"),
    [
        ("x", "", "INVALID_DATA"),
        (["x"], "[0]", "INVALID_DATA"),
        ([{"Depth": "deep"}], "[0].Depth", "INVALID_DATA"),
        ([{}, {"id": "5", "Depth": 1}], "[1].id", "INVALID_DATA"),
        ([{}] * 201, "", "INVALID_DATA"),
    ],
)
def test_rows_that_can_not_be_are_refused_where_they_stand(crm, surveys, value, path, code):
    (lead,) = crm.insert("Leads", {"Last_Name": "a"})
    answer = crm.put("Leads", {"data": [{"id": lead, ROWS: value}]})
    assert (answer.status, answer.data[0]["code"]) == (400, code)
    assert answer.data[0]["details"]["json_path"] == f"$.data[0].{ROWS}{path}"
    assert rows(crm, lead) == []


@pytest.mark.parametrize("data_type", TYPES)
def test_a_row_has_fields_of_each_type_by_which_its_module_is_searched_and_sorted(crm, data_type):
    more, value, expected, search = TYPES[data_type]
    made(crm, field("Surveys", "subform"))
    (identity,) = made(crm, field("Own berth", data_type, **more), module=ROWS)
    (lead,) = crm.insert("Leads", {"Last_Name": "a", ROWS: [{"Own_berth": value}, {}]})
    with_value, without = rows(crm, lead)
    empty = False if data_type == "boolean" else None
    assert (with_value["Own_berth"], without["Own_berth"]) == (expected, empty)
    assert crm.only(f"{ROWS}/{with_value['id']}")["Own_berth"] == expected
    operator, _, text = search.partition(":")
    answer = crm.get(f"{ROWS}/search", criteria=f"(Own_berth:{operator}:{text})")
    assert [row["id"] for row in answer.data] == [with_value["id"]]
    if shown(crm, identity, ROWS)["sortable"]:
        ordered = crm.get(
            f"{ROWS}/search", criteria=f"(Parent_Id:equals:{lead})", sort_by="Own_berth", sort_order="asc"
        )
        assert [row["id"] for row in ordered.data] == [without["id"], with_value["id"]]


def test_a_row_looks_up_other_records_which_show_what_points_to_them(crm, surveys):
    lookup = {"module": {"api_name": "Vendors"}, "display_label": "Surveys there"}
    made(crm, field("Yard", "lookup", lookup=lookup), module=ROWS)
    (vendor,) = crm.insert("Vendors", {"Vendor_Name": "Dry dock"})
    (lead,) = crm.insert("Leads", {"Last_Name": "a", ROWS: [{"Yard": {"id": vendor}}, {"Yard": vendor}]})
    assert [row["Yard"] for row in rows(crm, lead)] == [{"name": "Dry dock", "id": vendor}] * 2
    refused = crm.post("Leads", {"data": [{"Last_Name": "b", ROWS: [{"Yard": {"id": "5"}}]}]})
    assert refused.data[0]["details"]["json_path"] == f"$.data[0].{ROWS}[0].Yard"

    def lists():
        answer = crm.get("settings/related_lists", module="Vendors")
        return [related_list["api_name"] for related_list in answer.json["related_lists"]]

    assert "Surveys_there" in lists()
    assert deleted(crm, surveys).status == 200
    assert "Surveys_there" not in lists()


def test_rows_are_listed_and_counted_and_change_with_their_record_alone(crm, surveys):
    (lead,) = crm.insert("Leads", {"Last_Name": "a", ROWS: [{"Finding": "rust"}, {"Finding": "worms"}]})
    first, second = (row["id"] for row in rows(crm, lead))
    assert [row["id"] for row in crm.get(ROWS, fields="Finding").data] == [second, first]
    assert crm.get(f"{ROWS}/actions/count").json == {"count": 2}
    assert [row["id"] for row in crm.get(f"{ROWS}/search", word="worm").data] == [second]
    for refused in (
        crm.post(ROWS, {"data": [{"Finding": "x"}]}),
        crm.put(f"{ROWS}/{first}", {"data": [{"Finding": "x"}]}),
        crm.delete(f"{ROWS}/{first}"),
    ):
        assert (refused.status, refused.json["code"]) == (400, "INVALID_MODULE")
    assert findings(crm, lead) == ["rust", "worms"]


def test_records_are_not_searched_or_sorted_by_their_rows(crm, surveys):
    refused = crm.get("Leads/search", criteria=f"({ROWS}:equals:rust)")
    assert (refused.status, refused.json["code"]) == (400, "INVALID_QUERY")
    refused = crm.get("Leads/search", criteria="(Last_Name:equals:a)", sort_by=ROWS)
    assert (refused.status, refused.json["code"]) == (400, "INVALID_DATA")


def test_rows_leave_with_their_record(crm, surveys):
    (lead,) = crm.insert("Leads", {"Last_Name": "a", ROWS: [{"Finding": "rust"}]})
    assert crm.delete(f"Leads/{lead}").status == 200
    assert crm.get(ROWS, fields="Finding").status == 204
    assert crm.get(f"{ROWS}/search", word="rust").status == 204


def test_an_upsert_and_a_copy_make_rows_too(crm, surveys):
    record = {"Last_Name": "a", "Email": "a@b.example", ROWS: [{"Finding": "rust"}]}
    (lead,) = crm.insert("Leads", record)
    copied = crm.post("Leads", {"data": [{"Last_Name": "b", ROWS: rows(crm, lead)}]}).data[0]["details"]["id"]
    assert findings(crm, copied) == ["rust"]
    upserted = crm.post("Leads/upsert", {"data": [record]})
    assert (upserted.data[0]["action"], findings(crm, lead)) == ("update", ["rust", "rust"])


def test_totals_of_a_quote_do_not_depend_on_its_other_rows(crm):
    made(crm, field("Surveys", "subform"), module="Quotes")
    made(crm, field("List Price"), field("Product Name"), module=ROWS)
    (product,) = crm.insert("Products", {"Product_Name": "Buoy", "Unit_Price": 10})
    items = [{"Product_Name": {"id": product}, "Quantity": 3}]
    (quote,) = crm.insert(
        "Quotes", {"Subject": "a", "Quoted_Items": items, ROWS: [{"Product_Name": product}]}
    )
    assert crm.put(f"Quotes/{quote}", {"data": [{"Discount": 5, ROWS: [{"List_Price": "9"}]}]}).status == 200
    record = crm.only(f"Quotes/{quote}")
    assert (record["Sub_Total"], record["Grand_Total"]) == (30, 25)
    assert [row["List_Price"] for row in record[ROWS]] == [None, "9"]


def test_a_deleted_subform_takes_its_module_along_and_frees_both_names(crm, surveys):
    (lead,) = crm.insert("Leads", {"Last_Name": "a", ROWS: [{"Finding": "rust"}]})
    assert deleted(crm, surveys).json["fields"][0]["message"] == "field deleted"
    assert ROWS not in crm.only(f"Leads/{lead}")
    assert crm.get(ROWS, fields="Finding").json["code"] == "INVALID_MODULE"
    assert crm.get(f"settings/modules/{ROWS}").json["code"] == "INVALID_MODULE"
    assert crm.get("settings/layouts", module=ROWS).json["code"] == "INVALID_MODULE"
    made(crm, field("Surveys", "subform"))
    assert rows(crm, lead) == []
    assert crm.put(f"Leads/{lead}", {"data": [{ROWS: [{}]}]}).status == 200
    assert len(rows(crm, lead)) == 1


def test_fields_of_rows_are_deleted_and_those_of_the_system_are_not(crm, surveys):
    fields = {
        field["api_name"]: field["id"] for field in crm.get("settings/fields", module=ROWS).json["fields"]
    }
    assert deleted(crm, fields["Depth"], ROWS).status == 200
    assert deleted(crm, fields["Parent_Id"], ROWS).json["code"] == "NOT_ALLOWED"
    (lead,) = crm.insert("Leads", {"Last_Name": "a", ROWS: [{"Finding": "rust", "Depth": 1}]})
    assert "Depth" not in rows(crm, lead)[0]


def test_the_module_of_rows_has_a_name_that_no_other_has(crm):
    made(crm, field("Visits", "subform"), field("Vendors", "subform"), field("users", "subform"))
    fields = {
        candidate["api_name"]: candidate
        for candidate in crm.get("settings/fields", module="Leads").json["fields"]
    }
    names = [fields[name]["associated_module"]["module"] for name in ("Visits", "Vendors", "users")]
    assert names == ["Visits1", "Vendors1", "users1"]
    made(crm, field("Visits", "subform"), module="Deals")
    (lead,) = crm.insert("Leads", {"Last_Name": "a", "Vendors": [{}]})
    assert len(crm.only(f"Leads/{lead}")["Vendors"]) == 1


BAD = {
    "fields in it": (field("a", "subform", fields=[field("b")]), "NOT_SUPPORTED", "fields"),
    "a module of its own": (
        field("a", "subform", associated_module={"module": "Deals"}), "NOT_SUPPORTED", "associated_module",
    ),
    "a unique one": (field("a", "subform", unique={"case_sensitive": False}), "NOT_ALLOWED", "unique"),
}  # fmt: skip
BAD_IN_ROWS = {
    "a subform": (field("a", "subform"), "NOT_ALLOWED", "data_type"),
    "an autonumber": (field("a", "autonumber", auto_number={"start_number": 1}), "NOT_ALLOWED", "data_type"),
    "a unique field": (field("a", unique={"case_sensitive": False}), "NOT_ALLOWED", "unique"),
    "a taken label": (field("Parent ID"), "DUPLICATE_DATA", "field_label"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_a_subform_can_not_be_is_refused_by_name(kept_crm, case):
    asked, code, place = BAD[case]
    assert told(create(kept_crm, asked)) == [(code, f"$.fields[0].{place}")]
    assert kept_crm.get("settings/modules/a").status == 400


@pytest.mark.parametrize("case", BAD_IN_ROWS)
def test_what_a_row_can_not_have_is_refused_by_name(crm, surveys, case):
    asked, code, place = BAD_IN_ROWS[case]
    assert told(create(crm, asked, module=ROWS)) == [(code, f"$.fields[0].{place}")]


def test_nothing_looks_up_rows(crm, surveys):
    lookup = {"module": {"api_name": ROWS}, "display_label": "b"}
    assert told(create(crm, field("a", "lookup", lookup=lookup))) == [
        ("INVALID_DATA", "$.fields[0].lookup.module.api_name")
    ]


def test_a_subform_is_renamed_and_stays_what_it_is(crm, surveys):
    assert patched(crm, surveys, {"field_label": "Inspections", "length": 7}).status == 200
    assert (shown(crm, surveys)["field_label"], shown(crm, surveys)["api_name"]) == ("Inspections", ROWS)
    (text,) = (
        field["id"]
        for field in crm.get("settings/fields", module=ROWS).json["fields"]
        if field["api_name"] == "Finding"
    )
    assert told(patched(crm, text, {"unique": {}}, ROWS)) == [("NOT_ALLOWED", "$.fields[0].unique")]
    assert patched(crm, text, {"field_label": "Result"}, ROWS).status == 200


def test_snapshots_keep_subforms_and_their_rows(crm, surveys, service, tmp_path):
    (lead,) = crm.insert("Leads", {"Last_Name": "a", ROWS: [{"Finding": "rust"}]})
    service.organisations.snapshot("acme", tmp_path / "with.db")
    crm.put(f"Leads/{lead}", {"data": [{ROWS: [{"Finding": "later"}]}]})
    assert deleted(crm, surveys).status == 200
    service.organisations.restore("acme", tmp_path / "with.db")
    assert findings(crm, lead) == ["rust"]
    assert len(crm.get(f"{ROWS}/search", word="rust").data) == 1
    service.organisations.reset("acme")
    assert crm.get(f"settings/modules/{ROWS}").status == 400
