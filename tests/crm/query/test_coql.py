"""Zoho's query language as text: what it means, and where it is wrong."""

import copy
import time
import weakref

import pytest

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.query.compare import Context
from moorage.crm.query.coql import kept
from moorage.crm.query.coql.check import selection
from moorage.crm.query.coql.columns import Asker, Limits
from moorage.crm.query.coql.kept import found, keep
from moorage.crm.query.coql.parser import DEEPEST, parse
from moorage.crm.query.coql.syntax import Call, Comparison, Joined, Name
from moorage.crm.query.coql.tokens import LONGEST


def condition(text):
    return parse(f"select a from Leads where {text}").condition


def fault(text):
    with pytest.raises(Fault) as raised:
        parse(text)
    document = raised.value.document()
    assert (raised.value.status, document["code"]) == (400, "SYNTAX_ERROR")
    return document["message"], document["details"]


def test_a_whole_query():
    query = parse(
        "SELECT Last_Name, 'Account_Name.Parent_Account' AS 'p', COUNT( id ) as n FROM Leads#12 WHERE x = 1"
        " GROUP BY Last_Name, p ORDER BY COUNT(id) DESC, Last_Name asc LIMIT 5, 10"
    )
    assert [(item.value.text, item.alias) for item in query.items] == [
        ("Last_Name", None),
        ("Account_Name.Parent_Account", "p"),
        ("COUNT(id)", "n"),
    ]
    assert query.items[2].value == Call("COUNT", Name("id"), "COUNT(id)")
    assert (query.module, query.view) == ("Leads", "12")
    assert [name.text for name in query.groups] == ["Last_Name", "p"]
    assert [(order.value.text, order.descending) for order in query.orders] == [
        ("COUNT(id)", True),
        ("Last_Name", False),
    ]
    assert (query.limit, query.offset) == ("10", "5")


@pytest.mark.parametrize(
    ("text", "operator", "values"),
    [
        ("a = 'O''Brien'", "=", ("O'Brien",)),
        (r"a = 'O\'Brien'", "=", ("O'Brien",)),
        (r"a = 'C:\new\\'", "=", ("C:\\new\\",)),
        ("a = ''", "=", ("",)),
        ("a = Advertisement", "=", ("Advertisement",)),
        ("a=-5", "=", ("-5",)),
        ("a>=1.5e3", ">=", ("1.5e3",)),
        ("a != true", "!=", ("true",)),
        ("a Not Like '%x%'", "not like", ("%x%",)),
        ("a in ('x', 2,y)", "in", ("x", "2", "y")),
        ("a NOT IN (1)", "not in", ("1",)),
        ("a between '1' AND 2", "between", ("1", "2")),
        ("a not between 1 and 2", "not between", ("1", "2")),
        ("a is null", "is null", ()),
        ("a IS\nNOT NULL", "is not null", ()),
        ("((a = 'and'))", "=", ("and",)),
    ],
)
def test_a_comparison(text, operator, values):
    assert condition(text) == Comparison(Name("a"), operator, values)


def test_conditions_are_joined_in_pairs():
    outer = condition("((a = 1 and b = 2) OR c = 3)")
    assert isinstance(outer, Joined)
    assert outer.keyword == "or"
    assert outer.parts[0].keyword == "and"
    for text in ("a = 1 and b = 2 and c = 3", "(a = 1 or b = 2 and c = 3)"):
        assert fault(f"select a from b where {text}") == (
            "error occured while parsing the query",
            {"near": "and"},
        )


NOT_SUPPORTED = ("given coql query not supported", {})


@pytest.mark.parametrize(
    ("text", "message", "details"),
    [
        ("", *NOT_SUPPORTED),
        ("update Leads set a = 1", *NOT_SUPPORTED),
        ("select a", "missing clause", {"clause": "from"}),
        ("select a where b = 1", "missing clause", {"clause": "from"}),
        ("select a from Leads", "missing clause", {"clause": "where"}),
        ("select a from Leads order by a", "missing clause", {"clause": "where"}),
        ("select a from Leads where", "error occured while parsing the query", {"near": "where"}),
        ("select from Leads", "error occured while parsing the query", {"near": "from"}),
        ("select a from b where a =", "error occured while parsing the query", {"near": "="}),
        ("select a from b where a == 1", "operator not supported", {"operator": "=="}),
        ("select a from b where a contains 'x'", "operator not supported", {"operator": "contains"}),
        ("select a from b where a = 1;", "unexpected token", {"line": 1, "column": 28, "near": ";"}),
        ("select a from b\nwhere a = 'x", "unexpected token", {"line": 2, "column": 11, "near": "'x"}),
        ("select a,\n\n  * from b where a = 1", "unexpected token", {"line": 3, "column": 3, "near": "*"}),
        ("select a from b where é = 1", "unexpected token", {"line": 1, "column": 23, "near": "é"}),
        ("select a from b where (a, b) in (1)", "unexpected token", {"line": 1, "column": 25, "near": ","}),
        ("select TOTAL(a) from b where a = 1", "unexpected token", {"line": 1, "column": 8, "near": "TOTAL"}),
        (
            "select a from b where a = 1 having 2",
            "unexpected token",
            {"line": 1, "column": 29, "near": "having"},
        ),
        ("select a from b where a = '\0'", "unexpected token", {"line": 1, "column": 27, "near": "'\0'"}),
        ("select a from b where (a = 1", "error occured while parsing the query", {"near": "1"}),
        ("select a from b where a in ()", "unexpected token", {"line": 1, "column": 29, "near": ")"}),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text, message, details):
    assert fault(text) == (message, details)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 50_000,
        "select a from b where " + "(" * (DEEPEST + 1) + "a = 1" + ")" * (DEEPEST + 1),
        "select a from b where " + "a in (select a from b where " * 3_000,
        "select a from b where a = " + "'" * 90_001,
        "select a from b where a = '" + "\\'" * 40_000,
        "select " + "a." * 40_000,
        "select a from b where a = " + "-" * 90_000,
        "select a from b where a = 1" + " " * LONGEST,
        "select a from b where a = '" + "x" * LONGEST,
        "select a from b where a in (" + "1," * 40_000,
        "select" + " a" * 40_000,
        "\ufeffselect a from b where a = 1",
        "select a from b where a = \U0001f6a2",
    ],
)
def test_hostile_text_is_refused_soon(text):
    begin = time.process_time()
    fault(text)
    assert (
        time.process_time() - begin < 2
    )  # It takes a tenth of a second at most; what grows with the square takes minutes.


def test_parentheses_have_an_end():
    text = "select a from b where " + "(" * DEEPEST + "a = 1" + ")" * DEEPEST
    assert parse(text).condition == Comparison(Name("a"), "=", ("1",))
    assert fault(text.replace("(a", "((a"))[0] == "the query is too complex"


def test_what_is_kept_goes_with_the_metadata(metadata, context):
    metadata = copy.copy(metadata)
    own = Context(context.zone, context.now, context.user, Catalog(metadata))
    asker = Asker(own, metadata, lambda module: None, Limits())
    text = "select Owner.last_name from Leads where Owner.role.name = 'CEO'"
    keep(text, parse(text), asker, selection(parse(text), asker, {}))
    assert found(text, asker) is not None
    last = weakref.ref(metadata)
    del metadata, own, asker
    assert last() is None


@pytest.mark.parametrize(("more", "is_kept"), [(0, True), (-1, False)])
def test_what_is_kept_is_not_large(metadata, context, monkeypatch, more, is_kept):
    monkeypatch.setattr(kept, "_MOST_TEXTS", len(metadata.all("user")) + more)
    metadata = copy.copy(metadata)
    asker = Asker(
        Context(context.zone, context.now, 1, context.catalog), metadata, lambda module: None, Limits()
    )
    text = "select id from Leads where Owner.last_name = 'Ito' or Created_By.last_name is null"
    keep(text, parse(text), asker, selection(parse(text), asker, {}))
    assert (found(text, asker) is not None) == is_kept
