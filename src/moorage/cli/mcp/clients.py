"""The programs whose configuration `moorage mcp install` writes: where their files are, and what an entry looks like.

Looked up in November 2026 in the documentation of each.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from moorage.cli.failures import UsageError
from moorage.cli.mcp.stored_keys import own_folder

ClientName: TypeAlias = Literal["claude", "claude-desktop", "cursor", "vscode", "codex"]
Entry: TypeAlias = dict[str, Any]

KEY = "MOORAGE_API_KEY"


class Started(msgspec.Struct, frozen=True):
    """Our command, as a program starts it. If `takes_key`, the API key comes from the program's environment."""

    command: str
    arguments: list[str]
    environ: Mapping[str, str] = msgspec.field(default_factory=dict)
    takes_key: bool = False


class Remote(msgspec.Struct, frozen=True):
    """A server at a URL, at which the program signs in with OAuth, or which it calls with an API key."""

    url: str
    with_key: bool


class AgentClient(msgspec.Struct, frozen=True):
    """`way` leads to the entries in a file. `project` is the file below a project's folder; None if there is none.

    `inputs` are further items that the entry of a remote server refers to, by the list in which they stand.
    """

    title: str
    way: str
    user: Callable[[], Path]
    project: str | None
    started: Callable[[Started], Entry]
    remote: Callable[[Remote], Entry] | None
    restart: str
    passes_variables: bool = True
    asks: bool = False

    def file(self, scope: Literal["user", "project"]) -> Path:
        """Raises UsageError if the program has no such file."""
        if scope == "user":
            return self.user()
        if self.project is None:
            raise UsageError(
                f"{self.title} has no configuration for a single project", help="Use --scope user."
            )
        return Path.cwd() / self.project


def entry(client: AgentClient, server: Started | Remote) -> Entry:
    """The entry for a server. Raises UsageError if the program can't use such a server."""
    if isinstance(server, Remote):
        if client.remote is None:
            raise UsageError(
                f"The file of {client.title} has no place for a server at a URL",
                help="Leave --http out, or add the URL in the program: Settings, Connectors.",
            )
        return client.remote(server)
    if server.takes_key and not client.passes_variables:
        raise UsageError(
            f"{client.title} does not hand on the variable {KEY}",
            help="Add --key with a name, such as --key claude: it makes a key for the agent, or takes a stored one.",
        )
    return client.started(server)


def _plain(server: Started) -> Entry:
    env = {"env": dict(server.environ)} if server.environ else {}
    return {"command": server.command, "args": server.arguments, **env}


def _typed(server: Started) -> Entry:
    return {"type": "stdio", **_plain(server)}


def _codex(server: Started) -> Entry:
    # Codex hands on few variables, and those that are named here.
    return _plain(server) | ({"env_vars": [KEY, f"{KEY}_FILE"]} if server.takes_key else {})


def _with_header(how: Mapping[str, str], variable: str) -> Callable[[Remote], Entry]:
    def remote(server: Remote) -> Entry:
        header = {"headers": {"Authorization": f"Bearer {variable}"}} if server.with_key else {}
        return {**how, "url": server.url, **header}

    return remote


def _codex_remote(server: Remote) -> Entry:
    return {"url": server.url} | ({"bearer_token_env_var": KEY} if server.with_key else {})


# Visual Studio Code asks for it once, and keeps it in the system's store of secrets: it does not put variables of the
# environment into headers.
INPUT = {"type": "promptString", "id": "moorage-key", "description": "API key of Moorage", "password": True}

CLIENTS: Mapping[ClientName, AgentClient] = {
    "claude": AgentClient(
        title="Claude Code",
        way="mcpServers",
        user=lambda: Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home()) / ".claude.json",
        project=".mcp.json",
        started=_typed,
        remote=_with_header({"type": "http"}, f"${{{KEY}}}"),
        restart="Start `claude` anew; /mcp there shows the server.",
    ),
    "claude-desktop": AgentClient(
        title="Claude Desktop",
        way="mcpServers",
        user=lambda: own_folder("Claude") / "claude_desktop_config.json",
        project=None,
        started=_plain,
        remote=None,
        restart="Quit Claude Desktop and start it anew.",
        passes_variables=False,
    ),
    "cursor": AgentClient(
        title="Cursor",
        way="mcpServers",
        user=lambda: Path.home() / ".cursor" / "mcp.json",
        project=".cursor/mcp.json",
        started=_typed,
        remote=_with_header({}, f"${{env:{KEY}}}"),
        restart="Cursor takes it at once; its settings show the server.",
    ),
    "vscode": AgentClient(
        title="Visual Studio Code",
        way="servers",
        user=lambda: own_folder("Code") / "User" / "mcp.json",
        project=".vscode/mcp.json",
        started=_typed,
        remote=_with_header({"type": "http"}, f"${{input:{INPUT['id']}}}"),
        restart="Run `MCP: List Servers` in Visual Studio Code, and start it there.",
        asks=True,
    ),
    "codex": AgentClient(
        title="Codex",
        way="mcp_servers",
        user=lambda: Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex") / "config.toml",
        project=".codex/config.toml",
        started=_codex,
        remote=_codex_remote,
        restart="Start `codex` anew; /mcp there shows the server.",
    ),
}
