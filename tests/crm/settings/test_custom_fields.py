"""Fields that an organisation makes for itself: made, changed, deleted, and used as every other."""

import pytest

from tests.crm.settings.making_fields import create, field, made, patched, shown, told

OPTIONS = [
    {"display_value": "North", "actual_value": "North"},
    {"display_value": "South", "actual_value": "South"},
]
# By type: what the field says, a value, how it is shown, and a search that finds it, if there is one.
TYPES = {
    "text": ({"length": 40}, "Quay 7", "Quay 7", "equals:quay 7"),
    "textarea": ({"textarea": {"type": "large"}}, "two\nlines", "two\nlines", "starts_with:two"),
    "email": ({}, "a@b.example", "a@b.example", "equals:A@b.example"),
    "phone": ({}, "+1 555-0100", "+1 555-0100", "equals:15550100"),
    "website": ({"length": 450}, "https://a.example", "https://a.example", "equals:https://a.example"),
    "picklist": ({"pick_list_values": OPTIONS}, "North", "North", "equals:North"),
    "multiselectpicklist": ({"pick_list_values": OPTIONS}, ["South"], ["South"], "equals:South"),
    "integer": ({"length": 4}, 42, 42, "between:41,43"),
    "bigint": ({}, "123456789012", "123456789012", "equals:123456789012"),
    "double": ({"length": 9, "decimal_place": 3}, 1.2345, 1.234, "greater_than:1.2"),
    "currency": ({"currency": {"rounding_option": "normal", "precision": 2}}, 9.5, 9.5, "less_equal:9.5"),
    "percent": ({}, 12.5, 12.5, "equals:12.5"),
    "date": ({}, "2026-02-06", "2026-02-06", "equals:2026-02-06"),
    "datetime": ({}, "2026-02-06T09:10:56Z", "2026-02-06T01:10:56-08:00", "equals:2026-02-06T09:10:56Z"),
    "boolean": ({}, True, True, "equals:true"),
}


@pytest.mark.parametrize("data_type", TYPES)
def test_a_field_of_each_type_is_made_written_searched_sorted_and_shown(crm, data_type):
    more, value, expected, search = TYPES[data_type]
    (identity,) = made(crm, field("Own berth", data_type, **more))
    document = shown(crm, identity)
    assert (document["api_name"], document["data_type"], document["custom_field"]) == (
        "Own_berth",
        data_type,
        True,
    )
    assert [layout["name"] for layout in document["layout_associations"]] == ["Standard"]
    with_value, without = crm.insert("Leads", {"Last_Name": "a", "Own_berth": value}, {"Last_Name": "b"})
    assert crm.only(f"Leads/{with_value}")["Own_berth"] == expected
    empty = False if data_type == "boolean" else [] if data_type == "multiselectpicklist" else None
    assert crm.only(f"Leads/{without}")["Own_berth"] in (empty, None)
    listed = {row["id"]: row["Own_berth"] for row in crm.get("Leads", fields="Own_berth").data}
    assert listed[with_value] == expected
    operator, _, text = search.partition(":")
    answer = crm.get("Leads/search", criteria=f"(Own_berth:{operator}:{text})")
    assert [row["id"] for row in answer.data] == [with_value]
    if document["sortable"]:
        ordered = crm.get(
            "Leads/search", word="", criteria="(Last_Name:in:a,b)", sort_by="Own_berth", sort_order="asc"
        )
        assert [row["id"] for row in ordered.data] == [without, with_value]
    assert crm.put(f"Leads/{with_value}", {"data": [{"Own_berth": None}]}).status == 200
    assert crm.get("Leads/search", criteria=f"(Own_berth:{operator}:{text})").status == 204


def test_a_lookup_leads_to_another_module_which_shows_what_points_to_it(crm):
    lookup = {"module": {"api_name": "Accounts"}, "display_label": "Berths here"}
    (identity,) = made(crm, field("Harbour", "lookup", lookup=lookup))
    (account,) = crm.insert("Accounts", {"Account_Name": "Port"})
    (lead,) = crm.insert("Leads", {"Last_Name": "a", "Harbour": {"id": account}})
    assert crm.only(f"Leads/{lead}")["Harbour"] == {"name": "Port", "id": account}
    assert crm.get("Leads/search", criteria="(Harbour:equals:Port)").data[0]["id"] == lead
    lists = {
        related_list["api_name"]: related_list
        for related_list in crm.get("settings/related_lists", module="Accounts").json["related_lists"]
    }
    assert lists["Berths_here"]["module"]["api_name"] == "Leads"
    assert shown(crm, identity)["lookup"]["api_name"] == "Berths_here"
    assert crm.call("DELETE", f"settings/fields/{identity}", {"module": "Leads"}).status == 200
    names = [
        related_list["api_name"]
        for related_list in crm.get("settings/related_lists", module="Accounts").json["related_lists"]
    ]
    assert "Berths_here" not in names


def test_a_field_may_point_to_a_user(crm):
    made(crm, field("Keeper", "userlookup"))
    user = crm.get("users", type="ActiveUsers").json["users"][1]
    (lead,) = crm.insert("Leads", {"Last_Name": "a", "Keeper": {"id": user["id"]}})
    assert crm.only(f"Leads/{lead}")["Keeper"]["id"] == user["id"]


def test_an_autonumber_counts_from_where_it_begins(crm):
    made(
        crm,
        field("Ticket", "autonumber", auto_number={"prefix": "T-", "suffix": "/26", "start_number": "1000"}),
    )
    first, second = crm.insert("Leads", {"Last_Name": "a", "Ticket": "mine"}, {"Last_Name": "b"})
    assert [crm.only(f"Leads/{lead}")["Ticket"] for lead in (first, second)] == ["T-1000/26", "T-1001/26"]
    assert told(create(crm, field("Other", "autonumber", auto_number={"start_number": 1}))) == [
        ("LIMIT_EXCEEDED", "$.fields[0].data_type")
    ]


def test_words_in_a_field_that_was_added_are_found_with_those_in_others(crm):
    (old,) = crm.insert("Leads", {"Last_Name": "Harbour"})
    made(crm, field("Berth"))
    (new,) = crm.insert("Leads", {"Last_Name": "Harbour", "Berth": "North quay"})
    assert [row["id"] for row in crm.get("Leads/search", word="harbour").data] == [new, old]
    assert [row["id"] for row in crm.get("Leads/search", word="harb nor").data] == [new]
    crm.put(f"Leads/{old}", {"data": [{"Berth": "Northern mole"}]})
    assert [row["id"] for row in crm.get("Leads/search", word="north").data] == [new, old]


def test_a_unique_field_refuses_what_another_record_has(crm):
    made(crm, field("Hull", unique={"case_sensitive": False}))
    crm.insert("Leads", {"Last_Name": "a", "Hull": "X1"})
    refused = crm.post("Leads", {"data": [{"Last_Name": "b", "Hull": "x1"}]})
    assert (refused.status, refused.data[0]["code"]) == (400, "DUPLICATE_DATA")
    upserted = crm.post(
        "Leads/upsert", {"data": [{"Last_Name": "c", "Hull": "x1"}], "duplicate_check_fields": ["Hull"]}
    )
    assert upserted.data[0]["action"] == "update"


def test_a_field_becomes_unique_where_no_value_repeats_and_plain_again(crm):
    (identity,) = made(crm, field("Hull"))
    ids = crm.insert("Leads", *[{"Last_Name": "a", "Hull": "X1"}] * 2)
    assert told(patched(crm, identity, {"unique": {}})) == [("NOT_ALLOWED", "$.fields[0].unique")]
    crm.put(f"Leads/{ids[0]}", {"data": [{"Hull": "X2"}]})
    assert patched(crm, identity, {"unique": {"case_sensitive": False}}).status == 200
    assert crm.put(f"Leads/{ids[0]}", {"data": [{"Hull": "x1"}]}).status == 400
    assert patched(crm, identity, {"unique": {"_disable": None}}).status == 200
    assert crm.put(f"Leads/{ids[0]}", {"data": [{"Hull": "x1"}]}).status == 200


def test_a_label_changes_and_the_api_name_stays(crm):
    (identity,) = made(crm, field("Berth", tooltip={"name": "info_icon", "value": "Where she lies"}))
    crm.insert("Leads", {"Last_Name": "a", "Berth": "Quay"})
    assert patched(crm, identity, {"field_label": "Mooring", "length": 255}).json == {
        "fields": [
            {"code": "SUCCESS", "details": {"id": identity}, "message": "field updated", "status": "success"}
        ]
    }
    document = shown(crm, identity)
    assert (document["field_label"], document["api_name"]) == ("Mooring", "Berth")
    assert document["tooltip"] == {"name": "info_icon", "value": "Where she lies"}
    assert crm.get("Leads", fields="Berth").data[0]["Berth"] == "Quay"


def test_options_are_added_renamed_and_removed(crm):
    (identity,) = made(
        crm, field("Side", "picklist", pick_list_values=OPTIONS, pick_list_values_sorted_lexically=True)
    )
    first = shown(crm, identity)["pick_list_values"]
    assert [option["display_value"] for option in first] == ["-None-", "North", "South"]
    changes = [
        {"id": first[1]["id"], "display_value": "Upper"},
        {"actual_value": "South", "_delete": None},
        {"display_value": "West", "actual_value": "West"},
    ]
    assert patched(crm, identity, {"pick_list_values": changes}).status == 200
    options = shown(crm, identity)["pick_list_values"]
    assert [(o["display_value"], o["actual_value"], o["sequence_number"]) for o in options] == [
        ("-None-", "-None-", 1), ("Upper", "North", 2), ("West", "West", 3),
    ]  # fmt: skip


def test_a_deleted_field_is_gone_and_its_name_is_free(crm):
    (identity,) = made(crm, field("Berth"))
    (lead,) = crm.insert("Leads", {"Last_Name": "a", "Berth": "Quay"})
    answer = crm.call("DELETE", f"settings/fields/{identity}", {"module": "Leads"})
    assert answer.json["fields"][0]["message"] == "field deleted"
    assert "Berth" not in crm.only(f"Leads/{lead}")
    assert crm.get("Leads/search", word="quay").status == 204
    assert crm.get(f"settings/fields/{identity}", module="Leads").status == 204
    sections = crm.get("settings/layouts", module="Leads").json["layouts"][0]["sections"]
    assert identity not in [shown["id"] for section in sections for shown in section["fields"]]
    made(crm, field("Berth"))
    assert crm.only(f"Leads/{lead}")["Berth"] is None


def test_each_field_of_a_call_succeeds_or_fails_alone(crm):
    answer = create(crm, field("Berth"), field("Berth"), field("Other", "nonsense"), field("Third"))
    assert answer.status == 207
    assert told(answer) == [
        ("SUCCESS", None), ("DUPLICATE_DATA", "$.fields[1].field_label"), ("INVALID_DATA", "$.fields[2].data_type"),
        ("SUCCESS", None),
    ]  # fmt: skip


BAD = {
    "no label": ({"data_type": "text"}, "MANDATORY_NOT_FOUND", "field_label"),
    "no type": ({"field_label": "a"}, "MANDATORY_NOT_FOUND", "data_type"),
    "a long label": (field("a" * 51), "INVALID_DATA", "field_label"),
    "a taken label": (field("last name"), "DUPLICATE_DATA", "field_label"),
    "a taken name": (field("a", api_name="company"), "DUPLICATE_DATA", "api_name"),
    "a name of the system": (field("a", api_name="Own__s"), "INVALID_DATA", "api_name"),
    "a reserved name": (field("a", api_name="ID"), "RESERVED_KEYWORD_NOT_ALLOWED", "api_name"),
    "too short": (field("a", length=0), "INVALID_DATA", "length"),
    "too long": (field("a", length=256), "INVALID_DATA", "length"),
    "no number": (field("a", length="7"), "INVALID_DATA", "length"),
    "a textarea between": (field("a", "textarea", length=3000), "INVALID_DATA", "length"),
    "many decimals": (field("a", "double", decimal_place=10), "INVALID_DATA", "decimal_place"),
    "more decimals than digits": (
        field("a", "double", length=3, decimal_place=3), "DEPENDENT_MISMATCH",
        "decimal_place",
    ),
    "no options": (field("a", "picklist"), "EXPECTED_DEPENDENT_FIELD_MISSING", "pick_list_values"),
    "repeated options": (
        field("a", "picklist", pick_list_values=[OPTIONS[0]] * 2), "DUPLICATE_DATA", "pick_list_values",
    ),
    "no lookup": (field("a", "lookup"), "DEPENDENT_FIELD_MISSING", "lookup"),
    "an unknown module": (
        field("a", "lookup", lookup={"display_label": "b", "module": {"api_name": "Nothing"}}),
        "INVALID_DATA", "lookup.module.api_name",
    ),
    "no start": (field("a", "autonumber", auto_number={}), "MANDATORY_NOT_FOUND", "auto_number.start_number"),
    "a unique box": (field("a", "boolean", unique={"case_sensitive": False}), "NOT_ALLOWED", "unique"),
    "encryption": (field("a", crypt={"mode": "encryption"}), "NOT_SUPPORTED", "crypt"),
    "a hidden profile": (
        field("a", profiles=[{"permission_type": "hidden"}]), "NOT_SUPPORTED", "profiles[0].permission_type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_a_field_can_not_be_is_refused_by_name(kept_crm, case):
    definition, code, place = BAD[case]
    answer = create(kept_crm, definition)
    assert (answer.status, told(answer)) == (400, [(code, f"$.fields[0].{place}")])


CHANGES = {
    "another type": ({"data_type": "email"}, "NOT_ALLOWED", "data_type"),
    "another name": ({"api_name": "Other"}, "NOT_ALLOWED", "api_name"),
    "shorter": ({"length": 10}, "NOT_ALLOWED", "length"),
    "a taken label": ({"field_label": "Company"}, "DUPLICATE_DATA", "field_label"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_can_not_change_is_refused_by_name(crm, case):
    (identity,) = made(crm, field("Berth", length=40))
    changes, code, place = CHANGES[case]
    answer = patched(crm, identity, changes)
    assert (answer.status, told(answer)) == (400, [(code, f"$.fields[0].{place}")])


def test_a_number_may_gain_decimals_and_lose_none(crm):
    (identity,) = made(crm, field("Draught", "double", length=9, decimal_place=3))
    fewer = patched(crm, identity, {"decimal_place": 2})
    assert (fewer.status, told(fewer)) == (400, [("NOT_ALLOWED", "$.fields[0].decimal_place")])
    assert patched(crm, identity, {"decimal_place": 4}).status == 200
    assert shown(crm, identity)["decimal_place"] == 4


def test_fields_of_the_system_stay_as_they_are(crm):
    company = next(
        f for f in crm.get("settings/fields", module="Leads").json["fields"] if f["api_name"] == "Company"
    )
    assert told(patched(crm, company["id"], {"field_label": "Firm"})) == [("NOT_ALLOWED", "$.fields[0].id")]
    refused = crm.call("DELETE", f"settings/fields/{company['id']}", {"module": "Leads"})
    assert (refused.status, refused.json["code"]) == (400, "NOT_ALLOWED")


def test_the_collection_changes_several_by_their_ids(crm):
    first, second = made(crm, field("One"), field("Two"))
    changes = [
        {"id": first, "field_label": "Uno"},
        {"field_label": "x"},
        {"id": "5"},
        {"id": second, "field_label": "Due"},
    ]
    answer = crm.call("PATCH", "settings/fields", {"module": "Leads"}, {"fields": changes})
    assert answer.status == 207
    assert told(answer) == [
        ("SUCCESS", None), ("MANDATORY_NOT_FOUND", "$.fields[1].id"), ("INVALID_DATA", "$.fields[2].id"),
        ("SUCCESS", None),
    ]  # fmt: skip
    assert answer.json["fields"][2]["message"] == "the id given seems to be invalid"


def test_bodies_that_are_none_are_refused(crm):
    for body, code in (
        (b"", "UNABLE_TO_PARSE_DATA_TYPE"), (b"[]", "INVALID_DATA"), (b"{}", "MANDATORY_NOT_FOUND"),
        (b'{"fields":7}', "INVALID_DATA"), (b'{"fields":[7]}', "INVALID_DATA"),
        (b"{" * 2000, "UNABLE_TO_PARSE_DATA_TYPE"),
    ):  # fmt: skip
        answer = crm.call("POST", "settings/fields", {"module": "Leads"}, body)
        assert (answer.status, answer.json["code"]) == (400, code)
    many = create(crm, *(field(f"a{n}") for n in range(6)))
    assert (many.status, many.json["code"]) == (400, "INVALID_DATA")


def test_only_administrators_change_fields_and_only_of_modules_with_layouts(crm, caller_of):
    users = crm.service.organisations.open(crm.organisation).metadata.all("user")
    standard = caller_of(
        "acme", "ZohoCRM.settings.ALL", [user.body["profile"]["name"] for user in users].index("Standard")
    )
    refused = create(standard, field("Berth"))
    assert (refused.status, refused.json["code"]) == (403, "NO_PERMISSION")
    assert refused.json["details"] == {"permissions": ["Crm_Implied_Customize_Zoho_CRM"]}
    notes = create(crm, field("Berth"), module="Notes").json
    assert (notes["code"], notes["message"]) == (
        "INVALID_MODULE",
        "the given module is not supported in api",
    )
    assert create(crm, field("Berth"), module="Nothing").json["code"] == "INVALID_MODULE"


def test_snapshots_keep_fields_and_their_values(crm, service, tmp_path):
    made(crm, field("Berth"))
    (lead,) = crm.insert("Leads", {"Last_Name": "a", "Berth": "Quay"})
    service.organisations.snapshot("acme", tmp_path / "with.db")
    made(crm, field("Later"))
    crm.put(f"Leads/{lead}", {"data": [{"Berth": "Mole", "Later": "x"}]})
    service.organisations.restore("acme", tmp_path / "with.db")
    record = crm.only(f"Leads/{lead}")
    assert (record["Berth"], "Later" in record) == ("Quay", False)
    assert crm.get("Leads/search", word="quay").data[0]["id"] == lead
    service.organisations.reset("acme")
    names = {f["api_name"] for f in crm.get("settings/fields", module="Leads").json["fields"]}
    assert "Berth" not in names
