"""Fields for files: made, changed, deleted and shown; what can be no file is refused by its place."""

import pytest

from tests.crm.settings.test_custom_fields import create, field, made, patched, shown, told

TYPES = {"fileupload": (5, 555), "imageupload": (10, 556)}


@pytest.mark.parametrize("data_type", TYPES)
def test_a_field_for_files_is_made_shown_and_deleted(crm, data_type):
    most, ui_type = TYPES[data_type]
    (first, all_) = made(crm, field("Papers", data_type, length=1), field("More papers", data_type))
    document = shown(crm, first)
    expected = {
        "api_name": "Papers",
        "data_type": data_type,
        "json_type": "jsonarray",
        "length": 1,
        "ui_type": ui_type,
        "associated_module": None,
        "searchable": False,
        "sortable": False,
        "filterable": False,
    }
    assert {key: document[key] for key in expected} == expected
    assert shown(crm, all_)["length"] == most
    assert told(patched(crm, all_, {"length": 1})) == [("NOT_ALLOWED", "$.fields[0].length")]
    assert patched(crm, first, {"length": most, "field_label": "Ship's papers"}).status == 200
    assert (shown(crm, first)["length"], shown(crm, first)["field_label"]) == (most, "Ship's papers")
    assert crm.call("DELETE", f"settings/fields/{first}", {"module": "Leads"}).status == 200
    assert crm.get(f"settings/fields/{first}", module="Leads").status == 204


@pytest.mark.parametrize(
    ("data_type", "length"), [("fileupload", 2), ("fileupload", 6), ("imageupload", 0), ("imageupload", 11)]
)
def test_so_many_files_a_field_can_not_have(kept_crm, data_type, length):
    assert told(create(kept_crm, field("Papers", data_type, length=length))) == [
        ("INVALID_DATA", "$.fields[0].length")
    ]


@pytest.mark.parametrize("data_type", TYPES)
def test_a_record_without_files_shows_null(crm, data_type):
    made(crm, field("Papers", data_type))
    ids = crm.insert(
        "Leads", *({"Last_Name": "a", "Papers": value} for value in (None, [])), {"Last_Name": "b"}
    )
    assert crm.put(f"Leads/{ids[0]}", {"data": [{"Papers": []}]}).status == 200
    assert [row["Papers"] for row in crm.get("Leads", fields="Papers").data] == [None] * 3
    assert crm.only(f"Leads/{ids[0]}")["Papers"] is None


WRONG = {
    "no array": ("x", "INVALID_DATA", ""),
    "too many": ([{"File_Id__s": "x"}] * 11, "INVALID_DATA", ""),
    "no object": (["x"], "INVALID_DATA", "[0]"),
    "no id": ([{"Sequence_Number__s": 1}], "MANDATORY_NOT_FOUND", "[0].File_Id__s"),
    "an unknown file": ([{"File_Id__s": "ae9c7cef"}], "INVALID_DATA", "[0].File_Id__s"),
    "an unknown row": ([{"id": "5"}], "INVALID_DATA", "[0].id"),
    "an unknown row to delete": ([{"id": "5", "_delete": None}], "INVALID_DATA", "[0].id"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("data_type", TYPES)
def test_an_unknown_file_is_refused_by_its_place(crm, data_type, case):
    value, code, place = WRONG[case]
    made(crm, field("Papers", data_type))
    (lead,) = crm.insert("Leads", {"Last_Name": "a"})
    record = {"Last_Name": "a", "Papers": value}
    for answer in (crm.post("Leads", {"data": [record]}), crm.put(f"Leads/{lead}", {"data": [record]})):
        assert answer.status == 400
        (outcome,) = answer.data
        assert (outcome["code"], outcome["details"]["json_path"]) == (code, f"$.data[0].Papers{place}")
    assert len(crm.get("Leads", fields="id").data) == 1


def test_files_are_neither_searched_nor_sorted_by(crm):
    made(crm, field("Papers", "fileupload"))
    crm.insert("Leads", {"Last_Name": "a"})
    refused = crm.get("Leads/search", criteria="(Papers:equals:x)")
    assert (refused.status, refused.json["code"]) == (400, "INVALID_QUERY")
    assert crm.get("Leads/search", criteria="(Last_Name:equals:a)", sort_by="Papers").status == 400
