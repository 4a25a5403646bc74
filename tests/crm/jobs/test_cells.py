"""Texts of CSV become values, or stay as they are for the rules to refuse."""

from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from moorage.crm.jobs.cells import bare, converter, python_format

ZONE = ZoneInfo("America/Los_Angeles")
TEXTS = [
    ("real", None, "1,234.50", 1234.5),
    ("real", None, "-$ 5", -5.0),
    ("real", None, "12 %", 12.0),
    ("real", None, "1e3", 1000.0),
    ("real", None, "a5b", "a5b"),
    ("real", None, "1,23", "1,23"),
    ("integer", None, "1,000", 1000),
    ("integer", None, "5.0", 5),
    ("integer", None, "5.5", "5.5"),
    ("boolean", None, "YES", True),
    ("boolean", None, "2", "2"),
    ("date", None, "02/06/2026", "2026-02-06"),
    ("date", None, "2026-02-06", "2026-02-06"),
    ("date", "dd.MM.yy", "06.02.26", "2026-02-06"),
    ("date", "dd.MM.yy", "2026-02-06", "2026-02-06"),
    ("date", None, "13/13/2026", "13/13/2026"),
    ("datetime", None, "02/06/2026 10:00:00", "2026-02-06T10:00:00-08:00"),
    ("datetime", None, "2026-02-06T10:00:00Z", "2026-02-06T10:00:00+00:00"),
    ("datetime", "yyyy-MM-dd'T'HH:mm:ssXXX", "2026-02-06T10:00:00+0100", "2026-02-06T10:00:00+01:00"),
    ("list", None, "a; b;", ["a", "b"]),
    ("tags", None, "a;b", [{"name": "a"}, {"name": "b"}]),
    ("json", None, "[{}]", [{}]),
    ("text", None, "1,5", "1,5"),
]


@pytest.mark.parametrize(("storage", "written", "text", "value"), TEXTS)
def test_a_text_becomes_a_value(storage, written, text, value):
    assert converter(SimpleNamespace(storage=storage), written, ZONE)(text) == value


def test_a_cell_is_bare_of_spaces_and_of_what_excel_adds():
    assert [bare(text) for text in (" a ", '="007"', '="a""b"', "=1+1")] == ["a", "007", 'a"b', "=1+1"]


def test_a_format_of_letters_that_stand_for_nothing_is_refused():
    with pytest.raises(ValueError, match="stands for nothing"):
        python_format("yyyy-QQ")


@pytest.mark.parametrize("written", ["yyyy-yyyy", "dd/MM/yyyy d"])
def test_a_format_that_names_something_twice_is_refused(written):
    with pytest.raises(ValueError, match="is there twice"):
        python_format(written)
