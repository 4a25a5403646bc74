"""What the plugin for agents says is what the tools and the commands declare."""

import re

import pytest

from moorage.mcp.llms import profiles
from tests.mcp.agent_files import PLUGIN, ROOT, files, skill

FILES = files()


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_file_is_what_the_declarations_make_of_it(path):
    assert (ROOT / path).read_text() == FILES[path], "script/pages writes it anew"


def test_there_is_no_other_file():
    there = {file.relative_to(ROOT) for file in (ROOT / PLUGIN).rglob("*") if file.is_file()}
    assert there == {path for path in FILES if PLUGIN in path.parents}


def test_the_skill_names_every_tool_and_is_short_enough_to_be_loaded():
    text = skill()
    assert {tool.name for profile in profiles().values() for tool in profile.tools} <= set(
        re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    )
    description = re.search(r"^description: (.+)$", text, re.MULTILINE)[1]
    assert len(description) <= 1024 and ": " not in description
