"""Which call of the API a view is, and what is said of values before they are written."""

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from moorage.console.calls import Refused
from moorage.console.crm import csv_files
from moorage.console.crm.checks import row_faults
from moorage.console.crm.conditions import Condition, in_query, in_search, quoted
from moorage.console.crm.csv_files import packed, sheet_of, unpacked
from moorage.console.crm.fields import field_of, meant
from moorage.console.crm.place import Place
from moorage.console.crm.screen import PAGES
from moorage.console.crm.view_calls import Source
from moorage.console.crm.views import View, view_of
from moorage.console.visit import VALUES

TYPES = {
    "Last_Name": "text",
    "Revenue": "currency",
    "Status": "picklist",
    "Owner": "ownerlookup",
    "Born": "date",
    "Opt_Out": "boolean",
    "Tags": "multiselectpicklist",
    "Account": "lookup",
    "Rows": "subform",
}
FIELDS = {
    name: field_of(
        {
            "api_name": name,
            "data_type": kind,
            "length": 20,
            "lookup": {"module": {"api_name": "Accounts"}} if kind == "lookup" else {},
            "pick_list_values": [{"actual_value": "New", "display_value": "New"}] if "pick" in kind else [],
        }
    )
    for name, kind in TYPES.items()
}


def source(query=""):
    view, faults = view_of(QueryParams(query), FIELDS)
    assert not faults, faults
    return Source("Leads", view, FIELDS, ("Last_Name",), view.sort, view.descending)


@pytest.mark.parametrize(
    ("query", "offset", "line"),
    [
        ("", 0, "GET /crm/v8/Leads?fields=Last_Name&page=1&per_page=50"),
        ("view=7", 50, "GET /crm/v8/Leads?fields=Last_Name&cvid=7&page=2&per_page=50"),
        ("word=a&view=7", 0, "GET /crm/v8/Leads/search?fields=Last_Name&word=a&page=1&per_page=50"),
        (
            "sort=Revenue&order=desc",
            0,
            "select Last_Name from Leads where id is not null order by Revenue desc, id desc limit 0, 50",
        ),
        (
            "field=Revenue&is=least&value=5",
            0,
            "GET /crm/v8/Leads/search?fields=Last_Name&criteria=(Revenue:greater_equal:5)&page=1&per_page=50",
        ),
        (
            "field=Last_Name&is=is&value=O'Brien",
            0,
            "select Last_Name from Leads where Last_Name = 'O''Brien' order by id desc limit 0, 50",
        ),
        ("", 2_000, "select Last_Name from Leads where id is not null order by id desc limit 2000, 50"),
        (
            "view=7",
            2_000,
            "select Last_Name from Leads#7 where id is not null order by id desc limit 2000, 50",
        ),
        ("", 199_990, "select Last_Name from Leads where id is not null order by id asc limit 0, 10"),
        ("", 150_000, "select Last_Name from Leads where id is not null order by id asc limit 49950, 50"),
    ],
)
def test_a_view_is_the_call_that_zoho_has_for_it(query, offset, line):
    call = source(query).call(offset, 50, 200_000)
    assert (call.body["select_query"] if call.body else call.line) == line
    assert call.is_backwards == (offset > 100_000)


def test_records_on_both_sides_of_the_middle_are_two_calls():
    before, after = (source("").call(offset, 200, 200_000) for offset in (99_950, 100_000))
    assert before.body["select_query"].endswith("order by id desc limit 99950, 50")
    assert after.body["select_query"].endswith("order by id asc limit 99800, 200")


@pytest.mark.parametrize(("query", "offset", "total"), [("word=ab", 2_000, None), ("", 150_000, 400_000)])
def test_what_no_call_reaches_is_said(query, offset, total):
    with pytest.raises(Refused) as caught:
        source(query).call(offset, 50, total)
    assert caught.value.code == "too_far"


def test_more_than_two_conditions_are_joined_in_pairs():
    three = [Condition("Revenue", "more", str(number)) for number in range(3)]
    assert in_query(three, any_of=True) == "((Revenue > '0' or Revenue > '1') or Revenue > '2')"
    assert in_search(three[:2], FIELDS, any_of=False) == (
        "((Revenue:greater_than:0)and(Revenue:greater_than:1))"
    )


@settings(max_examples=20, deadline=None)
@given(st.text(alphabet="a\\'(),:", max_size=12))
def test_no_value_gets_out_of_its_quotes(text):
    inner = quoted(text)[1:-1].replace("\\\\", "").replace("''", "")
    assert "'" not in inner
    assert "\\" not in inner
    criteria = in_search([Condition("Status", "is", text)], FIELDS, any_of=False)
    bare = criteria[1:-1].replace("\\\\", "")
    assert all(bare[at - 1] == "\\" for at, sign in enumerate(bare) if sign in "(),")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("sort=Rows", "can't be sorted by 'Rows'"),
        ("view=x", "no view 'x'"),
        ("field=Nothing&is=is&value=1", "no field 'Nothing'"),
        ("field=Opt_Out&is=more&value=1", "can't be compared by 'more'"),
        ("field=Revenue&is=more", "needs a value"),
        ("word=a&field=Revenue&is=more&value=1", "Only the word counts"),
    ],
)
def test_an_address_that_means_nothing_says_so(query, fault):
    assert fault in view_of(QueryParams(query), FIELDS)[1][0]


def test_a_view_and_its_address_are_one():
    view = View("7", ("Last_Name",), "Born", True, "", (Condition("Status", "is", "a&b="),), True, 3)
    assert view_of(QueryParams(view.link()[1:]), FIELDS) == (view, [])


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("Last_Name", " a ", "a"),
        ("Last_Name", "", None),
        ("Revenue", "12.5", 12.5),
        ("Revenue", "12", 12),
        ("Revenue", "abc", "abc"),
        ("Revenue", "9" * 40, "9" * 40),
        ("Revenue", "1e999", "1e999"),
        ("Opt_Out", "yes", True),
        ("Tags", "a;b", ["a", "b"]),
        ("Account", "123", {"id": "123"}),
    ],
)
def test_what_is_typed_becomes_the_value_of_the_api(name, text, value):
    assert meant(FIELDS[name], [text]) == value


def test_every_page_needs_the_right_to_see_values():
    assert {page.needs for page in PAGES} == {VALUES}


@pytest.mark.parametrize("environment", ["live", "embedded"])
@pytest.mark.parametrize("confirm", [None, "other", "mine"])
def test_a_live_organisation_is_only_written_to_if_the_form_says_so(environment, confirm):
    asked = []

    async def app(*call, **options):
        asked.append((call, options))

    form = {"confirm": confirm} if confirm else {}
    visit = SimpleNamespace(form=form, may_write=True, app=app)
    place = Place(visit, {"connection_id": "mine", "environment": environment, "metadata": {}, "alias": None})
    if environment == "live" and confirm != "mine":
        with pytest.raises(Refused):
            asyncio.run(place.write("DELETE", "/Leads"))
    else:
        asyncio.run(place.write("DELETE", "/Leads"))
    assert len(asked) == (environment == "embedded" or confirm == "mine")


@pytest.mark.parametrize(
    ("content", "delimiter", "encoding", "row"),
    [
        (b"a,b\n1,2\n", "comma", "utf-8", ["1", "2"]),
        ('a;b\r\nü;"1,5;x"\r\n'.encode("cp1252"), "semicolon", "windows-1252", ["ü", "1,5;x"]),
        ("a\tb\n1".encode("utf-16"), "tab", "utf-16", ["1", ""]),
        ("\ufeffa|b\n1|2".encode(), "bar", "utf-8", ["1", "2"]),
    ],
)
def test_a_csv_file_says_itself_how_it_is_written(content, delimiter, encoding, row):
    sheet = sheet_of(content)
    assert (sheet.names, sheet.rows, sheet.delimiter, sheet.encoding) == (
        ["a", "b"],
        [row],
        delimiter,
        encoding,
    )


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"a\n1,2\n", b"\xff\xfea", b'a,b\n"' + b"x" * 200_000])
def test_a_file_that_is_no_table_is_refused_in_words(content):
    with pytest.raises(Refused) as caught:
        sheet_of(content)
    assert caught.value.code == "csv_invalid"


def test_what_a_form_remembers_has_an_end(monkeypatch):
    monkeypatch.setattr(csv_files, "MOST_UNPACKED", 1000)
    assert unpacked(packed(["ü", 1])) == ["ü", 1]
    for broken in ("", "!", packed("x" * 1000), packed(1)[:-8]):
        with pytest.raises(Refused):
            unpacked(broken)


def test_faults_of_a_row_are_seen_before_it_is_sent():
    columns = [FIELDS[name] for name in ("Revenue", "Status", "Born", "Opt_Out", "Account")]
    wrong = ["abc", "Old", "1.2.2026", "maybe", "Acme"]
    assert len(row_faults(wrong, columns, {"Last_Name": "Last Name"})) == 6
    assert row_faults(["1.5", "New", "2026-02-01", "no", "7"], columns, {"Status": "Status"}) == []
