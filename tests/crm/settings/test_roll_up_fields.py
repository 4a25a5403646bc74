"""Roll-up fields: what can be rolled up, what is refused by its place, and what depends on a roll-up."""

import pytest

from moorage.clock import FrozenClock
from tests.crm.conftest import Caller
from tests.crm.folder import crm_in
from tests.crm.settings.making_fields import create, deleted, field, made, patched, shown, told
from tests.crm.settings.types import disagreements, known
from tests.preloaded import context
from tests.waited import Waited

WON = {"comparator": "equal", "field": {"api_name": "Stage"}, "type": "value", "value": "Closed Won"}


def roll_up(function, name=None, criteria=None, *, related_list="Deals", **more):
    expression = {
        "function": function,
        "function_parameters": [{"api_name": name}] if name else [],
        "criteria": criteria,
    }
    return {"related_list": {"api_name": related_list}, "expression": expression, **more}


def rolled_up(label, *arguments, **more):
    return field(label, "rollup_summary", rollup_summary=roll_up(*arguments, **more))


def document_of(crm, kind, name, module="Accounts"):
    everything = crm.get(f"settings/{kind}", module=module).json[kind]
    return next(each for each in everything if each["api_name"] == name)


def test_its_document_says_what_it_rolls_up(crm):
    (identity,) = made(crm, rolled_up("Won", "SUM", "Amount", WON), module="Accounts")
    document = shown(crm, identity, "Accounts")
    expected = {
        "api_name": "Won",
        "data_type": "rollup_summary",
        "json_type": "double",
        "ui_type": 118,
        "length": 16,
        "decimal_place": 2,
        "read_only": True,
        "field_read_only": True,
        "custom_field": True,
        "sortable": True,
        "mass_update": False,
        "operation_type": dict.fromkeys(("web_create", "web_update", "api_create", "api_update"), False),
        "view_type": {"view": True, "edit": False, "create": False, "quick_create": False},
    }
    assert {key: document[key] for key in expected} == expected
    stage = document_of(crm, "fields", "Stage", "Deals")
    related_list = document_of(crm, "related_lists", "Deals")
    assert document["rollup_summary"] == {
        "return_type": "currency",
        "expression": {
            "function": "sum",
            "function_parameters": [{"api_name": "Amount"}],
            "criteria": {**WON, "field": {"api_name": "Stage", "id": stage["id"]}},
        },
        "based_on_module": related_list["module"],
        "related_list": {"api_name": "Deals", "id": related_list["id"]},
        "rollup_based_on": None,
    }
    assert {p["permission_type"] for p in document["profiles"]} == {"read_only"}
    assert [layout["name"] for layout in document["layout_associations"]] == ["Standard"]


@pytest.mark.parametrize("version", ["v2", "v2.1", "v5", "v6", "v7", "v8"])
def test_its_document_has_the_types_of_each_sdk(crm, version):
    made(crm, rolled_up("Won", "sum", "Amount", WON), rolled_up("Many", "count"), module="Accounts")
    fields = crm.get(f"/crm/{version}/settings/fields", module="Accounts").json
    assert list(disagreements(version, known(version, "fields.ResponseWrapper"), fields)) == []


# What a roll-up of Accounts says, and the types of what it returns: in the metadata, and in JSON.
RESULTS = {
    "count": (roll_up("count"), "integer", "integer", 9, None),
    "count of ids": (roll_up("Count", "id", return_type="bigint"), "bigint", "string", 18, None),
    "sum": (roll_up("sum", "Amount", return_type="double"), "double", "double", 16, 2),
    "sum of whole numbers": (roll_up("sum", "Probability"), "integer", "integer", 9, None),
    "average": (roll_up("average", "Amount"), "currency", "double", 16, 2),
    "average of whole numbers": (roll_up("average", "Probability"), "double", "double", 16, 2),
    "latest day": (roll_up("max", "Closing_Date"), "date", "string", 20, None),
    "earliest time": (roll_up("min", "Created_Time"), "datetime", "string", 120, None),
    "activities": (roll_up("count", related_list="Tasks"), "integer", "integer", 9, None),
    "notes": (roll_up("count", related_list="Notes"), "integer", "integer", 9, None),
    "its own module": (
        roll_up("sum", "Employees", related_list="Child_Accounts"),
        "integer",
        "integer",
        9,
        None,
    ),
}


@pytest.mark.parametrize("case", RESULTS)
def test_the_type_of_its_values_follows_from_what_it_rolls_up(crm, case):
    about, *result = RESULTS[case]
    (identity,) = made(crm, field("Sum", "rollup_summary", rollup_summary=about), module="Accounts")
    document = shown(crm, identity, "Accounts")
    return_type = document["rollup_summary"]["return_type"]
    assert [return_type, *(document[key] for key in ("json_type", "length", "decimal_place"))] == result
    assert crm.insert("Accounts", {"Account_Name": "a"})


def test_the_related_list_may_be_given_by_its_id_and_the_module_with_it(crm):
    related_list = document_of(crm, "related_lists", "Deals")
    about = roll_up("count", related_list="x") | {
        "related_list": {"id": related_list["id"]},
        "based_on_module": related_list["module"],
    }
    (identity,) = made(crm, field("Sum", "rollup_summary", rollup_summary=about), module="Accounts")
    assert shown(crm, identity, "Accounts")["rollup_summary"]["related_list"]["api_name"] == "Deals"


def test_an_average_has_the_decimals_that_were_asked_for(crm):
    (identity,) = made(crm, rolled_up("Mean", "average", "Amount") | {"decimal_place": 4}, module="Accounts")
    assert shown(crm, identity, "Accounts")["decimal_place"] == 4


SOURCE, EXPRESSION = "rollup_summary.related_list", "rollup_summary.expression"
NO_CRITERIA = f"{EXPRESSION}.criteria"


def condition(name, comparator="equal", value="x", **more):
    return {"comparator": comparator, "field": {"api_name": name}, "value": value, **more}


BAD = {
    "nothing": (None, "DEPENDENT_FIELD_MISSING", "rollup_summary"),
    "no object": ("x", "INVALID_DATA", "rollup_summary"),
    "no list": ({"expression": {}}, "MANDATORY_NOT_FOUND", SOURCE),
    "no name of a list": ({"related_list": {}}, "MANDATORY_NOT_FOUND", f"{SOURCE}.api_name"),
    "an unknown list": (roll_up("count", related_list="Boats"), "INVALID_DATA", f"{SOURCE}.api_name"),
    "an unknown id": ({"related_list": {"id": "5"}}, "INVALID_DATA", f"{SOURCE}.id"),
    "a list of no records": (roll_up("count", related_list="Emails"), "NOT_SUPPORTED", f"{SOURCE}.api_name"),
    "a list without a lookup": (roll_up("count", related_list="Products"), "NOT_SUPPORTED", f"{SOURCE}.api_name"),
    "another module": (
        roll_up("count", based_on_module={"api_name": "Leads"}), "DEPENDENT_MISMATCH",
        "rollup_summary.based_on_module.api_name",
    ),
    "a basis": (roll_up("count", rollup_based_on="x"), "NOT_SUPPORTED", "rollup_summary.rollup_based_on"),
    "no expression": ({"related_list": {"api_name": "Deals"}}, "MANDATORY_NOT_FOUND", EXPRESSION),
    "no function": (roll_up(None), "MANDATORY_NOT_FOUND", f"{EXPRESSION}.function"),
    "an unknown function": (roll_up("median", "Amount"), "INVALID_DATA", f"{EXPRESSION}.function"),
    "no field": (roll_up("sum"), "MANDATORY_NOT_FOUND", f"{EXPRESSION}.function_parameters"),
    "a field to count": (
        roll_up("count", "Amount"), "NOT_SUPPORTED", f"{EXPRESSION}.function_parameters[0].api_name",
    ),
    "an unknown field": (
        roll_up("sum", "Weight"), "INVALID_DATA", f"{EXPRESSION}.function_parameters[0].api_name",
    ),
    "a text to add up": (
        roll_up("sum", "Deal_Name"), "INVALID_DATA", f"{EXPRESSION}.function_parameters[0].api_name",
    ),
    "ids to add up": (roll_up("sum", "id"), "INVALID_DATA", f"{EXPRESSION}.function_parameters[0].api_name"),
    "days to add up": (
        roll_up("average", "Closing_Date"), "INVALID_DATA", f"{EXPRESSION}.function_parameters[0].api_name",
    ),
    "another type": (
        roll_up("sum", "Amount", return_type="integer"), "INVALID_DATA", "rollup_summary.return_type",
    ),
    "no criteria": (roll_up("count", None, "x"), "INVALID_DATA", NO_CRITERIA),
    "half a condition": (roll_up("count", None, {"comparator": "equal"}), "INVALID_DATA", NO_CRITERIA),
    "criteria of another module": (roll_up("count", None, condition("Company")), "INVALID_DATA", NO_CRITERIA),
    "a wrong comparator": (
        roll_up("count", None, condition("Amount", "contains", 5)), "INVALID_DATA", NO_CRITERIA,
    ),
    "a wrong value": (roll_up("count", None, condition("Amount", value="five")), "INVALID_DATA", NO_CRITERIA),
    "a value of today": (
        roll_up("count", None, condition("Closing_Date", value="${TODAY}")), "INVALID_DATA", NO_CRITERIA,
    ),
    "days ago, in a group": (
        roll_up("count", None, {
            "group_operator": "AND",
            "group": [WON, condition("Closing_Date", "less_than", "${AGEINDAYS}+7")],
        }), "INVALID_DATA", NO_CRITERIA,
    ),
    "who asks": (
        roll_up("count", None, condition("Owner", value={"name": "${CURRENTUSER}"})), "INVALID_DATA", NO_CRITERIA,
    ),
    "a record's name": (roll_up("count", None, condition("Contact_Name", value="Ann")), "INVALID_DATA", NO_CRITERIA),
    "too many values": (
        roll_up("count", None, {
            "group_operator": "OR",
            "group": [condition("Stage", value=[f"s{n}" for n in range(51)]) for _ in range(2)],
        }), "INVALID_DATA", NO_CRITERIA,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_can_not_be_rolled_up_is_refused_by_its_place(crm, case):
    about, code, place = BAD[case]
    answer = create(crm, field("Sum", "rollup_summary", rollup_summary=about), module="Accounts")
    assert (answer.status, told(answer)) == (400, [(code, f"$.fields[0].{place}")])


def test_a_refusal_tells_what_would_be_right(crm):
    def details(about):
        answer = create(crm, field("Sum", "rollup_summary", rollup_summary=about), module="Accounts")
        return answer.json["fields"][0]["details"]

    assert "Deals" in details(roll_up("count", related_list="Boats"))["supported_values"]
    assert details(roll_up("median"))["supported_values"] == ["average", "count", "max", "min", "sum"]
    assert "Amount" in details(roll_up("sum", "Stage"))["supported_values"]
    assert details(roll_up("sum", "Amount", return_type="date"))["supported_values"] == ["currency", "double"]
    assert details(roll_up("count", None, condition("Company")))["field"] == "Company"
    assert "day" in details(roll_up("count", None, condition("Closing_Date", value="${TODAY}")))["reason"]


def test_what_is_itself_worked_out_is_not_rolled_up(crm):
    made(crm, rolled_up("Deals here", "count"), module="Contacts")
    for about in (
        roll_up("sum", "Deals_here", related_list="Contacts"),
        roll_up("count", None, condition("Deals_here", value=5), related_list="Contacts"),
    ):
        answer = create(crm, field("Sum", "rollup_summary", rollup_summary=about), module="Accounts")
        assert answer.status == 400 and "rollup_summary" in answer.body.decode()


def test_a_module_has_no_more_than_25(crm):
    for first in range(0, 25, 5):
        made(crm, *(rolled_up(f"n{n}", "count") for n in range(first, first + 5)), module="Accounts")
    answer = create(crm, rolled_up("one more", "count"), module="Accounts")
    assert told(answer) == [("LIMIT_EXCEEDED", "$.fields[0].data_type")]


def test_as_many_as_there_can_be_with_the_longest_criteria_are_worked_out_together(crm):
    addresses = condition("Email", "in", [f"{n}@b.example" for n in range(100)])
    for first in range(0, 25, 5):
        names = [f"n{n}" for n in range(first, first + 5)]
        made(
            crm,
            *(rolled_up(name, "count", None, addresses, related_list="Contacts") for name in names),
            module="Accounts",
        )
    (account,) = crm.insert("Accounts", {"Account_Name": "a"})
    addresses = [f"{n}@b.example" for n in (1, 99, 100)]
    crm.insert(
        "Contacts", *({"Last_Name": "a", "Email": a, "Account_Name": {"id": account}} for a in addresses)
    )
    assert [crm.only(f"Accounts/{account}")[f"n{n}"] for n in (0, 24)] == [2, 2]


def test_criteria_keep_of_a_record_only_its_id(crm):
    (contact,) = crm.insert("Contacts", {"Last_Name": "a"})
    value = [{"id": contact, "name": "whatever"}, {"id": "5"}]
    (identity,) = made(
        crm, rolled_up("Theirs", "count", None, condition("Contact_Name", value=value)), module="Accounts"
    )
    kept = shown(crm, identity, "Accounts")["rollup_summary"]["expression"]["criteria"]["value"]
    assert kept == [{"id": contact}, {"id": "5"}]
    (account,) = crm.insert("Accounts", {"Account_Name": "a"})
    deal = {"Deal_Name": "a", "Stage": "Qualification", "Account_Name": {"id": account}}
    crm.insert("Deals", deal, {**deal, "Contact_Name": {"id": contact}})
    assert crm.only(f"Accounts/{account}")["Theirs"] == 1


def test_rows_of_subforms_are_not_rolled_up(crm):
    (subform,) = made(crm, field("Visits", "subform"))
    rows = shown(crm, subform)["associated_module"]["module"]
    lookup = {"module": {"api_name": "Accounts"}, "display_label": "Visited"}
    made(crm, field("Where", "lookup", lookup=lookup), module=rows)
    answer = create(crm, rolled_up("How often", "count", related_list="Visited"), module="Accounts")
    assert told(answer) == [("NOT_SUPPORTED", f"$.fields[0].{SOURCE}.api_name")]
    answer = create(crm, rolled_up("How often", "count", related_list="Notes"), module=rows)
    assert told(answer) == [("NOT_ALLOWED", "$.fields[0].data_type")]


def test_its_label_and_its_criteria_change_and_nothing_else(crm):
    (identity,) = made(crm, rolled_up("Won", "sum", "Amount", WON), module="Accounts")
    before = shown(crm, identity, "Accounts")
    lost = condition("Stage", value="Closed Lost")
    changes = {"field_label": "Lost", "rollup_summary": {"expression": {"criteria": lost}}}
    assert patched(crm, identity, changes, "Accounts").status == 200
    after = shown(crm, identity, "Accounts")
    assert (after["field_label"], after["decimal_place"]) == ("Lost", 2)
    assert after["rollup_summary"]["expression"]["criteria"]["value"] == "Closed Lost"
    assert patched(crm, identity, {"rollup_summary": before["rollup_summary"]}, "Accounts").status == 200
    assert shown(crm, identity, "Accounts")["rollup_summary"] == before["rollup_summary"]
    for changes, place in (
        ({"rollup_summary": {"return_type": "double"}}, "rollup_summary.return_type"),
        (
            {"rollup_summary": {"related_list": {"api_name": "Contacts"}}},
            "rollup_summary.related_list.api_name",
        ),
        ({"rollup_summary": {"expression": {"function": "max"}}}, "rollup_summary.expression.function"),
        (
            {"rollup_summary": {"expression": {"function_parameters": [{"api_name": "Probability"}]}}},
            "rollup_summary.expression.function_parameters",
        ),
        ({"decimal_place": 3}, "decimal_place"),
        ({"length": 5}, "length"),
        ({"data_type": "double"}, "data_type"),
    ):
        assert told(patched(crm, identity, changes, "Accounts")) == [("NOT_ALLOWED", f"$.fields[0].{place}")]
    bad = {"rollup_summary": {"expression": {"criteria": condition("Company")}}}
    assert told(patched(crm, identity, bad, "Accounts")) == [
        ("INVALID_DATA", "$.fields[0].rollup_summary.expression.criteria")
    ]


def test_a_field_of_another_type_has_no_roll_up(crm):
    answer = create(crm, field("Sum", "integer", rollup_summary=roll_up("count")), module="Accounts")
    assert told(answer) == [("NOT_SUPPORTED", "$.fields[0].rollup_summary")]
    (identity,) = made(crm, field("Plain", "integer"), module="Accounts")
    assert told(patched(crm, identity, {"rollup_summary": roll_up("count")}, "Accounts")) == [
        ("NOT_SUPPORTED", "$.fields[0].rollup_summary")
    ]


def test_what_a_roll_up_depends_on_can_not_be_deleted(crm):
    lookup = {"module": {"api_name": "Accounts"}, "display_label": "Moored here"}
    harbour, weight, kind, free = made(
        crm,
        field("Harbour", "lookup", lookup=lookup),
        field("Weight", "double"),
        field("Kind"),
        field("Free", "double"),
    )
    (identity,) = made(
        crm,
        rolled_up("Load", "sum", "Weight", condition("Kind"), related_list="Moored_here"),
        module="Accounts",
    )
    for used in (harbour, weight, kind):
        answer = deleted(crm, used)
        assert (answer.status, answer.json["code"]) == (400, "NOT_ALLOWED")
    assert deleted(crm, free).status == 200
    assert deleted(crm, identity, "Accounts").status == 200
    for used in (weight, kind, harbour):
        assert deleted(crm, used).status == 200


def test_snapshots_keep_roll_ups_and_their_values(crm, service, tmp_path):
    made(crm, rolled_up("Many", "count"), module="Accounts")
    (account,) = crm.insert("Accounts", {"Account_Name": "a"})
    record = {"Deal_Name": "a", "Stage": "Qualification", "Amount": 2, "Account_Name": {"id": account}}
    crm.insert("Deals", record)
    service.organisations.snapshot("acme", tmp_path / "one.db")
    made(crm, rolled_up("Sum", "sum", "Amount"), module="Accounts")
    crm.insert("Deals", record, record)
    assert crm.only(f"Accounts/{account}")["Many"] == 3
    service.organisations.restore("acme", tmp_path / "one.db")
    shown = crm.only(f"Accounts/{account}")
    assert (shown["Many"], "Sum" in shown) == (1, False)
    crm.insert("Deals", record)
    assert crm.only(f"Accounts/{account}")["Many"] == 2
    service.organisations.reset("acme")
    assert "Many" not in {f["api_name"] for f in crm.get("settings/fields", module="Accounts").json["fields"]}


def test_the_sample_records_are_rolled_up(demo):
    made(demo, rolled_up("Many", "count"), rolled_up("Sum", "sum", "Amount"), module="Accounts")
    deals = demo.get("Deals", fields="Amount,Account_Name", per_page="200").data
    assert len(deals) > 20
    for account in demo.get("Accounts", fields="Many,Sum").data:
        amounts = [d["Amount"] for d in deals if (d["Account_Name"] or {}).get("id") == account["id"]]
        assert account["Many"] == len(amounts)
        assert account["Sum"] == (pytest.approx(sum(amounts)) if amounts else None)


def write_deals(folder, now, token, account, begin, results):
    service = Waited(crm_in(folder, FrozenClock(now)))
    caller = Caller(service, token, 0)
    begin.wait(30)
    record = {"Deal_Name": "a", "Stage": "Qualification", "Amount": 0.1, "Account_Name": {"id": account}}
    for _ in range(15):
        first, _ = caller.insert("Deals", record, record)
        caller.put(f"Deals/{first}", {"data": [{"Amount": 0.2}]})
        caller.delete(f"Deals/{first}")
    service.close()
    results.put("done")


def test_two_processes_keep_the_values_right_together(crm, clock, tmp_path):
    """The field is made while the other process is open, which then works it out, too."""
    (account,) = crm.insert("Accounts", {"Account_Name": "a"})
    begin, results = context.Barrier(3), context.Queue()
    arguments = (tmp_path / "crm", clock.now(), crm.token, account, begin, results)
    processes = [context.Process(target=write_deals, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    begin.wait(30)
    made(crm, rolled_up("Many", "count"), rolled_up("Sum", "sum", "Amount"), module="Accounts")
    assert [results.get(timeout=60) for _ in processes] == ["done"] * 2
    for process in processes:
        process.join(30)
    shown = crm.only(f"Accounts/{account}")
    assert (shown["Many"], shown["Sum"]) == (30, 3)
