"""The argument `jq`, by which agents keep what they need of a result."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.mcp.errors import ToolFailed
from moorage.mcp.maton.jq import Program, Unfit

DOCUMENT = {
    "data": [{"id": "1", "owner": {"age": 5}, "name": "A b"}, {"id": "2", "owner": None}],
    "info": {"count": 2},
}


@pytest.mark.parametrize(
    ("program", "kept"),
    [
        (".", DOCUMENT),
        (".info.count", 2),
        (".nope.at.all", None),
        (".data[0].id", "1"),
        (".data[-1].id", "2"),
        ('.info["count"]', 2),
        (".data[].id", ["1", "2"]),
        (".data[].owner.age", [5, None]),
        ("[.data[].id] | length", 2),
        (".data | map(.id)", ["1", "2"]),
        (".data[] | {id, age: .owner.age}", [{"id": "1", "age": 5}, {"id": "2", "age": None}]),
        ('.data[] | select(.id == "2") | .id', ["2"]),
        (".data[] | select(.owner.age > 4).id", ["1"]),
        (".data | map(select(.owner != null)) | length", 1),
        ("keys", ["data", "info"]),
        ('{n: (.data | length), kind: "leads"}', {"n": 2, "kind": "leads"}),
    ],
)
def test_a_program_keeps_what_jq_would(program, kept):
    assert Program(program).applied(DOCUMENT) == kept


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("", "ends too early"),
        (".data[", "ends too early"),
        (".[0", "']' is missing"),
        ("def f: f; f", "can't be read"),
        ("range(9)", "'range' is not expected"),
        ("{a: .} | {b: .}", "one object only"),
        ("(" * 20 + ".", "too deep"),
        ("[" * 400, "too deep"),
        ("{" + ",".join(f"a{n}" for n in range(21)) + "}", "20 keys"),
        ("§", "can't be read"),
        (". . }", "is not expected"),
    ],
)
def test_what_is_no_program_is_refused_in_words(program, told):
    with pytest.raises(ToolFailed, match="jq") as refused:
        Program(program)
    assert told in refused.value.message


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (".data.id", "this list has no 'id'"),
        (".info[] | keys", "this value has no keys"),
        (".info.count[]", "this value has no parts"),
        (".info.count | length", "this value has no length"),
    ],
)
def test_a_program_that_does_not_fit_says_why(program, told):
    with pytest.raises(Unfit, match=told):
        Program(program).applied(DOCUMENT)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.sampled_from([*".[]{}()|,:<>", "==", "data", "id", "select", "map", "keys", "length", '"x"', "-1"])
    )
)
def test_any_program_ends(words):
    with contextlib.suppress(ToolFailed, Unfit):
        Program(" ".join(words)).applied(DOCUMENT)
