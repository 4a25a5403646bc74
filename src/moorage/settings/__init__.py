"""The settings of a Moorage: read from options of commands, from the environment, and from the settings file."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from moorage.errors import SettingsInvalid
from moorage.loopback import is_loopback
from moorage.settings import databases, readers
from moorage.settings.contradictions import contradictions
from moorage.settings.file import CONFIG, FileUnusable, SettingsFile, find_file
from moorage.settings.readers import Secret
from moorage.settings.sources import Source, read_secret, reason, source_of, unknown_variables
from moorage.settings.table import SETTINGS

__all__ = [
    "DEFAULT_RATE",
    "UNSHOWN",
    "Settings",
    "find_home",
    "load",
    "load_with_file",
    "read_secret",
    "reason",
    "unknown_variables",
]

# This file is in the data folder as long as it is possible that nobody has seen the first API key.
UNSHOWN = "run/first-key-unshown"

LAST_SERVER = "the last server"  # Where a command has a setting from that is set nowhere now.

_SQLITE = "sqlite:///"
_CRM_FOLDER = "crm"


class Settings(msgspec.Struct, frozen=True):
    """The values of all settings. `rate_limit` is in requests per second for each account; None means no limit.

    `explicit` holds the texts of the settings that somebody has set, by variable. A server writes it down, so that
    commands on its data folder use the same settings. It never holds the text of a secret: for a secret from a
    variable it holds None; for a secret from a file, the file's path under `…_FILE`. A secret that is in the settings
    file itself is not in it.

    `sources` says where a setting comes from that has not its default, by name. `file` is the settings file, and
    `file_has_secret` is True if a secret is written in it.
    """

    home: Path
    host: str
    port: int
    crm_port: int
    public_url: str | None
    crm_public_url: str | None
    database_url: str
    database_connections: int
    crm_database_url: str
    crm_connections: int
    crm_servers: Secret | None
    crm_receivers: tuple[str, ...]
    api_key: Secret | None
    vault_key: Secret | None
    oauth_clients: Secret | None
    oidc_issuer: str | None
    oidc_client_id: str
    oidc_client_secret: Secret | None
    oidc_allow: tuple[str, ...]
    oidc_role: Literal["operator", "approver", "support"] | None
    rate_limit: float | None
    live_policy: Literal["open", "cautious", "strict", "readonly"]
    upstream_timeout: float
    proxy: str
    no_proxy: tuple[str, ...]
    return_urls: tuple[str, ...]
    approval_time: int
    approval_body: int
    stop_delay: float
    metrics: readers.Listening | None
    traces: str | None
    trace_ratio: float
    log_level: str
    requests_kept: int
    requests_days: int
    request_bodies: bool
    request_body_size: int
    request_body_days: int
    explicit: Mapping[str, str | None] = msgspec.field(default_factory=dict)
    sources: Mapping[str, str] = msgspec.field(default_factory=dict)
    file: Path | None = None
    file_has_secret: bool = False

    @property
    def crm_folder(self) -> Path:
        """The embedded CRM's folder: its databases, unless they are in PostgreSQL, and other files."""
        if databases.is_postgresql(self.crm_database_url):
            return self.home / _CRM_FOLDER
        return Path(self.crm_database_url.removeprefix(_SQLITE))

    @property
    def other_servers(self) -> Mapping[str, str]:
        """The PostgreSQL servers of organisations beside the one of `crm_database_url`: by name, their URLs."""
        return {} if self.crm_servers is None else databases.decode_servers(self.crm_servers.reveal())

    @property
    def loopback(self) -> bool:
        """True if only this machine can reach the servers."""
        return is_loopback(self.host)

    @property
    def is_only_here(self) -> bool:
        """True if everybody who uses the gateway is at this machine: no proxy in front of it is known."""
        return self.loopback and self.public_url is None


DEFAULT_RATE = 10.0


def load(
    environ: Mapping[str, str],
    file: SettingsFile | None = None,
    *,
    faults: Sequence[str] = (),
    **overrides: Any,
) -> Settings:
    """Read all settings. An override that isn't None wins over the environment, and the environment over the file.

    Raises SettingsInvalid, which has all faults: those that are given, those of the file, and those of the settings.
    """
    sources = {setting.name: source_of(setting, environ, file, overrides) for setting in SETTINGS}
    values, wrong = _values(sources)
    wrong = [*faults, *(file.faults if file is not None else ()), *wrong, *contradictions(values, sources)]
    if wrong:
        raise SettingsInvalid(*wrong, help="`moorage help settings` explains every setting.")
    explicit: dict[str, str | None] = {}
    for name, source in sources.items():
        if name != "home":  # The data folder may be moved or copied, with this inside.
            explicit |= source.explicit
    set_by = {name: source.kind for name, source in sources.items() if source.kind is not None}
    values |= {"explicit": explicit, "sources": set_by}
    if file is not None:
        values |= {"file": file.path, "file_has_secret": file.has_secret}
    return _with_dependent_defaults(values)


def load_with_file(
    environ: Mapping[str, str], *, below: Mapping[str, str | None] = MappingProxyType({}), **options: Any
) -> Settings:
    """Read all settings, also those of the settings file: `config` of the options, else MOORAGE_CONFIG, else
    `moorage.toml` in the data folder. Raises SettingsInvalid.

    `below` are variables that count only if neither the environment nor the file has the setting.
    """
    config = options.pop("config", None)
    try:
        file, home = find_file(environ, config, options.get("home"))
    except FileUnusable as error:
        return load(environ, faults=[str(error)], **options)
    entries = {} if file is None else file.entries
    lowest: dict[str, str] = {}
    remembered = set()
    for setting in SETTINGS:
        if not any(environ.get(name, "").strip() or name in entries for name in setting.variables):
            texts = {name: text for name in setting.variables if (text := below.get(name)) is not None}
            lowest |= texts
            remembered |= {setting.name} if texts else set()
    settings = load(lowest | dict(environ), file, **options | {"home": home})
    kinds = {name: LAST_SERVER if name in remembered else kind for name, kind in settings.sources.items()}
    return replace(settings, sources=kinds)


def find_home(environ: Mapping[str, str], home: object = None, config: object = None) -> Path:
    """The data folder: that of the option, else of MOORAGE_HOME, else of a settings file that is named, else the
    default. A settings file that can't be read names none. Raises SettingsInvalid.
    """
    if config or environ.get(CONFIG, "").strip():  # Otherwise it is in the data folder, and names none.
        with contextlib.suppress(FileUnusable):
            _, home = find_file(environ, config, home)
    return load({name: text for name, text in environ.items() if name == "MOORAGE_HOME"}, home=home).home


def _values(sources: Mapping[str, Source]) -> tuple[dict[str, Any], list[str]]:
    """The values of the settings that can be read, and the faults of the others."""
    values: dict[str, Any] = {}
    faults = []
    for setting in SETTINGS:
        source = sources[setting.name]
        try:
            values[setting.name] = setting.read(source.text() or setting.default)
        except (ValueError, OSError) as error:
            faults.append(f"{source.name}: {reason(error)}.")
    return values, faults


def _with_dependent_defaults(values: dict[str, Any]) -> Settings:
    """Fill in the defaults that depend on other settings."""
    home: Path = values["home"]
    values["database_url"] = values["database_url"] or f"sqlite:///{home / 'moorage.db'}"
    if not databases.is_postgresql(values["crm_database_url"]):
        crm = values["crm_database_url"].removeprefix(_SQLITE)
        values["crm_database_url"] = f"{_SQLITE}{readers.folder(crm) if crm else home / _CRM_FOLDER}"
    if values["rate_limit"] == "auto":
        values["rate_limit"] = None if is_loopback(values["host"]) else DEFAULT_RATE
    return Settings(**values)
