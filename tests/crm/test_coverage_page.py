import re
from pathlib import Path

from moorage.crm.api import routes
from moorage.crm.api.absent import pairs, read_operations, shape
from moorage.crm.versions import TABLE
from tests.crm.coverage_page import PAGE as COVERAGE_PAGE
from tests.crm.coverage_page import Coverage

PAGES = Path(__file__).parents[2] / "docs" / "crm"
COVERAGE = Coverage()
DESCRIBED = COVERAGE.operations.described
NOT_HERE = {"INVALID_URL_PATTERN", "INVALID_REQUEST_METHOD", "INVALID_MODULE"}


def test_the_page_lists_every_call_with_its_scopes_and_no_other():
    rows = re.findall(
        r"^\| ([A-Z]+) \| `([^`]+)` \| [^|]+ \| (.+) \|$", (PAGES / "README.md").read_text(), re.MULTILINE
    )
    listed = {(method, path, tuple(re.findall(r"`([^`]+)`", scopes))) for method, path, scopes in rows}
    assert listed == {(route.method, route.pattern, route.scopes) for route in routes()}


def test_the_page_says_what_older_versions_say_otherwise():
    rows = re.findall(r"^\| (v[\d.]+) \| (.+) \|$", (PAGES / "versions.md").read_text(), re.MULTILINE)
    assert rows == [(difference.last, difference.says) for difference in TABLE]


def test_the_coverage_page_is_what_the_code_makes_of_it():
    assert COVERAGE_PAGE.read_text() == COVERAGE.page(), "script/pages writes it anew"


def test_the_list_has_as_many_operations_as_zohos_description():
    assert (len(DESCRIBED), sum(len(list(pairs(family))) for family in DESCRIBED.values())) == (101, 422)


def test_every_operation_that_is_here_is_in_the_list():
    operations = read_operations()
    listed = {
        pair for family in (*operations.described.values(), operations.undescribed) for pair in pairs(family)
    }
    shapes = {(method, shape(path)) for method, path in listed}
    assert [route for route in routes() if (route.method, shape(route.pattern)) not in shapes] == []


def test_what_is_said_to_be_here_is_answered(demo):
    assert len(COVERAGE.answered) > 50
    module_id = demo.get("settings/modules/Leads").json["modules"][0]["id"]
    for method, path in sorted(COVERAGE.answered):
        called = path.replace("{module}", "Leads")
        answer = demo.call(method, re.sub(r"\{\w+\}", module_id, called), {"module": "Leads"}, {})
        code = answer.json.get("code") if answer.body else None
        assert code not in NOT_HERE and "moorage-hint" not in answer.headers, (method, path, answer.body)
