"""Finds what a command works with: the settings, the server and the API key."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

from moorage.cli.failures import UsageError, note
from moorage.client import Misconfigured, Moorage
from moorage.client.call import parse_base_url
from moorage.errors import SettingsInvalid
from moorage.loopback import is_loopback
from moorage.serve.data_folder import Running, read_last_note, read_note
from moorage.serve.listen import url_of
from moorage.settings import (
    Settings,
    find_home,
    load,
    load_with_file,
    read_secret,
    reason,
    unknown_variables,
)
from moorage.settings.file import CONFIG, FileUnusable, SettingsFile, absolute, read_file
from moorage.settings.table import SETTINGS

_PUBLIC = {setting.env for setting in SETTINGS if not setting.secret} - {"MOORAGE_HOME"}
_SECRET = {setting.env for setting in SETTINGS if setting.may_be_secret}
_DATABASES = "MOORAGE_DATABASE_URL", "MOORAGE_CRM_DATABASE_URL"
_IS_SECRET = {setting.env: setting.is_secret for setting in SETTINGS}


def settings(home: Path | None = None) -> Settings:
    """The settings of a data folder.

    If a server runs on the folder, its settings count. Otherwise the environment counts, then the settings file, and
    for what is in neither, the settings of the last server. Raises SettingsInvalid.
    """
    # Only `up` takes MOORAGE_API_KEY for a first key. The other commands call with it, and do not check its strength.
    environ = {name: text for name, text in os.environ.items() if not name.startswith("MOORAGE_API_KEY")}
    for sentence in unknown_variables(environ):
        note(sentence)
    folder = find_home(environ, home)
    if (running := read_note(folder)) is not None:
        load(environ, home=folder)  # Its faults count, although the server's settings do.
        return _of_server(running, environ, folder)
    last = read_last_note(folder)
    return load_with_file(environ, below={} if last is None else _of_last(last), home=home)


def _of_server(running: Running, environ: Mapping[str, str], home: Path) -> Settings:
    """The settings of a running server. Its settings file is read only for the secrets that the server has from it."""
    ours = environ.get(CONFIG, "").strip()
    config = None if running.config is None else Path(running.config)
    if ours and absolute(ours) != config:
        other = "runs without a settings file" if config is None else f"has the settings file {config}"
        note(f"{CONFIG} is {ours} here, but the server of {home} {other}. The server's settings count.")
    file = None if config is None else _secrets_in(config, running)
    loaded = load(_with_settings_of(running, environ, home), file, home=home)
    return replace(loaded, sources=running.sources, file=config)


def _secrets_in(config: Path, running: Running) -> SettingsFile | None:
    from_it = {
        setting.env
        for setting in SETTINGS
        if setting.may_be_secret and running.sources.get(setting.name, "").startswith(f"{config}")
    }
    try:
        return read_file(config).only(from_it) if from_it else None
    except (FileUnusable, OSError) as error:
        raise SettingsInvalid(
            f"The server has secrets from {config}, which can't be read: {error}"
        ) from error


def _of_last(last: Running) -> dict[str, str]:
    """The settings of a server that has stopped, as far as its note has them."""
    return _secret_files(last.settings, {}) | _public(last.settings)


def _with_settings_of(running: Running, environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment, with the settings of the running server in place of its own."""
    servers = _public(running.settings)
    for name in sorted(_PUBLIC & environ.keys()):
        text = environ[name].strip()
        if text and not _is_hidden(running.settings, name) and text != servers.get(name):
            here = "another one" if _IS_SECRET[name](text) else text
            other = f"has {name} {servers[name]}" if name in servers else f"runs without {name}"
            note(f"{name} is {here} here, but the server of {home} {other}. The server's setting counts.")
    others = {
        name: text
        for name, text in environ.items()
        if name not in _PUBLIC or _is_hidden(running.settings, name)
    }
    return _secret_files(running.settings, environ) | others | servers


def _is_hidden(settings: Mapping[str, str | None], name: str) -> bool:
    """True if a server has this setting from a secret text or from a file, so its note does not have the text."""
    return f"{name}_FILE" in settings or (name in settings and settings[name] is None)


def _public(settings: Mapping[str, str | None]) -> dict[str, str]:
    """The settings that are not secret."""
    return {name: text for name, text in settings.items() if name in _PUBLIC and text is not None}


def _secret_files(settings: Mapping[str, str | None], environ: Mapping[str, str]) -> dict[str, str]:
    """The files from which a server reads its secrets, except those secrets that the environment has itself."""
    files = {name: settings.get(f"{name}_FILE") for name in _SECRET if not environ.get(name)}
    return {f"{name}_FILE": file for name, file in files.items() if file is not None}


def client(url: str | None, key: str | None = None) -> Moorage:
    """A client of the server at `url`; without it, of MOORAGE_URL; without both, of this data folder.

    Without `key` it has the API key of the environment. Raises Misconfigured, UsageError, SettingsInvalid.
    """
    address = named_address(url)
    return Moorage(key or _key(), gateway(settings()) if address is None else address)


def named_address(url: str | None) -> str | None:
    """The server's address if it is named: `url`, else MOORAGE_URL. Raises UsageError, SettingsInvalid."""
    for name, address in (("--url", url), ("MOORAGE_URL", os.environ.get("MOORAGE_URL"))):
        if address:
            return _require_address(name, address)
    return None


def has_key() -> bool:
    """True if the environment has an API key, or names a file with one."""
    return any(os.environ.get(name) for name in ("MOORAGE_API_KEY", "MOORAGE_API_KEY_FILE"))


def _require_address(name: str, url: str) -> str:
    try:
        parse_base_url(url)
    except Misconfigured as error:
        wrong = UsageError if name == "--url" else SettingsInvalid
        raise wrong(f"{name}: {error}") from error
    return url


def gateway(of: Settings) -> str:
    """The URL of a data folder's gateway; if no server runs, the URL that it would have. Raises UsageError."""
    running = read_note(of.home)
    return running.gateway if running is not None else _future_url(of, of.port)


def crm(of: Settings) -> str:
    """The URL of a data folder's embedded CRM; if no server runs, the URL it would have. Raises UsageError."""
    running = read_note(of.home)
    return running.crm if running is not None else _future_url(of, of.crm_port)


def _future_url(of: Settings, port: int) -> str:
    if port == 0:
        raise UsageError(
            f"No server runs on {of.home}, and its port is not known, as it picks a free one",
            help="Start it: `moorage up`.",
        )
    return url_of(of.host, port)


def server_alone_has(of: Settings, secret: str) -> bool:
    """True if the server of a data folder has a secret in its environment, and our environment lacks it."""
    server = read_note(of.home) or read_last_note(of.home)
    if server is None or secret not in server.settings:
        return False
    return not {secret, f"{secret}_FILE"} & of.explicit.keys()


def require_databases(of: Settings) -> None:
    """Raises SettingsInvalid if the server has a database whose URL is secret, and our environment does not name it.

    Without it a command would work with another database.
    """
    for name in _DATABASES:
        if server_alone_has(of, name):
            raise SettingsInvalid(
                f"The server of this data folder has {name} in its environment, and it is not set here.",
                help=f"Set {name} for this command, too. Or start the server with {name}_FILE, which names a file that"
                " contains the URL: commands then read it themselves.",
            )


def source_of_address(of: Settings) -> str:
    """A remark in brackets that says why an address is shown although no server runs; empty if a server runs."""
    if read_note(of.home) is not None:
        return ""
    if read_last_note(of.home) is not None:
        return " (no server runs; the last one had this address)"
    return " (no server runs; a server with these settings will have this address)"


def is_named(home: Path | None) -> bool:
    """True if the user has named a data folder, by an option or by MOORAGE_HOME."""
    return home is not None or bool(os.environ.get("MOORAGE_HOME"))


def server_elsewhere(of: Settings) -> str | None:
    """MOORAGE_URL, if it names another server than this data folder's; None otherwise."""
    url = os.environ.get("MOORAGE_URL")
    server = read_note(of.home) or read_last_note(of.home)
    own = [of.public_url, server and server.gateway, url_of(of.host, of.port)]
    return (
        url
        if url and _host_and_port(url) not in {_host_and_port(own_url) for own_url in own if own_url}
        else None
    )


def _host_and_port(url: str) -> tuple[str, int | None] | str:
    """The host and the port. All loopback addresses count as `localhost`. The whole text if it is not a URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    return "localhost" if is_loopback(host) else host, port or {"http": 80, "https": 443}.get(parts.scheme)


def _key() -> str | None:
    """The API key of the environment, or of the file that it names. No option takes it, as others see command lines."""
    key, file = os.environ.get("MOORAGE_API_KEY"), os.environ.get("MOORAGE_API_KEY_FILE")
    if key or not file:
        return key
    try:
        return read_secret(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"MOORAGE_API_KEY_FILE: {reason(error)}") from error
