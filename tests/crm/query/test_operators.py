"""Which operators each data type takes, over every field of every module; all others are refused by name."""

import pytest

from moorage.crm.query.check import check
from moorage.crm.query.search_criteria import parse

TEXT = {"equals", "not_equal", "starts_with", "in"}
CHOICE = {"equals", "not_equal", "in"}
ORDER = {
    "equals", "not_equal", "greater_equal", "greater_than", "less_equal", "less_than", "between", "in",
}  # fmt: skip
OPERATORS = {
    **dict.fromkeys(("text", "email", "phone", "website", "multiselectpicklist"), TEXT),
    "textarea": TEXT - {"in"},
    **dict.fromkeys(("picklist", "autonumber"), CHOICE),
    **dict.fromkeys(("lookup", "multi_module_lookup", "ownerlookup", "userlookup"), CHOICE),
    **dict.fromkeys(("integer", "bigint", "double", "currency", "percent", "date", "datetime"), ORDER),
    "boolean": CHOICE - {"in"},
    "formula": ORDER,  # All of the standard ones yield a currency.
}
VALUES = {"date": "2024-02-29", "datetime": "2024-02-29T12:00:00+05:30", "boolean": "true", "text": "ab"}


@pytest.fixture(scope="session")
def fields(metadata):
    """Every module with every field as its metadata describes it."""
    return [
        (module.name, field.body)
        for module in metadata.all("module")
        for field in metadata.all("field", module.id)
    ]


@pytest.fixture
def answer(catalog, context, fault_of):
    """Check one condition against a module. Returns the fault, or None if the condition is valid."""

    def answer(module, field, operator, value):
        values = f"{value},{value}" if operator == "between" else value
        tree = parse(f"({field}:{operator}:{values})")
        return fault_of(check, tree, catalog.modules[module], context)

    return answer


def value_of(field):
    return VALUES.get(field["data_type"], "5")


def test_each_type_takes_its_operators_and_no_others(answer, fields):
    for module, field in fields:
        if not field["searchable"] and field["api_name"] != "id":
            continue
        for operator in (*ORDER, "starts_with", "contains", "like", "EQUALS", "not_in", "=="):
            fault = answer(module, field["api_name"], operator, value_of(field))
            if operator in OPERATORS[field["data_type"]]:
                assert fault is None, (module, field["api_name"], operator)
                continue
            assert (fault.status, fault.document()) == (
                400,
                {
                    "code": "INVALID_QUERY",
                    "details": {
                        "operator": operator,
                        "api_name": field["api_name"],
                        "reason": "The operator is not valid for the field type",
                    },
                    "message": "invalid operator found",
                    "status": "error",
                },
            )


def test_what_is_not_searchable_is_refused_whatever_the_operator(answer, fields):
    hidden = [
        (module, field) for module, field in fields if not field["searchable"] and field["api_name"] != "id"
    ]
    assert ("Events", "Participants") in [(module, field["api_name"]) for module, field in hidden]
    for module, field in hidden:
        for operator in ("equals", "nonsense"):
            fault = answer(module, field["api_name"], operator, value_of(field))
            assert (fault.status, fault.code) == (400, "INVALID_QUERY")
            assert fault.message == "Invalid query formed"
            assert fault.details == {
                "reason": "the field is not available for search",
                "api_name": field["api_name"],
            }


WRONG = {
    "integer": ("Integer", ["x", "1.5", "1e3", "1,5", "9" * 20, "", "true"]),
    "bigint": ("Long", ["x", "1.5", "9" * 20]),
    "double": ("Double", ["x", "1.5.5", "1e999", "nan", "inf", "0x10", "\u0661"]),
    "currency": ("Double", ["$5", "1 000"]),
    "date": ("date", ["2024-02-30", "29.02.2024", "2024-2-9", "2024-02-29T12:00:00Z", "today"]),
    "datetime": ("datetime", ["2024-02-30", "2024-02-29T12:00:00", "2024-02-29 12:00", "now"]),
    "boolean": ("Boolean", ["yes", "1", "TRUE!", ""]),
}


@pytest.mark.parametrize("data_type", WRONG)
def test_a_value_of_another_type_is_refused_with_the_type_that_is_expected(answer, fields, data_type):
    expected, values = WRONG[data_type]
    module, field = next((m, f) for m, f in fields if f["data_type"] == data_type and f["searchable"])
    for value in values:
        fault = answer(module, field["api_name"], "equals", value)
        times = data_type in {"date", "datetime"}
        message = "Invalid query formed" if times else "invalid value for search"
        assert (fault.status, fault.code, fault.message) == (400, "INVALID_QUERY", message)
        assert fault.details == {
            "expected_data_type": expected,
            "reason": "invalid value for search",
            "api_name": field["api_name"],
            **({"value": value} if times else {}),
        }


def test_an_empty_value_of_text_is_refused_with_the_value(answer):
    for value in ("", "   "):
        fault = answer("Leads", "Company", "equals", value)
        details = {"reason": "Please check the value of the field", "api_name": "Company", "value": ""}
        assert (fault.message, fault.details) == ("invalid value for search", details)
