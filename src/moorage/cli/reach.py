"""How a command finds what it works on: the settings, the server, the key."""

import os
from pathlib import Path
from typing import Any

from moorage.cli.failures import UsageError
from moorage.client import Moorage
from moorage.serve.home import Running, read_note
from moorage.settings import Settings, load


def settings(**options: Any) -> Settings:
    """The settings of the environment, with the options that were given. Raises SettingsInvalid."""
    return load(os.environ, **{name: value for name, value in options.items() if value is not None})


def client(url: str | None) -> Moorage:
    """A client of the server at `url`, else MOORAGE_URL, else the one that runs on this data folder.

    Raises Misconfigured, UsageError, SettingsInvalid.
    """
    url = url or os.environ.get("MOORAGE_URL") or server(settings()).gateway
    return Moorage(_key(), url)


def server(of: Settings) -> Running:
    """Where the server of a data folder listens; if none runs, where one would."""
    running = read_note(of.home)
    if running is not None:
        return running
    host = f"[{of.host}]" if ":" in of.host else of.host
    return Running(0, gateway=f"http://{host}:{of.port}", crm=f"http://{host}:{of.crm_port}")


def _key() -> str | None:
    """The key from the environment, or from the file that it names: command lines are no place for secrets."""
    key, file = os.environ.get("MOORAGE_API_KEY"), os.environ.get("MOORAGE_API_KEY_FILE")
    if key or not file:
        return key
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The file {file} that MOORAGE_API_KEY_FILE names can't be read: {error}") from error
