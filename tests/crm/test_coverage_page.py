import re
from pathlib import Path

from moorage.crm.api import routes
from moorage.crm.versions import TABLE

PAGE = (Path(__file__).parents[2] / "docs" / "crm.md").read_text()


def test_the_page_lists_every_call_with_its_scopes_and_no_other():
    rows = re.findall(r"^\| ([A-Z]+) \| `/crm/v8/([^`]+)` \| [^|]+ \| (.+) \|$", PAGE, re.MULTILINE)
    listed = {(method, path, tuple(re.findall(r"`([^`]+)`", scopes))) for method, path, scopes in rows}
    assert listed == {(route.method, route.pattern, route.scopes) for route in routes()}


def test_the_page_says_what_older_versions_say_otherwise():
    rows = re.findall(r"^\| (v[\d.]+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(difference.last, difference.says) for difference in TABLE]
