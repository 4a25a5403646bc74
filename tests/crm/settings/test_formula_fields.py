"""Fields of the type formula: made, worked out whenever a record is saved, and used as every other field."""

import pytest

from tests.crm.settings.making_fields import create, deleted, field, made, patched, shown, told

LEAD = {"Last_Name": "Popeye", "No_of_Employees": 12, "Annual_Revenue": 1000.5, "City": "Sweethaven"}


def formula(label, expression, return_type="double", **more):
    return field(label, "formula", formula={"return_type": return_type, "expression": expression}, **more)


def only(crm, lead, name):
    return crm.only(f"Leads/{lead}")[name]


# By return type: an expression, the value for LEAD, how the field is described, and a search that finds it.
RETURNED = {
    "double": ("${Leads.Annual_Revenue} / 3", 333.5, ("double", 16, 2), "between:333,334"),
    "currency": ("${Annual Revenue} * 0.15", 150.08, ("double", 16, 2), "equals:150.08"),
    "text": ("Concat(Upper(${Leads.Last Name}), ' of ', ${City})", "POPEYE of Sweethaven", ("string", 255, None),
             "starts_with:popeye of"),
    "date": ("Adddate(${Leads.Created Time}, 1, 'MONTH')", "2026-03-06", ("string", 20, None), "equals:2026-03-06"),
    "datetime": ("Adddate(Now(), 90, 'MIN')", "2026-02-06T02:40:56-08:00", ("string", 120, None),
                 "greater_than:2026-02-06T10:40:55Z"),
    "boolean": ("${Leads.No_of_Employees} > 10", True, ("boolean", 5, None), "equals:true"),
}  # fmt: skip


@pytest.mark.parametrize("return_type", RETURNED)
def test_a_formula_of_each_type_is_worked_out_searched_sorted_and_shown(crm, return_type):
    expression, expected, described, search = RETURNED[return_type]
    (before,) = crm.insert("Leads", LEAD)
    (identity,) = made(crm, formula("Worked out", expression, return_type))
    document = shown(crm, identity)
    assert (document["json_type"], document["length"], document["decimal_place"]) == described
    assert only(crm, before, "Worked_out") == expected
    crm.delete("Leads", ids=before)
    (without,) = crm.insert("Leads", {"Last_Name": "a"})
    (lead,) = crm.insert("Leads", {**LEAD, "Worked_out": "ignored"})
    assert only(crm, lead, "Worked_out") == expected
    operator, _, operand = search.partition(":")
    found = crm.get(
        "Leads/search", criteria=f"((Worked_out:{operator}:{operand})and(Last_Name:equals:Popeye))"
    )
    assert [row["id"] for row in found.data] == [lead]
    ordered = crm.get(
        "Leads/search", criteria="(Last_Name:in:a,Popeye)", sort_by="Worked_out", sort_order="asc"
    )
    assert {row["id"] for row in ordered.data} == {without, lead}
    values = [row["Worked_out"] for row in ordered.data]
    assert values == sorted(values, key=lambda value: (value is not None, value))


def test_what_the_metadata_say_of_a_formula(crm):
    (identity,) = made(crm, formula("Half", "${Leads.Annual Revenue} / 2", decimal_place=4))
    document = shown(crm, identity)
    assert document["formula"] == {
        "return_type": "double",
        "expression": "${Leads.Annual_Revenue} / 2",
        "assume_default": False,
        "dynamic": False,
    }
    assert [document[name] for name in ("data_type", "ui_type", "read_only", "field_read_only", "mass_update")] == [
        "formula", 116, True, True, False,
    ]  # fmt: skip
    assert set(document["operation_type"].values()) == {False}
    assert (document["decimal_place"], document["custom_field"]) == (4, True)
    assert {profile["permission_type"] for profile in document["profiles"]} == {"read_only"}
    assert [layout["name"] for layout in document["layout_associations"]] == ["Standard"]


def test_a_formula_follows_the_record_through_every_kind_of_write(crm):
    made(crm, formula("Each", "Round(${Leads.Annual_Revenue} / ${Leads.No_of_Employees})"))
    (lead,) = crm.insert("Leads", LEAD | {"Email": "a@b.example"})
    assert only(crm, lead, "Each") == 83
    crm.put("Leads", {"data": [{"id": lead, "No_of_Employees": 10}]})
    assert only(crm, lead, "Each") == 100
    crm.put(f"Leads/{lead}", {"data": [{"Each": 5, "Annual_Revenue": 50}]})
    assert only(crm, lead, "Each") == 5
    records = [
        {"Last_Name": "b", "Email": "a@b.example", "No_of_Employees": 25},
        LEAD | {"Email": "c@d.example"},
    ]
    upserted = crm.post("Leads/upsert", {"data": records})
    assert [one["action"] for one in upserted.data] == ["update", "insert"]
    assert only(crm, lead, "Each") == 2
    assert only(crm, upserted.data[1]["details"]["id"], "Each") == 83
    crm.put(f"Leads/{lead}", {"data": [{"No_of_Employees": 0}]})
    assert only(crm, lead, "Each") is None
    crm.put(f"Leads/{lead}", {"data": [{"No_of_Employees": None}]})
    assert only(crm, lead, "Each") is None


def test_the_current_time_is_that_of_the_last_save(crm, clock):
    (lead,) = crm.insert("Leads", LEAD)
    clock.advance(60)
    made(crm, formula("Seen", "Now()", "datetime"))
    assert only(crm, lead, "Seen") == "2026-02-06T01:11:56-08:00"
    clock.advance(60)
    assert only(crm, lead, "Seen") == "2026-02-06T01:11:56-08:00"
    crm.put(f"Leads/{lead}", {"data": [{"City": "Elsewhere"}]})
    assert only(crm, lead, "Seen") == "2026-02-06T01:12:56-08:00"


def test_words_of_a_formula_are_found_also_in_records_that_were_there(crm):
    (old,) = crm.insert("Leads", LEAD)
    (identity,) = made(crm, formula("Greeting", "Concat('Ahoy ', ${Leads.City})", "text"))
    (new,) = crm.insert("Leads", LEAD)
    assert [row["id"] for row in crm.get("Leads/search", word="ahoy sweet").data] == [new, old]
    crm.put(f"Leads/{old}", {"data": [{"City": "Harbour"}]})
    assert [row["id"] for row in crm.get("Leads/search", word="ahoy sweet").data] == [new]
    patched(crm, identity, {"formula": {"expression": "Concat('Farewell ', ${Leads.City})"}})
    assert crm.get("Leads/search", word="ahoy").status == 204
    assert [row["id"] for row in crm.get("Leads/search", word="farewell").data] == [new, old]


def test_formulas_use_formulas_whatever_came_first(crm):
    net, gross, label = made(
        crm,
        formula("Net", "${Leads.Annual_Revenue} * 2", "currency"),
        formula("Gross", "${Leads.Net} * 1.19", "currency"),
        formula("Label", "Concat(Tostring(${Leads.Gross}), '!')", "text"),
    )
    (lead,) = crm.insert("Leads", LEAD)
    assert [only(crm, lead, name) for name in ("Net", "Gross", "Label")] == [2001, 2381.19, "2381.19!"]
    assert patched(crm, net, {"formula": {"expression": "${Leads.Annual_Revenue}"}}).status == 200
    assert [only(crm, lead, name) for name in ("Net", "Gross", "Label")] == [1000.5, 1190.6, "1190.6!"]
    # The first one now reads one that came later.
    made(crm, formula("Later", "${Leads.No_of_Employees}"))
    patched(crm, net, {"formula": {"expression": "${Leads.Later} * 10"}})
    assert [only(crm, lead, name) for name in ("Later", "Net", "Gross")] == [12, 120, 142.8]
    crm.put(f"Leads/{lead}", {"data": [{"No_of_Employees": 1}]})
    assert [only(crm, lead, name) for name in ("Later", "Net", "Gross")] == [1, 10, 11.9]
    for identity, circle in ((net, "Gross"), (net, "Label"), (net, "Net"), (gross, "Label")):
        refused = patched(
            crm, identity, {"formula": {"expression": f"1 + Len(Tostring(${{Leads.{circle}}}))"}}
        )
        assert told(refused) == [("INVALID_DATA", "$.fields[0].formula.expression")]
        details = refused.json["fields"][0]["details"]
        assert details["name"] == f"Leads.{circle}" and "worked out from" in details["reason"]
    assert deleted(crm, gross).json["code"] == "NOT_ALLOWED"
    assert deleted(crm, label).status == 200
    assert deleted(crm, gross).status == 200


def test_a_field_that_a_formula_uses_stays(crm):
    (depth,) = made(crm, field("Depth", "double"))
    (identity,) = made(crm, formula("Twice", "${Leads.Depth} * 2"))
    refused = deleted(crm, depth)
    assert (refused.status, refused.json["code"]) == (400, "NOT_ALLOWED")
    assert refused.json["message"] == "The custom field has already used in other places"
    assert deleted(crm, identity).status == 200
    assert deleted(crm, depth).status == 200


def test_the_totals_of_a_quote_are_there_when_a_formula_asks_for_them(crm):
    made(crm, formula("Half", "${Quotes.Grand_Total} / 2", "currency"), module="Quotes")
    (product,) = crm.insert("Products", {"Product_Name": "Anchor"})
    rows = [{"Product_Name": {"id": product}, "Quantity": 2, "List_Price": 10.01}]
    (quote,) = crm.insert("Quotes", {"Subject": "a", "Quoted_Items": rows})
    assert crm.only(f"Quotes/{quote}")["Half"] == 10.01
    crm.put(f"Quotes/{quote}", {"data": [{"Quoted_Items": [{**rows[0], "Quantity": 1}]}]})
    assert crm.only(f"Quotes/{quote}")["Half"] == 15.02
    crm.put(f"Quotes/{quote}", {"data": [{"Discount": 0.02}]})
    assert crm.only(f"Quotes/{quote}")["Half"] == 15.01


def test_rows_of_a_subform_have_formulas_over_their_own_fields(crm):
    made(crm, field("Surveys", "subform"))
    made(crm, field("Depth", "double"), formula("Fathoms", "${Surveys.Depth} / 1.8288"), module="Surveys")
    (lead,) = crm.insert("Leads", LEAD | {"Surveys": [{"Depth": 18.288, "Fathoms": 1}, {}]})
    first, second = crm.only(f"Leads/{lead}")["Surveys"]
    assert (first["Fathoms"], second["Fathoms"]) == (10, None)
    crm.put(f"Leads/{lead}", {"data": [{"Surveys": [{"id": first["id"], "Depth": 1.8288}]}]})
    assert crm.only(f"Leads/{lead}")["Surveys"][0]["Fathoms"] == 1


def test_an_expression_changes_and_records_follow(crm):
    (lead,) = crm.insert("Leads", LEAD)
    modified = only(crm, lead, "Modified_Time")
    (identity,) = made(crm, formula("Staff", "${Leads.No_of_Employees}"))
    changes = {"field_label": "Crew", "formula": {"return_type": "double", "expression": "${Crew Size} + 1"}}
    assert patched(crm, identity, changes).status == 400
    assert only(crm, lead, "Staff") == 12
    changes["formula"]["expression"] = "${No. of Employees} + 1"
    assert patched(crm, identity, changes).status == 200
    assert shown(crm, identity)["formula"]["expression"] == "${Leads.No_of_Employees} + 1"
    assert (only(crm, lead, "Staff"), only(crm, lead, "Modified_Time")) == (13, modified)
    assert patched(crm, identity, {"field_label": "People"}).status == 200
    assert shown(crm, identity)["formula"]["expression"] == "${Leads.No_of_Employees} + 1"
    assert patched(crm, identity, {"formula": {"expression": "1 / 3"}, "decimal_place": 5}).status == 200
    assert only(crm, lead, "Staff") == 0.33333
    assert patched(crm, identity, {"decimal_place": 6}).status == 200
    assert only(crm, lead, "Staff") == 0.333333


def test_numbers_that_are_missing_count_as_zero_if_a_formula_says_so(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "a"})
    (identity,) = made(crm, formula("Twice", "${Leads.Annual_Revenue} * 2"))
    assert only(crm, lead, "Twice") is None
    assert patched(crm, identity, {"formula": {"assume_default": True}}).status == 200
    assert only(crm, lead, "Twice") == 0
    assert shown(crm, identity)["formula"]["assume_default"] is True


def test_a_formula_goes_on_when_a_label_that_it_used_is_another_fields(crm):
    (depth,) = made(crm, field("Depth", "double"))
    made(crm, formula("Twice", "${Leads.Depth} * 2"))
    patched(crm, depth, {"field_label": "Old depth"})
    made(crm, field("Depth", "double"))
    (lead,) = crm.insert("Leads", LEAD | {"Depth": 4, "Depth1": 7})
    assert only(crm, lead, "Twice") == 8


# What a formula can't be: the code, the place, and details besides.
BAD = {
    "no formula": (field("a", "formula"), "DEPENDENT_FIELD_MISSING", "formula", {}),
    "no return type": (
        field("a", "formula", formula={"expression": "1"}), "MANDATORY_NOT_FOUND", "formula.return_type", {},
    ),
    "no expression": (
        field("a", "formula", formula={"return_type": "double"}), "MANDATORY_NOT_FOUND", "formula.expression", {},
    ),
    "an unknown return type": (
        formula("a", "1", "string"), "INVALID_DATA", "formula.return_type",
        {"supported_values": ["boolean", "currency", "date", "datetime", "double", "text"]},
    ),
    "a dynamic one": (
        field("a", "formula", formula={"return_type": "double", "expression": "1", "dynamic": True}), "NOT_SUPPORTED",
        "formula.dynamic", {},
    ),
    "a long one": (formula("a", "1" + " " * 5000), "INVALID_DATA", "formula.expression", {"maximum_length": 5000}),
    "no sense": (
        formula("a", "1 +"), "INVALID_DATA", "formula.expression",
        {"position": 4, "reason": "A value should stand here, and the expression ends."},
    ),
    "an unknown function": (
        formula("a", "2 * sqrt(4)"), "INVALID_DATA", "formula.expression",
        {"position": 5, "name": "sqrt", "reason": "There is no function sqrt(). Did you mean Sqrt?"},
    ),
    "an unknown field": (
        formula("a", "${Leads.Anual_Revenue}"), "INVALID_DATA", "formula.expression",
        {"position": 1, "name": "Leads.Anual_Revenue",
         "reason": "Leads has no field Anual_Revenue. Did you mean Annual_Revenue?"},
    ),
    "a field of another module": (
        formula("a", "Len(${Accounts.Account_Name})"), "INVALID_DATA", "formula.expression",
        {"name": "Accounts.Account_Name",
         "reason": "Leads has no field Accounts.Account_Name, and a formula can't use fields of other modules."},
    ),
    "a lookup": (
        formula("a", "Len(${Leads.Owner})"), "INVALID_DATA", "formula.expression",
        {"position": 5, "name": "Leads.Owner",
         "reason": "Owner is a field of the type ownerlookup, which a formula can't use."},
    ),
    "itself": (
        formula("a", "${Leads.a} + 1"), "INVALID_DATA", "formula.expression", {"reason": "Leads has no field a."},
    ),
    "another type": (
        formula("a", "Len('a')", "text"), "INVALID_DATA", "formula.expression",
        {"reason": "The expression gives a number, and the field is to hold a text."},
    ),
    "a unique one": (formula("a", "1", unique={"case_sensitive": False}), "NOT_ALLOWED", "unique", {}),
    "a text with a formula": (field("a", formula={"expression": "1"}), "NOT_SUPPORTED", "formula", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_a_formula_can_not_be_is_refused_by_name(crm, case):
    spec, code, place, details = BAD[case]
    answer = create(crm, spec)
    assert (answer.status, told(answer)) == (400, [(code, f"$.fields[0].{place}")])
    assert details.items() <= answer.json["fields"][0]["details"].items()
    assert "a" not in {one["api_name"] for one in crm.get("settings/fields", module="Leads").json["fields"]}


def test_what_can_not_change_is_refused_by_name(crm):
    (identity,) = made(crm, formula("Staff", "${Leads.No_of_Employees}"))
    for changes, code, place in (
        ({"formula": {"return_type": "text"}}, "NOT_ALLOWED", "formula.return_type"),
        ({"data_type": "double"}, "NOT_ALLOWED", "data_type"),
        ({"formula": {"expression": "'a'"}}, "INVALID_DATA", "formula.expression"),
        ({"formula": {"assume_default": 1}}, "INVALID_DATA", "formula.assume_default"),
    ):
        answer = patched(crm, identity, changes)
        assert (answer.status, told(answer)) == (400, [(code, f"$.fields[0].{place}")])
    quote = crm.get("settings/fields", module="Quotes").json["fields"]
    total = next(one for one in quote if one["api_name"] == "Grand_Total")
    assert total["formula"] == {"return_type": "currency", "expression": None, "dynamic": False}
    assert told(patched(crm, total["id"], {"formula": {"expression": "1"}}, "Quotes")) == [
        ("NOT_ALLOWED", "$.fields[0].id")
    ]


def test_each_formula_of_a_call_succeeds_or_fails_alone(crm):
    (lead,) = crm.insert("Leads", LEAD)
    answer = create(crm, formula("One", "1"), formula("Two", "1 +"), formula("Three", "${Leads.One} + 2"))
    assert answer.status == 207
    assert told(answer) == [
        ("SUCCESS", None), ("INVALID_DATA", "$.fields[1].formula.expression"), ("SUCCESS", None),
    ]  # fmt: skip
    assert [only(crm, lead, name) for name in ("One", "Three")] == [1, 3]


def test_snapshots_keep_formulas_and_their_values(crm, service, tmp_path):
    (identity,) = made(crm, formula("Staff", "${Leads.No_of_Employees} + 1"))
    (lead,) = crm.insert("Leads", LEAD)
    service.organisations.snapshot("acme", tmp_path / "with.db")
    patched(crm, identity, {"formula": {"expression": "0"}})
    assert only(crm, lead, "Staff") == 0
    service.organisations.restore("acme", tmp_path / "with.db")
    assert only(crm, lead, "Staff") == 13
    crm.put(f"Leads/{lead}", {"data": [{"No_of_Employees": 1}]})
    assert only(crm, lead, "Staff") == 2


def test_a_change_of_very_many_records_goes_through_all_of_them(crm):
    for start in range(0, 2500, 100):
        crm.insert("Leads", *({"Last_Name": "a", "No_of_Employees": start + n} for n in range(100)))
    made(crm, formula("Next", "${Leads.No_of_Employees} + 1"))
    count = crm.get("Leads/actions/count", criteria="(Next:between:1,2500)").json["count"]
    assert count == 2500
