import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.crm.query.search_criteria import Condition, Group, parse


def escape(value):
    return re.sub(r"([(),\\])", r"\\\1", value)


def render(tree, keyword=str, space=""):
    if isinstance(tree, Condition):
        return f"({tree.field}:{tree.operator}:{','.join(map(escape, tree.values))})"
    joint = f"{space}{keyword(tree.keyword)}{space}"
    return f"({space}{joint.join(render(part, keyword, space) for part in tree.parts)}{space})"


def condition(field, operator, *values):
    return Condition(field, operator, values)


names = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ_0123456789", min_size=1, max_size=12)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
conditions = st.builds(Condition, names, st.sampled_from(["equals", "starts_with"]), st.tuples(texts)) | (
    st.builds(
        Condition,
        names,
        st.sampled_from(["in", "between"]),
        st.lists(texts, min_size=1, max_size=4).map(tuple),
    )
)
trees = st.recursive(
    conditions,
    lambda part: st.builds(
        Group, st.sampled_from(["and", "or"]), st.lists(part, min_size=2, max_size=3).map(tuple)
    ),
    max_leaves=12,
)


@given(trees, st.sampled_from([str.lower, str.upper, str.title]), st.sampled_from(["", " ", "\n  "]))
def test_what_is_written_is_read_back(tree, keyword, space):
    text = render(tree, keyword, space)
    if len(text) <= 3000:
        assert parse(text) == tree


@given(
    text=st.text(max_size=60)
    | st.text("()\\,: anorderqlstif_b1", max_size=80)
    | st.lists(st.sampled_from(["(", ")", "a:equals:b", "and", "or", "\\", ":", ",", " "]), max_size=30).map(
        "".join
    )
)
def test_garbage_is_refused_as_a_query(text, fault_of):
    fault = fault_of(parse, text)
    assert fault is None or fault.code in {"INVALID_QUERY", "CRITERIA_LIMIT_EXCEEDED"}


def test_a_single_condition_may_leave_its_parentheses_out():
    smith = condition("Last_Name", "starts_with", "Smith")
    assert parse("(Last_Name:starts_with:Smith)") == smith
    assert parse("Last_Name:starts_with:Smith") == smith
    assert parse("((Last_Name:starts_with:Smith))") == smith


def test_escaped_signs_belong_to_the_value():
    expected = condition("Last_Name", "equals", r"Burns,B (Sample) a\b" + "\\")
    assert parse(r"(Last_Name:equals:Burns\,B \(Sample\) a\\b\\)") == expected


def test_a_comma_separates_values_only_where_a_list_is_expected():
    assert parse("(Last_Name:equals:Burns,B)") == condition("Last_Name", "equals", "Burns,B")
    assert parse(r"(Last_Name:in:Burns,B\,C)") == condition("Last_Name", "in", "Burns", "B,C")


def test_a_time_keeps_its_colons():
    time = "2024-01-01T10:00:00+05:30"
    assert parse(f"(Created_Time:greater_than:{time})") == condition("Created_Time", "greater_than", time)


def test_and_binds_tighter_than_or():
    a, b, c = (condition(name, "equals", "1") for name in "abc")
    assert parse("(a:equals:1)or(b:equals:1)and(c:equals:1)") == Group("or", (a, Group("and", (b, c))))
    assert parse("((a:equals:1) AND (b:equals:1) Or (c:equals:1))") == Group("or", (Group("and", (a, b)), c))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("(Last_Name:equals:Smith", "end too early"),
        ("(Last_Name:equals:Smith\\)", "end too early"),
        ("(Last_Name:equals:Sm(ith))", 'unexpected "(" at character 21'),
        ("(Last_Name:equals:Smith))", 'unexpected ")" at character 25'),
        ("Last_Name:equals:Smith)", 'unexpected ")" at character 23'),
        ("Last_Name:equals:Smith\\", "double it"),
        ("(Last_Name:equals)", "(api_name:operator:value)"),
        ("(:equals:Smith)", "(api_name:operator:value)"),
        ("()", "(api_name:operator:value)"),
        ("(a:equals:1)xor(b:equals:1)", 'unexpected "x" at character 13'),
        ("(a:equals:1)and", "end too early"),
        ("(a:equals:1)(b:equals:1)", 'unexpected "(" at character 13'),
        ("(a:equals:\0)", "null characters"),
        ("(a:equals:\ud800)", "lone surrogates"),
        ("(" * 22 + "a:equals:1" + ")" * 22, "at most 20 deep"),
        ("(" * 1500, "at most 20 deep"),
        (f"(a:equals:{'x' * 3000})", "at most 3000 characters"),
    ],
)
def test_a_refusal_says_what_is_wrong(text, reason, fault_of):
    fault = fault_of(parse, text)
    assert (fault.status, fault.code, fault.message) == (400, "INVALID_QUERY", "Invalid query formed")
    assert reason in fault.details["reason"]


def test_twenty_levels_are_read():
    assert parse("(" * 21 + "a:equals:1" + ")" * 21) == condition("a", "equals", "1")


def test_fifteen_conditions_are_the_limit(fault_of):
    assert len(parse("and".join(["(a:equals:1)"] * 15)).parts) == 15
    fault = fault_of(parse, "or".join(["(a:equals:1)"] * 16))
    assert fault.document() == {
        "code": "CRITERIA_LIMIT_EXCEEDED",
        "details": {},
        "message": "no of criterium that can be given exceed the limit 15",
        "status": "error",
    }


def test_a_hundred_values_are_the_limit(fault_of):
    assert len(parse(f"(a:in:{','.join('x' * 100)})").values) == 100
    fault = fault_of(parse, f"(a:in:{','.join('x' * 101)})")
    assert (fault.code, fault.message) == ("INVALID_QUERY", 'Only 100 values are allowed in "IN" criteria')
    assert fault.details == {"api_name": "a"}
