"""The words that a shell completes. Nothing here says an error: it would appear in the line that a person is typing."""

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage import __file__ as package
from moorage.errors import SettingsInvalid

if TYPE_CHECKING:
    from moorage.client import Moorage


def starting(words: Iterable[str]) -> Callable[[str], list[str]]:
    """A function that completes the beginning of one of these words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def apps(incomplete: str) -> list[str]:
    """The apps whose names begin with `incomplete`: shipped ones, and those in the data folder. Reads no file."""
    shipped = Path(package).parent / "oauth" / "apps" / "providers"
    files = {file.name for file in shipped.iterdir()}
    with contextlib.suppress(OSError, SettingsInvalid):
        from moorage.settings import find_home  # noqa: PLC0415 - most commands that complete nothing do without

        files |= {file.name for file in (find_home(os.environ) / "providers").iterdir()}
    names = {file.removesuffix(".toml") for file in files if file.endswith(".toml")}
    return sorted(name for name in names if name.startswith(incomplete))


def connections(incomplete: str) -> list[str]:
    """The aliases of the connections that the API key of the environment sees, and the ids of those without one."""
    found = _asked(lambda client: client.connections.list())
    return sorted(
        name for name in (each["alias"] or each["id"] for each in found) if name.startswith(incomplete)
    )


def organisations(incomplete: str) -> list[str]:
    """The organisations of the embedded CRM, if the API key of the environment may see them."""
    found = _asked(lambda client: client.organisations.list())
    return sorted(each["slug"] for each in found if each["slug"].startswith(incomplete))


def _asked(ask: "Callable[[Moorage], Iterable[Any]]") -> list[Any]:
    """What the server of the environment answers; nothing without a server or a key, whatever is wrong."""
    with contextlib.suppress(Exception):
        from moorage.cli import context  # noqa: PLC0415 - most completions need no server

        if context.has_key():
            with context.client(None) as client:
                return list(ask(client))
    return []
