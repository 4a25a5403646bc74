"""The glossary, docs/terms.md: each term has one row, and the code names it the same way."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "terms.md").read_text()
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
TERMS = [row for row in ROWS if row[0] not in {"term", "---"}]
NAMES = sorted(set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)*\.[A-Za-z_]+)`", " ".join(row[2] for row in TERMS))))


def test_each_term_has_one_row_of_a_meaning_and_a_name():
    terms = [row[0] for row in TERMS]
    assert len(terms) > 40 and len(set(terms)) == len(terms)
    assert [row for row in TERMS if len(row) != 3 or "`" not in row[2]] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_code_has_the_name(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(f"moorage.{module}"), attribute)
