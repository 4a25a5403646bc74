"""Which paths are calls, and what is said of those that are none."""

import pytest

NO_SUCH_PATH = {
    "code": "INVALID_URL_PATTERN",
    "details": {},
    "message": "Please check if the URL trying to access is a correct one",
    "status": "error",
}


MISSING = """
    settings settings/tags settings/pipeline settings/search settings/deleted settings/fields/1/x settings/actions/count
    org/photo org/search users/1/2 users/actions/counts a/b/c/d Leads/
"""


@pytest.mark.parametrize("path", ["", *MISSING.split()])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_an_unknown_path_is_no_module(crm, method, path):
    answer = crm.call(method, path, {"module": "Leads", "fields": "id"})
    assert (answer.status, answer.json) == (404, NO_SUCH_PATH)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "org"),
        ("DELETE", "users"),
        ("PUT", "settings/fields"),
        ("POST", "Leads/1"),
        ("PATCH", "Leads"),
    ],
)
def test_a_wrong_method_is_named_so(crm, method, path):
    answer = crm.call(method, path)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_REQUEST_METHOD")


@pytest.mark.parametrize("path", ["/crm/v2/Leads", "/crm/v7/org", "/crm/v2.1/users"])
def test_another_version_is_named_so(crm, path):
    answer = crm.call("GET", path)
    assert (answer.status, answer.json["code"]) == (400, "API_NOT_SUPPORTED")
    assert answer.json["details"] == {"supported_version": 8}
