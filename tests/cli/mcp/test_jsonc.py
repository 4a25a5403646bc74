"""Changes of JSON that people edit, too."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.cli.mcp import jsonc

WAY = ["mcpServers", "moorage"]
ENTRY = {"command": "moorage", "args": ["mcp"]}
COMMENTED = """\
// Our agents.
{
    "theme": "dark", // as in "mcpServers": {}
    "mcpServers": {
        "other": {"command": "x", "env": {"URL": "http://a//b"}}, /* kept */
        // the last one
    },
}
"""


def test_an_entry_joins_the_others_and_leaves_comments_where_they_are():
    added = jsonc.put(COMMENTED, WAY, ENTRY)
    assert added == COMMENTED.replace(
        "        // the last one\n",
        "        // the last one\n"
        '        "moorage": {\n'
        '            "command": "moorage",\n'
        '            "args": [\n'
        '                "mcp"\n'
        "            ]\n"
        "        },\n",
    )
    assert jsonc.drop(added, WAY) == COMMENTED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "{ }\r\n",
        '{"mcpServers":{}}',
        '\ufeff{"mcpServers": {"a": 1}}',
        '{\n\t"a": 1, // b\n\t/* c */\n}\n',
        '{"mcpServers": {"moorage": {"old": [1, "}"]}, "b": 2}}',
        '{\r\n  "mcpServers": {\r\n    "a": {}\r\n  },\r\n  "list": [1, 2,]\r\n}\r\n',
    ],
)
def test_an_entry_is_put_in_and_taken_out_of_any_form(text):
    added = jsonc.put(text, WAY, ENTRY)
    assert jsonc.parse(added) == jsonc.parse(text) | {
        "mcpServers": jsonc.parse(text).get("mcpServers", {}) | {"moorage": ENTRY}
    }
    assert jsonc.parse(jsonc.drop(added, WAY))["mcpServers"].keys() == added_before(text)
    assert ("\r\n" in added) == ("\r\n" in text) and added.startswith("\ufeff") == text.startswith("\ufeff")


def added_before(text):
    return jsonc.parse(text).get("mcpServers", {}).keys() - {"moorage"}


def test_items_of_a_list_come_and_go():
    text = jsonc.add('{\n  "servers": {}\n}\n', ["inputs"], {"id": "a"})
    text = jsonc.add(text, ["inputs"], {"id": "b"})
    assert jsonc.parse(text)["inputs"] == [{"id": "a"}, {"id": "b"}]
    assert jsonc.parse(jsonc.drop(text, ["inputs", 0]))["inputs"] == [{"id": "b"}]
    assert jsonc.parse(jsonc.drop(text, ["inputs", 1]))["inputs"] == [{"id": "a"}]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=20, deadline=None)
@given(
    values=st.dictionaries(st.text(max_size=4), VALUES, max_size=4),
    others=st.dictionaries(st.text(max_size=4), VALUES, max_size=2),
    indent=st.sampled_from([None, 2, "\t"]),
    comment=st.sampled_from(["", "// {\n", '/* ] " */', ", "]),
)
def test_everything_else_stays_what_it_was(values, others, indent, comment):
    text = json.dumps(values | {"mcpServers": others}, indent=indent)
    if comment != ", " or values or others:
        text = text[:-1] + comment + text[-1]
    added = jsonc.put(text, WAY, ENTRY)
    assert jsonc.parse(added) == values | {"mcpServers": others | {"moorage": ENTRY}}
    assert jsonc.parse(jsonc.drop(added, WAY)) == values | {"mcpServers": others}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{\n  "a": 1\n  "b": 2}', "line 3, column 3"),
        ("{", "line 1, column 2"),
        ("[" * 100_000, "nested too deeply"),
        ('{"mcpServers": []}', "there has to be an object here, for 'moorage'"),
        ("[]", "there has to be an object here, for 'mcpServers'"),
    ],
)
def test_a_text_that_can_not_be_changed_is_refused_with_its_place(text, reason):
    with pytest.raises(ValueError, match=reason):
        jsonc.put(text, WAY, ENTRY)
