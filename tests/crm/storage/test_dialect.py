"""The compiler writes SQL for every database; the dialect writes the parts that are different for each."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from moorage.crm.query.check import check
from moorage.crm.query.compare import Context
from moorage.crm.query.search_criteria import parse
from moorage.crm.query.tree import Equal
from moorage.crm.query.view_criteria import view_conditions
from moorage.crm.query.word_search import word_search
from moorage.crm.storage.compile import compile_aggregate, compile_tree
from moorage.crm.storage.contract.aggregates import Aggregate


class Elsewhere:
    """An engine that shares no spelling with SQLite, and nothing but ids is indexed in it."""

    parameter = "%s"
    users = "people"

    def table(self, module):
        return f"place.{module.table}"

    def equal(self, _field, column):
        return f"same({column}, %s)"

    def same_text(self, column):
        return f"same({column}, %s)"

    def like(self, column):
        return f"alike({column}, %s)"

    def items(self, column, key):
        return f"elements({column}) e", f"text_of(e, '{key}')"

    def one_of(self, column):
        return f"among({column}, %s)"

    def digits(self, column):
        return f"digits({column})"

    def is_indexed(self, field):
        return field.storage == "id"

    def is_listed(self, _field):
        return False

    def has_digits_indexed(self, _field):
        return False

    def phrase_query(self, field, text, *, start):
        return f"{field.api_name}={text}{'...' if start else ''}"

    def word_starts_query(self, phrases):
        return "&".join(phrases)

    def matches(self, module, query):
        return f"SELECT id FROM words_{module.text_table} WHERE found(%s)", (query,)

    def sum(self, field, column, only):
        return f"total({column}){only}::{field.storage}"

    def average(self, column, places, only):
        return f"mean({column}){only}.{places}"


@pytest.fixture
def compiled(shared):
    """The clause of some criteria, of a view or of words in the other dialect."""
    zone, now = ZoneInfo("UTC"), datetime(2026, 2, 6, tzinfo=UTC)
    context = Context(zone, now, shared.users[0].id, shared.catalog)
    readers = {
        "criteria": lambda text, module: check(parse(text), module, context),
        "view": lambda body, module: view_conditions(body, module, context),
        "word": lambda text, module: word_search(module, text),
    }

    def compiled(kind, asked, name="Leads"):
        module = shared.module(name)
        return compile_tree(readers[kind](asked, module), module, shared.catalog, Elsewhere())

    return compiled


FOUND = "SELECT id FROM words_t WHERE found(%s)"
CONTAINS = {"comparator": "contains", "field": {"api_name": "Company"}, "value": "50%"}


@pytest.mark.parametrize(
    ("kind", "asked", "sql", "params"),
    [
        ("criteria", "(Email:equals:a@b.co)", "same(r.c, %s)", ("a@b.co",)),
        ("criteria", "(Email:in:a@b.co)", "(same(r.c, %s))", ("a@b.co",)),
        ("criteria", "(Email:equals:${EMPTY})", "r.c IS NULL", ()),
        ("criteria", "(Annual_Revenue:greater_than:5)", "r.c > %s", (5.0,)),
        ("criteria", "(Annual_Revenue:not_equal:5)", "(same(r.c, %s)) IS NOT TRUE", (5.0,)),
        ("criteria", "(Company:starts_with:*_)", "alike(r.c, %s)", ("*\\_%",)),
        ("view", CONTAINS, "alike(r.c, %s)", ("%50\\%%",)),
        ("criteria", "(Phone:equals:+5)", "r.c IS NOT NULL AND digits(r.c) = %s", ("5",)),
        ("criteria", "(Phone:starts_with:5)", "digits(r.c) >= %s AND digits(r.c) < %s", ("5", "5\U0010ffff")),
        ("criteria", "(Tag:equals:vip)",
         "EXISTS (SELECT 1 FROM elements(r.c) e WHERE same(text_of(e, 'name'), %s))", ("vip",)),
        ("criteria", "(Company:equals:acme)",
         f"r.id IN ({FOUND})", ("Company=acme",)),
        ("criteria", "(Company:starts_with:acme)",
         f"r.id IN ({FOUND})", ("Company=acme...",)),
        ("word", "acme bay", f"r.id IN ({FOUND})", ("acme&bay",)),
        ("criteria", "(Owner:equals:ana)",
         "r.c IN (SELECT u.id FROM people u WHERE same(u.full_name, %s) OR same(u.email, %s))", ("ana", "ana")),
        ("criteria", "(Converted_Account:equals:acme)",
         f"(r.c IN (SELECT x.id FROM place.m x WHERE same(x.c, %s) AND x.id IN ({FOUND})))",
         ("acme", "Account_Name=acme")),
    ],
)  # fmt: skip
def test_what_engines_write_differently_comes_from_the_dialect(compiled, kind, asked, sql, params):
    clause = compiled(kind, asked)
    assert re.sub(r"\b([cmt])\d+\b|(?<=_t)\d+", r"\1", clause.sql) == sql
    assert clause.params == params


def test_which_indexes_lead_to_records_the_dialect_knows(compiled):
    assert compiled("criteria", "(id:equals:1234567000000000001)").indexed
    assert not compiled("criteria", "(Email:equals:a@b.co)").indexed
    assert not compiled("criteria", "(Phone:equals:5)").indexed
    assert compiled("word", "acme").query == "acme"


@pytest.mark.parametrize(
    ("function", "sql"),
    [
        ("count", "count(*)|"),
        ("sum", "total(r.c)|::real"),
        ("average", "mean(r.c)|.2"),
        ("min", "min(r.c)|"),
        ("max", "max(r.c)|"),
    ],
)
def test_what_is_added_up_exactly_comes_from_the_dialect(shared, function, sql):
    leads = shared.module("Leads")
    revenue = leads.fields["Annual_Revenue"]
    for criteria, suffix, params in (
        (None, "", ()),
        (Equal(revenue, 5.0), " FILTER (WHERE same(r.c, %s))", (5.0,)),
    ):
        wanted = Aggregate(function, None if function == "count" else revenue, criteria, 2)
        clause = compile_aggregate(wanted, leads, shared.catalog, Elsewhere())
        assert (re.sub(r"\bc\d+\b", "c", clause.sql), clause.params) == (sql.replace("|", suffix), params)
