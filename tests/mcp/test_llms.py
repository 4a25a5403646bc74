"""`/llms.txt`, which everybody may read."""

import re

from moorage import __version__
from moorage.mcp import llms
from moorage.mcp.llms import profiles, text

BASE = "https://moorage.example.com"


def test_it_names_every_tool_and_only_addresses_of_this_server():
    told = text(BASE)
    tools = {tool.name for profile in profiles().values() for tool in profile.tools}
    assert tools <= set(re.findall(r"^- `(\w+)`: ", told, re.MULTILINE))
    links = re.findall(r"\]\(([^)]+)\)", told)
    assert len(links) > 3 and all(link.startswith(f"{BASE}/") for link in links)
    assert re.match(r"# \w+\n\n> ", told) and __version__ not in told


def test_without_the_extra_it_names_no_tools(monkeypatch):
    monkeypatch.setattr(llms, "find_spec", lambda _: None)
    text.cache_clear()
    assert "MCP" not in text(BASE) and "/zoho-crm/crm/v8/Leads" in text(BASE)
    text.cache_clear()
