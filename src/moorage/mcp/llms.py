"""`/llms.txt`: tells programs what this server is, and how to call it. It is made of the declarations of the tools.

Everybody may read it, because a program needs it before it has a key, and because it says nothing of this server but
its address: neither which accounts are connected, nor which apps the operator has added, nor the version.
"""

import asyncio
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from moorage.http.control import route
from moorage.mcp.routes import PROFILES

if TYPE_CHECKING:
    from moorage.mcp.profile import Profile

PATH = "/llms.txt"

_HEAD = """\
# Moorage

> A gateway that calls apps, such as Zoho CRM, through accounts that people have connected. A caller has one API key,
> and never sees a token of an app.

Every call needs the header `Authorization: Bearer` with an API key, which the owner of this server makes. The owner
also decides what the key may do. Some calls wait until a person approves them: the answer then says so, and has a link
that a person has to open. Do not repeat such a call.
"""
_CALLS = """\
## Calls of apps

- [Leads of Zoho CRM]({base}/zoho-crm/crm/v8/Leads?fields=Last_Name,Company): a path is the name of the app, and then
  the app's own path, query and body. Answers are those of the app.
- [Connections]({base}/connections): the accounts that the key may use. The header `Moorage-Connection` chooses one, by
  its alias or id.
- [Held calls]({base}/approvals): what waits for a person, and what became of it.

With the command line of Moorage, `moorage api PATH` makes a call, and `moorage help` shows the documentation.
"""


def routes(base_url: str) -> list[Route]:
    async def llms(_request: Request) -> Response:
        # In a thread, because the first time it loads the declarations of all tools.
        return PlainTextResponse(await asyncio.to_thread(text, base_url))

    return [route(PATH, GET=llms)]


@lru_cache(maxsize=1)
def text(base_url: str) -> str:
    tools = [] if find_spec("mcp") is None else ["\n".join(_tools(base_url))]
    return "\n".join([_HEAD, *tools, _CALLS.format(base=base_url)])


def profiles() -> "Mapping[str, Profile]":
    """Each profile, by the first path at which it is served."""
    found: dict[str, Profile] = {}
    for path, module in PROFILES.items():
        profile: Profile = import_module(module).PROFILE
        if profile not in found.values():
            found[path] = profile
    return found


def _tools(base_url: str) -> Iterator[str]:
    yield "## Tools of MCP\n"
    for path, profile in profiles().items():
        yield f"- [{path}]({base_url}{path}): {profile.instructions}"
    yield (
        f"\nFor a single account, the tools of /mcp are at {base_url}/mcp/c/ and its alias. Programs that start a"
        " command instead use `moorage mcp`."
    )
    for path, profile in profiles().items():
        yield f"\n### {path}\n"
        yield from (f"- `{tool.name}`: {tool.description}" for tool in profile.tools)
    yield ""
