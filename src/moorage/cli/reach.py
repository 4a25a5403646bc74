"""How a command finds what it works on: the settings, the server, the key."""

import os
from pathlib import Path

from moorage.cli.failures import UsageError
from moorage.client import Moorage
from moorage.serve.home import Running, read_note
from moorage.serve.listen import url_of
from moorage.settings import Settings, load


def settings(home: Path | None = None) -> Settings:
    """The settings as the environment has them. Raises SettingsInvalid."""
    # To every command but `up` the key is one to call with; whether it could be a first key is of no interest.
    others = {name: text for name, text in os.environ.items() if not name.startswith("MOORAGE_API_KEY")}
    return load(others, home=home)


def client(url: str | None) -> Moorage:
    """A client of the server at `url`, else MOORAGE_URL, else the one that runs on this data folder.

    Raises Misconfigured, UsageError, SettingsInvalid.
    """
    return Moorage(_key(), url or os.environ.get("MOORAGE_URL") or server(settings()).gateway)


def server(of: Settings) -> Running:
    """Where the server of a data folder listens; if none runs, where one would. Raises UsageError."""
    running = read_note(of.home)
    if running is not None:
        return running
    if 0 in {of.port, of.crm_port}:
        raise UsageError(
            f"No server runs on {of.home}, and its port may be any", help="Start it: `moorage up`."
        )
    return Running(0, gateway=url_of(of.host, of.port), crm=url_of(of.host, of.crm_port))


def _key() -> str | None:
    """The key from the environment, or from the file that it names: command lines are no place for secrets."""
    key, file = os.environ.get("MOORAGE_API_KEY"), os.environ.get("MOORAGE_API_KEY_FILE")
    if key or not file:
        return key
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The file {file} that MOORAGE_API_KEY_FILE names can't be read: {error}") from error
