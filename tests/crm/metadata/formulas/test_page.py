"""The page of fields lists the functions of formulas, with the arguments that they take."""

import re
from pathlib import Path

from moorage.crm.metadata.formulas.functions import FUNCTIONS

PAGE = (Path(__file__).parents[4] / "docs" / "crm" / "fields.md").read_text()


def shown():
    """The arguments of each function on the page; of one that is there twice, both."""
    table = PAGE.partition("| function | what it gives |")[2].partition("\n\n")[0]
    functions = {}
    for row in table.splitlines():
        first = row.split(" | ")[0]
        for name, arguments in re.findall(r"`(\w+)\((.*?)\)`", first):
            functions.setdefault(name, []).append([a for a in arguments.split(", ") if a])
    return functions


def test_every_function_is_on_the_page_with_as_many_arguments_as_it_takes():
    functions = shown()
    assert functions.pop("If") == [["condition", "value", "other"]]
    assert set(functions) == set(FUNCTIONS)
    for name, function in FUNCTIONS.items():
        fewest, most = function.counts
        expected = [fewest + 1] if function.repeats else sorted({fewest, most})
        assert [len(arguments) for arguments in functions[name]] == expected
        assert function.repeats == (functions[name][0][-1:] == ["…"])
