"""How a command finds what it works on: the settings, the server, the key."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from moorage.cli.failures import UsageError, note
from moorage.client import Misconfigured, Moorage
from moorage.client.call import parse_base_url
from moorage.errors import SettingsInvalid
from moorage.loopback import is_loopback
from moorage.serve.data_folder import Running, read_last_note, read_note
from moorage.serve.listen import url_of
from moorage.settings import SETTINGS, Settings, load, reason, secret_in, unknown

_OPEN = {setting.env for setting in SETTINGS if not setting.secret} - {"MOORAGE_HOME"}
_SECRET = {setting.env for setting in SETTINGS if setting.secret}


def settings(home: Path | None = None) -> Settings:
    """The settings of a data folder: those of the server that runs on it; else the environment's, and behind them
    what the last server was told. Raises SettingsInvalid.
    """
    # To every command but `up` the key is one to call with; whether it could be a first key is of no interest.
    mine = {name: text for name, text in os.environ.items() if not name.startswith("MOORAGE_API_KEY")}
    for sentence in unknown(mine):
        note(sentence)
    found = load(mine, home=home)
    if (running := read_note(found.home)) is not None:
        return load(_as_running(mine, running, found.home), home=found.home)
    last = read_last_note(found.home)
    return load(_files(last.told, mine) | _open(last.told) | mine, home=found.home) if last else found


def _as_running(mine: Mapping[str, str], running: Running, home: Path) -> dict[str, str]:
    """The environment with what the server was told in place of its own: only that is true of what it does."""
    told = _open(running.told)
    for name in sorted(_OPEN & mine.keys()):
        if mine[name].strip() and mine[name].strip() != told.get(name):
            counts = f"{told[name]} counts" if name in told else "it was not told to"
            note(f"{name} is {mine[name].strip()} here; of the server that runs on {home}, {counts}.")
    others = {name: text for name, text in mine.items() if name not in _OPEN}
    return _files(running.told, mine) | others | told


def _open(told: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in told.items() if name in _OPEN and text is not None}


def _files(told: Mapping[str, str | None], mine: Mapping[str, str]) -> dict[str, str]:
    """The files of secrets that a server was told, unless the environment has the secret itself."""
    named = {name: told.get(f"{name}_FILE") for name in _SECRET if not mine.get(name)}
    return {f"{name}_FILE": file for name, file in named.items() if file is not None}


def client(url: str | None) -> Moorage:
    """A client of the server at `url`, else MOORAGE_URL, else the one that runs on this data folder.

    Raises Misconfigured, UsageError, SettingsInvalid.
    """
    for name, given in (("--url", url), ("MOORAGE_URL", os.environ.get("MOORAGE_URL"))):
        if given:
            return Moorage(_key(), _address(name, given))
    return Moorage(_key(), gateway(settings()))


def _address(name: str, url: str) -> str:
    try:
        parse_base_url(url)
    except Misconfigured as error:
        wrong = UsageError if name == "--url" else SettingsInvalid
        raise wrong(f"{name}: {error}") from error
    return url


def gateway(of: Settings) -> str:
    """Where this machine reaches the gateway of a data folder; if none runs, where it would. Raises UsageError."""
    running = read_note(of.home)
    return running.gateway if running is not None else _would_be_at(of, of.port)


def crm(of: Settings) -> str:
    """The same for the embedded CRM. Raises UsageError."""
    running = read_note(of.home)
    return running.crm if running is not None else _would_be_at(of, of.crm_port)


def _would_be_at(of: Settings, port: int) -> str:
    if port == 0:
        raise UsageError(
            f"No server runs on {of.home}, and its port may be any", help="Start it: `moorage up`."
        )
    return url_of(of.host, port)


def server_alone_has(of: Settings, secret: str) -> bool:
    """Whether the server of a data folder was given a secret in its environment that is not in ours."""
    known = read_note(of.home) or read_last_note(of.home)
    return known is not None and secret in known.told and not {secret, f"{secret}_FILE"} & of.told.keys()


def where_from(of: Settings) -> str:
    """Words, in brackets, on where an address comes from that no running server has told."""
    if read_note(of.home) is not None:
        return ""
    if read_last_note(of.home) is not None:
        return " (no server runs; so was the last one told)"
    return " (no server runs; so would one that is started with these settings)"


def is_named(home: Path | None) -> bool:
    """Whether somebody said which data folder is meant."""
    return home is not None or bool(os.environ.get("MOORAGE_HOME"))


def server_elsewhere(of: Settings) -> str | None:
    """MOORAGE_URL where it names another server than that of this data folder."""
    url = os.environ.get("MOORAGE_URL")
    known = read_note(of.home) or read_last_note(of.home)
    own = [of.public_url, known and known.gateway, url_of(of.host, of.port)]
    return url if url and _place(url) not in {_place(one) for one in own if one} else None


def _place(url: str) -> tuple[str, int | None] | str:
    """Host and port, all names of this machine being one."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    return "localhost" if is_loopback(host) else host, port or {"http": 80, "https": 443}.get(parts.scheme)


def _key() -> str | None:
    """The key from the environment, or from the file that it names: command lines are no place for secrets."""
    key, file = os.environ.get("MOORAGE_API_KEY"), os.environ.get("MOORAGE_API_KEY_FILE")
    if key or not file:
        return key
    try:
        return secret_in(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"MOORAGE_API_KEY_FILE: {reason(error)}") from error
