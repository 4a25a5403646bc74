"""Text that anybody may have written, in the results of tools."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.mcp.answers import HARD_CAP, Table, shortened, table_told
from moorage.mcp.texts import cell, cut, fitted, in_a_line, size

MARK = "=====data====="


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from([MARK, "=", "data", "=data=", "\n", " | ", "x"]), max_size=8).map("".join))
def test_data_never_ends_its_mark(text):
    content = table_told("1 row.", Table(columns=["Name"], rows=[[text]])).content()
    assert content.split("\n").count(MARK) == content.count(MARK) == 2
    assert len(content.split("\n")) == 6


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\r\nlines\u2028and\x85more", "two lines and more"),
        ("a\x00b\x1b[31m", "a\\u{0}b\\u{1b}[31m"),
        ("left\u202eright", "left\\u{202e}right"),
        ("hidden\U000e0041\U000e0042", "hidden\\u{e0041}\\u{e0042}"),
        ("Zoë 東京 👩\u200d💻 na\u200cmi", "Zoë 東京 👩\u200d💻 na\u200cmi"),
    ],
    ids=["lines", "control", "bidi", "tags", "letters"],
)
def test_a_text_is_one_line_in_which_everything_can_be_seen(text, shown):
    assert in_a_line(text) == shown


def test_a_cell_does_not_end_before_its_end():
    assert cell("a | b") == "a \\| b"
    assert cell(["a|b", 1]) == '["a\\|b",1]'
    assert (cell(None), cell(True), cell(1.5)) == ("", "true", "1.5")


def test_a_text_that_was_cut_says_how_much_is_left():
    value = {"a": "x" * 32_000, "b": ["y" * 10, 5, None], "c": "short"}
    assert cut(value, 9) == {
        "a": "x" * 9 + "… (+31,991 characters)",
        "b": ["y" * 9 + "… (+1 characters)", 5, None],
        "c": "short",
    }
    assert cut(value, 32_000) == value


@pytest.mark.parametrize("letter", ["x", "\x01", "東", "👩"], ids=["one", "escaped", "three", "four"])
def test_a_text_of_any_letters_fits_into_its_bytes(letter):
    value = {"a": letter * 100_000, "n": 1}
    result = fitted(value, HARD_CAP)
    assert HARD_CAP // 5 < size(result) <= HARD_CAP
    assert "characters)" in result["a"]
    assert fitted({"a": "x"}, HARD_CAP) == {"a": "x"}


def test_what_no_cut_makes_small_enough_stays_as_it_is():
    value = {"a": [{"b": "xy"}] * 10_000}
    assert fitted(value, 5000) is value


def test_a_list_has_a_row_at_least():
    assert shortened([["x" * HARD_CAP], ["y"]], 10) == [["x" * HARD_CAP]]
    assert len(shortened([["x" * 1000] for _ in range(100)], 5000)) == 4


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=20), st.integers(1, 300))
def test_a_list_is_a_beginning_that_fits(parts, most):
    kept = shortened(parts, most)
    assert kept == parts[: len(kept)]
    assert len(kept) >= min(1, len(parts))
    assert len(kept) <= 1 or len(msgspec.json.encode(kept)) <= most + 2
    assert len(kept) == len(parts) or len(json.dumps(parts[: len(kept) + 1])) > most
