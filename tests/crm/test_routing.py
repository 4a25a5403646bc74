"""Which paths lead to an operation, and the answers of all other paths."""

import re

import pytest

from moorage.crm.api import routes
from moorage.crm.api.absent import absent_routes, listed, of_any_module, shape
from moorage.crm.metadata import spelling
from moorage.crm.metadata.custom.naming import API_NAME
from moorage.crm.metadata.custom.row_modules import RESERVED_MODULES
from moorage.crm.server import operations
from tests.log_lines import capture_logs

NO_SUCH_PATH = {
    "code": "INVALID_URL_PATTERN",
    "details": {},
    "message": "Please check if the URL trying to access is a correct one",
    "status": "error",
}


MISSING = """
    settings settings/pipelines settings/search settings/deleted settings/fields/1/x settings/actions/count
    org/pictures org/search users/1/2 users/actions/counts a/b/c/d/e Leads/
"""


def test_no_module_is_ever_called_like_the_beginning_of_another_path():
    patterns = [route.pattern for route in (*routes(), *absent_routes())]
    segments = {pattern.split("/")[3] for pattern in patterns if pattern.startswith("/crm/v8/")}
    possible = {segment for segment in segments if API_NAME.fullmatch(segment) and segment[0].islower()}
    assert {"settings", "coql"} < possible <= RESERVED_MODULES


@pytest.mark.parametrize("path", ["", *MISSING.split()])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_an_unknown_path_is_no_module(kept_crm, method, path):
    answer = kept_crm.call(method, path, {"module": "Leads", "fields": "id"})
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
def test_a_wrong_method_is_named_so(kept_crm, method, path):
    answer = kept_crm.call(method, path)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_REQUEST_METHOD")


@pytest.mark.parametrize("path", ["/crm/v1/Leads", "/crm/v9/org", "/crm/v2.2/users", "/crm/bulk/v99/read"])
def test_an_unknown_version_is_named_so(kept_crm, path):
    answer = kept_crm.call("GET", path)
    assert (answer.status, answer.json["code"]) == (400, "API_NOT_SUPPORTED")
    assert answer.json["details"] == {"supported_version": 8}


ABSENT = [
    ("GET", "actions/watch", "/crm/v8/actions/watch"),
    ("POST", "actions/watch", "/crm/v8/actions/watch"),
    ("GET", "__features", "/crm/v8/__features"),
    ("GET", "features", "/crm/v8/features"),
    ("GET", "approvals", "/crm/v8/approvals"),
    ("GET", "bulk/read", "/crm/v8/bulk/read"),
    ("POST", "bulk/read", "/crm/v8/bulk/read"),
    ("GET", "Contacts/roles", "/crm/v8/Contacts/roles"),
    ("PUT", "Contacts/roles", "/crm/v8/Contacts/roles"),
    ("DELETE", "Contacts/roles/1", "/crm/v8/Contacts/roles/{id}"),
    ("PATCH", "settings/layouts", "/crm/v8/settings/layouts"),
    ("POST", "__composite_requests", "/crm/v8/__composite_requests"),
    ("POST", "files", "/crm/v8/files"),
    ("GET", "settings/holidays", "/crm/v8/settings/holidays"),
    ("DELETE", "users/1", "/crm/v8/users/{id}"),
    ("GET", "Leads/1/Notes", "/crm/v8/{module}/{id}/{related_list}"),
    ("POST", "Leads/1/Attachments", "/crm/v8/{module}/{id}/Attachments"),
    ("POST", "Leads/1/actions/convert", "/crm/v8/{module}/{id}/actions/convert"),
    ("POST", "Leads/actions/add_tags", "/crm/v8/{module}/actions/add_tags"),
    ("POST", "/crm/bulk/v8/read", "/crm/bulk/v8/read"),
    ("GET", "/crm/bulk/v8/read/1/result", "/crm/bulk/v8/read/{id}/result"),
    ("GET", "/crm/email/v8/settings/compose", "/crm/email/v8/settings/compose"),
    ("GET", "/crm/v3/features", "/crm/v3/features"),
    ("POST", "/crm/bulk/v2/read", "/crm/bulk/v2/read"),
]


def is_here(method, path):
    """Whether an operation is answered, whatever the names of its placeholders, and by the path of any module."""
    here = {(route.method, shape(route.pattern)) for route in routes()}
    return bool({(method, shape(path)), (method, shape(of_any_module(path)))} & here)


def test_what_is_not_here_yet_says_so_by_name(crm):
    for method, path, operation in ABSENT:
        if is_here(method, re.sub(r"/v[\d.]+/", "/v8/", operation)):
            continue
        answer = crm.call(method, path, {"module": "Leads", "fields": "id"})
        assert (answer.status, answer.json) == (404, NO_SUCH_PATH)
        assert answer.headers["moorage-hint"] == f"not implemented: {method} {operation}"


@pytest.fixture
def nothing_told():
    """The log was told of nothing yet, as in a new process."""
    operations.cache_clear()


def test_the_log_is_told_once_of_what_is_not_here(nothing_told, crm):
    with capture_logs() as lines:
        for _ in range(3):
            crm.get("features")
            crm.call("GET", "/crm/v2/features")
    told = [line for line in lines if line["event"] == "crm.not_implemented"]
    assert [line["operation"] for line in told] == ["GET /crm/v8/features"]


def test_nobody_is_told_what_is_here_without_a_token(nobody):
    assert nobody.call("GET", "features").json["code"] == "AUTHENTICATION_FAILURE"
    assert nobody.call("POST", "/crm/bulk/v8/read").json["code"] == "AUTHENTICATION_FAILURE"


def test_every_operation_of_the_description_is_here_or_says_that_it_is_not(crm):
    for method, path in listed():
        if is_here(method, path) or not path.startswith("/crm/"):
            continue
        called = path.replace("{module}", "Leads")
        answer = crm.call(method, re.sub(r"\{\w+\}", "1", called))
        assert answer.json["code"] == "INVALID_URL_PATTERN", (method, path, answer.body)
        assert answer.headers["moorage-hint"] == f"not implemented: {method} {path}"


def test_a_segment_that_is_no_module_is_an_unknown_module(crm):
    for name in ("Nonsense", "Lead", "LEADSX"):
        for answer in (crm.get(name, fields="id"), crm.get("settings/fields", module=name)):
            assert answer.json["code"] == "INVALID_MODULE"
            assert "moorage-hint" not in answer.headers


MISSPELLED = [
    ("leads", {"fields": "id"}),
    ("LEADS/search", {"word": "Lee"}),
    ("leads/1", {}),
    ("settings/fields", {"module": "leads"}),
    ("settings/layouts", {"module": "leadS"}),
    ("settings/modules/leads", {}),
]


def test_a_module_in_another_case_is_refused_with_its_right_name(crm):
    for path, params in MISSPELLED:
        answer = crm.get(path, **params)
        assert (answer.status, answer.json["code"]) == (400, "INVALID_MODULE")
        assert answer.headers["moorage-hint"] == "module names are case-sensitive; this one is Leads"


def test_the_log_is_told_once_of_a_module_in_another_case(crm, monkeypatch):
    monkeypatch.setattr(spelling, "_logged", set())
    with capture_logs() as lines:
        crm.get("leads")
        crm.get("LEADS")
    assert [line["module"] for line in lines if line["event"] == "crm.module_misspelled"] == ["Leads"]
