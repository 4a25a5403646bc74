"""Records are put right where no doubt is possible, and told what is wrong elsewhere."""

import msgspec
import pytest

from moorage.mcp.crm.checks import faults_in, put_right, unknown_names
from moorage.mcp.crm.metadata import Choice, Field, Operations

OPTIONS = [Choice("-None-"), Choice("Hot"), Choice("Cold"), Choice("Old", "unused")]
FIELDS = {
    field.api_name: field
    for field in [
        Field("Last_Name", data_type="text", length=5, system_mandatory=True),
        Field("Amount", data_type="currency"),
        Field("Employees", data_type="integer"),
        Field("Opt_Out", data_type="boolean"),
        Field("Day", data_type="date"),
        Field("At", data_type="datetime"),
        Field("Rating", data_type="picklist", pick_list_values=OPTIONS),
        Field("Interests", data_type="multiselectpicklist", pick_list_values=OPTIONS),
        Field("Owner", data_type="ownerlookup"),
        Field("Phone", data_type="phone", length=30),
        Field("Sum", data_type="formula", read_only=True),
        Field("Made", data_type="text", operation_type=Operations(api_create=True, api_update=False)),
    ]
}


@pytest.mark.parametrize(
    ("name", "sent", "meant"),
    [
        ("Amount", "12.50", 12.5),
        ("Amount", "5", 5),
        ("Amount", "1,000", "1,000"),
        ("Amount", "007", "007"),
        ("Employees", "-3", -3),
        ("Opt_Out", "True", True),
        ("Opt_Out", "yes", "yes"),
        ("Phone", 5551234, "5551234"),
        ("Last_Name", True, True),
        ("Last_Name", "5", "5"),
        ("Owner", "3652397000000100", {"id": "3652397000000100"}),
        ("Owner", 3652397000000100, {"id": "3652397000000100"}),
        ("Owner", "Ann (Leads 3652397000000100)", {"id": "3652397000000100"}),
        ("Owner", "Ann (3652397000000100)", {"id": "3652397000000100"}),
        ("Owner", "Ann", "Ann"),
        ("Interests", "Hot; Cold", ["Hot", "Cold"]),
        ("Day", None, None),
        ("Unknown", "5", "5"),
    ],
)
def test_a_value_gets_its_type_where_it_cant_be_doubted(name, sent, meant):
    value = put_right({name: sent}, FIELDS)[name]
    assert (value, type(value)) == (meant, type(meant))


@pytest.mark.parametrize(
    ("record", "mode", "field", "fix"),
    [
        ({}, "create", "Last_Name", "Give it a value."),
        ({"Last_Name": None, "id": "1"}, "update", "Last_Name", "Give it a value."),
        ({"Last_Name": "x"}, "update", "id", "Give the id"),
        ({"Last_Name": "longer"}, "create", "Last_Name", "6 characters, and 5"),
        ({"Last_Name": ["x"]}, "create", "Last_Name", "a text"),
        ({"Last_Name": "x", "Amount": "1,000"}, "create", "Amount", "12.5"),
        ({"Last_Name": "x", "Employees": 1.5}, "create", "Employees", "whole number"),
        ({"Last_Name": "x", "Opt_Out": "yes"}, "create", "Opt_Out", "true or false"),
        ({"Last_Name": "x", "Day": "30.11.2026"}, "create", "Day", "2026-11-30"),
        ({"Last_Name": "x", "At": "2026-11-30T09:00:00"}, "create", "At", "zone"),
        ({"Last_Name": "x", "Rating": "Hott"}, "create", "Rating", "Did you mean Hot?"),
        ({"Last_Name": "x", "Rating": "Old"}, "create", "Rating", "none of its options"),
        ({"Last_Name": "x", "Interests": ["Hot", "Warm"]}, "create", "Interests", "none of its options"),
        ({"Last_Name": "x", "Owner": "Ann"}, "create", "Owner", '{"id": "…"}'),
        ({"Last_Name": "x", "Sum": 5}, "create", "Sum", "leave it out"),
        ({"id": "1", "Made": "x"}, "update", "Made", "leave it out"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_field(record, mode, field, fix):
    fault = faults_in(record, FIELDS, mode)
    assert fault.field == field
    assert fix in fault.fix


@pytest.mark.parametrize(
    ("record", "mode"),
    [
        (
            {"Last_Name": "x", "Rating": "Hot", "Day": "2026-11-30", "At": "2026-11-30T09:00:00+01:00"},
            "create",
        ),
        ({"id": "1", "Rating": None, "Amount": 10**18, "Interests": ["Hot"]}, "update"),
        ({"Phone": "5"}, "upsert"),
    ],
)
def test_a_right_record_has_no_fault(record, mode):
    assert faults_in(record, FIELDS, mode) is None


def test_a_name_that_no_field_has_is_told_with_the_right_one():
    records = [{"Last_Name": "x", "id": "1", "$append": 1}, {"LastName": "x"}]
    faults = unknown_names("Leads", records, [], FIELDS)
    assert msgspec.to_builtins(faults) == {
        1: {
            "code": "FIELD_UNKNOWN",
            "field": "LastName",
            "fix": "Leads has no field 'LastName'. Did you mean Last_Name?",
        }
    }
    assert unknown_names("Leads", records, [], {}) == {}
    assert set(unknown_names("Leads", records, ["Emial"], FIELDS)) == {0, 1}


def test_only_the_first_names_are_compared_with_all_fields():
    faults = unknown_names("Leads", [{f"LastName{n}": 1} for n in range(100)], [], FIELDS)
    assert [("Did you mean" in faults[n].fix) for n in (0, 4, 5, 99)] == [True, True, False, False]
