"""What the page says of errors is what an agent's program is told."""

import re
from pathlib import Path

import pytest

from moorage.client import Misconfigured, Moorage, Unreachable
from moorage.keys.errors import KeyInvalid
from moorage.mcp.errors import McpMissing

PAGE = (Path(__file__).parents[3] / "docs" / "agents.md").read_text()


def test_the_page_explains_the_errors_that_a_program_shows():
    with pytest.raises(Misconfigured) as no_key:
        Moorage(" ")
    with pytest.raises(Unreachable) as nobody:
        Moorage("mk_test", "http://127.0.0.1:9").request("GET", "/apps")
    section = PAGE.partition("### If it does not work")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| ([A-Z][^|…]*)…? \|", section, re.MULTILINE)
    told = [str(nobody.value), str(no_key.value), KeyInvalid().message, McpMissing().message]
    assert [text.startswith(start.strip()) for text, start in zip(told, explained, strict=True)] == [True] * 4
