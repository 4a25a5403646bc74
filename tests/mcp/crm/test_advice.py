"""What an agent is told of an error of Zoho's API."""

import pytest

from moorage.mcp.crm.advice import fix_for, row_error


@pytest.mark.parametrize(
    ("code", "message", "details", "field", "fix"),
    [
        ("MANDATORY_NOT_FOUND", "required field not found", {"api_name": "Last_Name"}, "Last_Name", "a value"),
        ("DUPLICATE_DATA", "duplicate data", {"api_name": "Email", "id": "5"}, "Email", "Record 5 has this value"),
        ("INVALID_DATA", "invalid data", {"api_name": "Amount", "expected_data_type": "double"}, "Amount", "12.5"),
        ("INVALID_DATA", "invalid data", {"api_name": "City", "maximum_length": 100}, "City", "no more than 100"),
        ("INVALID_DATA", "the id given seems to be invalid", {"id": "5"}, None, "search_records"),
        ("INVALID_DATA", "record not deleted", {"id": "5"}, None, "No record has this id"),
        ("NO_PERMISSION", "permission denied", {}, None, "tell a person"),
        ("RECORD_LOCKED", "record is locked", {}, None, "record is locked."),
        ("X", "m", "no object", None, "m."),
    ],
)  # fmt: skip
def test_a_refused_record(code, message, details, field, fix):
    error = row_error({"code": code, "message": message, "details": details, "status": "error"})
    assert (error.code, error.field) == (code, field)
    assert fix in error.fix


def test_several_errors_of_a_record_are_told_together():
    inner = [
        {"code": "DUPLICATE_DATA", "message": "duplicate data", "details": {"api_name": "Email", "id": "5"}},
        {"code": "MANDATORY_NOT_FOUND", "message": "…", "details": {"api_name": "Last_Name"}},
    ]
    error = row_error({"code": "MULTIPLE_OR_MULTI_ERRORS", "message": "…", "details": {"errors": inner}})
    assert error.field == "Email"
    assert "Record 5" in error.fix
    assert "Last_Name: Give it a value." in error.fix


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("INVALID_MODULE", "describe_module"),
        ("SYNTAX_ERROR", "select"),
        ("OAUTH_SCOPE_MISMATCH", "connect_account"),
        ("INVALID_TOKEN", "connect_account"),
        ("LIMIT_EXCEEDED", "less"),
        ("connection_missing", "connect_account"),
        ("connection_unknown", "list_accounts"),
    ],
)
def test_a_refused_call_names_the_next_step(code, step):
    assert step in fix_for(code, "", {})


def test_an_error_that_is_not_known_has_no_advice():
    assert fix_for("SOMETHING_NEW", "", {}) is None
    assert fix_for(None, "", {}) is None
