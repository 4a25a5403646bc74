"""What `moorage mcp install` and `uninstall` do: a change of a file, shown first, and a key for the agent."""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from moorage.cli import context
from moorage.cli.failures import UsageError, note
from moorage.cli.mcp import jsonc, stored_keys
from moorage.cli.mcp.clients import CLIENTS, INPUT, AgentClient, ClientName, Remote, Started, entry
from moorage.cli.mcp.configuration import Change, Configuration, ConfigurationBroken
from moorage.client import ApiError, ClientError, Policy
from moorage.errors import SettingsInvalid

Scope = Literal["user", "project"]
Profile = Literal["maton", "ops", "lab"]

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,64}")  # What all programs take as the name of a server.
_POLICY: Policy = {"mode": "cautious"}  # A person is asked before something is lost.


class Wish(msgspec.Struct, frozen=True):
    """Which part of which server an agent is to see, and with which stored key."""

    connection: str | None
    profile: Profile | None
    key: str | None
    url: str | None

    def path(self) -> str:
        """The path of the server. Raises UsageError."""
        if self.connection is None:
            return f"/mcp/{self.profile}" if self.profile else "/mcp"
        if self.profile:
            raise UsageError(
                "--connection is for the tools of the CRM, and --profile for others", help="Use one."
            )
        return f"/mcp/c/{quote(self.connection, safe='')}"

    def options(self) -> list[str]:
        """The options of `moorage mcp` that say the same. Raises UsageError, SettingsInvalid."""
        named = (
            ("--connection", self.connection),
            ("--profile", self.profile),
            ("--key", self.key),
            ("--url", context.named_address(self.url)),
        )
        return [word for name, value in named if value for word in (name, value)]

    def needs_key(self) -> bool:
        """True if the key that is named is not stored yet. Raises UsageError for a name that is none."""
        return self.key is not None and not stored_keys.file_of(self.key).exists()

    def key_has_ended(self) -> bool:
        """True if the server says that the stored key is not valid. It may be away: then False. Raises UsageError."""
        assert self.key is not None
        try:
            with context.client(self.url, stored_keys.read(self.key)) as client:
                client.request("GET", "/connections", params={"limit": 1})
        except ApiError as error:
            return error.status == 401
        except (ClientError, SettingsInvalid):
            return False
        return False

    def make_key(self) -> None:
        """Make the named key, with the API key of the environment; without one, in the data folder of this machine."""
        from moorage.grants.model import all_scopes_of  # noqa: PLC0415 (the proxy does without)

        assert self.key is not None
        name, scopes = self.key, all_scopes_of(self.profile or "mcp").texts()

        def make() -> str:
            if context.named_address(self.url) is None and not context.has_key():
                from moorage.cli.operator import operate  # noqa: PLC0415 (the proxy does without)

                return operate(
                    None, lambda operator: operator.keys_create(name, scopes, "live", None, _POLICY)
                )[1]
            with context.client(self.url) as client:
                return client.keys.create(name, scopes=scopes, policy=_POLICY)[1]

        try:
            stored_keys.store(name, make)
        except ApiError as error:
            if error.status == 403 and context.has_key():
                note(
                    f"The key in MOORAGE_API_KEY can't make one. To use that key itself, leave --key out, or write it"
                    f" into {stored_keys.file_of(name)}."
                )
            raise


def started(wish: Wish, scope: Scope) -> Started:
    """Our command, as the file of one user or of a whole project names it."""
    arguments = ["mcp", *wish.options()]
    takes_key = wish.key is None
    if scope == "project":
        return Started("moorage", arguments, {}, takes_key)  # Others have it somewhere else.
    home = os.environ.get("MOORAGE_HOME")
    environ = (
        {"MOORAGE_HOME": str(Path(home).absolute())} if home and not context.named_address(wish.url) else {}
    )
    program, *first = _own_command()
    return Started(program, [*first, *arguments], environ, takes_key)


def _own_command() -> list[str]:
    """This program by its whole path, because programs with windows do not have the PATH of a shell."""
    beside = shutil.which("moorage", path=str(Path(sys.executable).parent))
    return [beside] if beside else [sys.executable, "-m", "moorage"]


def remote(wish: Wish, *, with_key: bool) -> Remote:
    """The server at its URL. Raises UsageError, SettingsInvalid."""
    if wish.key is not None:
        raise UsageError(
            "--key is for a command that the program starts. With --http, the program signs in itself",
            help="Leave --key out. With --with-key, the program sends the key in MOORAGE_API_KEY.",
        )
    address = context.named_address(wish.url) or context.gateway(context.settings())
    return Remote(address.rstrip("/") + wish.path(), with_key)


def adding(name: ClientName, scope: Scope, label: str, server: Started | Remote) -> Change:
    """The change that gives a program the entry `label`. Raises ConfigurationBroken, UsageError."""
    if not _LABEL.fullmatch(label):
        raise UsageError(
            f"--name {label[:64]!r} is no name of a server", help="A name has letters, digits, - and _."
        )
    client = CLIENTS[name]
    wanted = entry(client, server)
    try:
        configuration = _configuration(client, scope)
        configuration.put([client.way, label], wanted)
        if _asks(client, server) and _place_of_input(configuration) is None:
            configuration.add(["inputs"], INPUT)
    except ConfigurationBroken as error:
        by_hand = f"{json.dumps(label)}: {json.dumps(wanted)}"
        raise ConfigurationBroken(
            error.message, help=f"Repair it, or write into {client.way} yourself: {by_hand}"
        ) from error
    return configuration.change()


def removing(name: ClientName, scope: Scope, label: str) -> Change:
    """The change that takes the entry `label` from a program. Raises ConfigurationBroken, UsageError."""
    client = CLIENTS[name]
    configuration = _configuration(client, scope)
    configuration.drop([client.way, label])
    place = _place_of_input(configuration) if client.asks else None
    if place is not None and f"${{input:{INPUT['id']}}}" not in json.dumps(configuration.at([client.way])):
        configuration.drop(["inputs", place])
    return configuration.change()


def _asks(client: AgentClient, server: Started | Remote) -> bool:
    return client.asks and isinstance(server, Remote) and server.with_key


def _place_of_input(configuration: Configuration) -> int | None:
    """Where our input stands in the list of inputs; None if it does not."""
    inputs: list[Any] = configuration.at(["inputs"]) or []
    places = [
        place for place, item in enumerate(inputs) if isinstance(item, dict) and item.get("id") == INPUT["id"]
    ]
    return places[0] if places else None


def _configuration(client: AgentClient, scope: Scope) -> Configuration:
    file = client.file(scope)
    if file.suffix == ".toml":
        from moorage.cli.mcp import toml  # noqa: PLC0415 (it loads its library, which no other client needs)

        return Configuration(file, toml)
    return Configuration(file, jsonc)
