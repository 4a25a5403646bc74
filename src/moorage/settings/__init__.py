"""The settings of a Moorage: read from the environment, from files, and from options of commands."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from moorage.errors import SettingsInvalid
from moorage.loopback import is_loopback
from moorage.near import did_you_mean
from moorage.settings import readers
from moorage.settings.readers import Secret
from moorage.settings.table import SETTINGS, Setting

# This file is in the data folder as long as it is possible that nobody has seen the first API key.
UNSHOWN = "run/first-key-unshown"

_SQLITE = "sqlite:///"
_CRM_FOLDER = "crm"


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of all settings. `rate_limit` is in requests per second for each account; None means no limit.

    `explicit` holds the texts of the settings that somebody has set, by variable. A server writes it down, so that
    commands on its data folder use the same settings. It never holds the text of a secret: for a secret from a
    variable it holds None; for a secret from a file, the file's path under `…_FILE`.
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
    return_urls: tuple[str, ...]
    approval_time: int
    approval_body: int
    stop_delay: float
    metrics: readers.Listening | None
    log_level: str
    requests_kept: int
    requests_days: int
    request_bodies: bool
    request_body_size: int
    request_body_days: int
    explicit: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def crm_folder(self) -> Path:
        """The embedded CRM's folder: its databases, unless they are in PostgreSQL, and other files."""
        if readers.is_postgresql(self.crm_database_url):
            return self.home / _CRM_FOLDER
        return Path(self.crm_database_url.removeprefix(_SQLITE))

    @property
    def other_servers(self) -> Mapping[str, str]:
        """The PostgreSQL servers of organisations beside the one of `crm_database_url`: by name, their URLs."""
        return {} if self.crm_servers is None else readers.decode_servers(self.crm_servers.reveal())

    @property
    def loopback(self) -> bool:
        """True if only this machine can reach the servers."""
        return is_loopback(self.host)


DEFAULT_RATE = 10.0


def load(environ: Mapping[str, str], **overrides: Any) -> Settings:
    """Read all settings. An override that isn't None wins over the environment.

    Raises SettingsInvalid, whose message names all faults.
    """
    values: dict[str, Any] = {}
    explicit: dict[str, str | None] = {}
    faults: list[str] = []
    for setting in SETTINGS:
        source = _source(setting, environ, overrides.get(setting.name))
        try:
            text = source.text()
            values[setting.name] = setting.read(text or setting.default)
        except (ValueError, OSError) as error:
            faults.append(f"{source.name}: {reason(error)}.")
        else:
            if text and setting.name != "home":  # The data folder may be moved or copied, with this inside.
                explicit |= source.explicit
    faults += _contradictions(values)
    if faults:
        raise SettingsInvalid(" ".join(faults), help="`moorage help settings` explains every setting.")
    return _with_dependent_defaults(values | {"explicit": explicit})


@dataclass(frozen=True, slots=True)
class _Source:
    """The place where a setting's text comes from. `name` is the option or the variable that people would change."""

    name: str
    text: Callable[[], str]
    explicit: Mapping[str, str | None]


def _source(setting: Setting, environ: Mapping[str, str], option: object) -> _Source:
    if option is not None:
        option_text = str(option)
        return _Source(setting.option or setting.env, lambda: option_text, {setting.env: option_text})
    text = environ.get(setting.env, "").strip()
    file_variable = f"{setting.env}_FILE"
    if not text and setting.may_be_secret and (file := environ.get(file_variable)):
        return _Source(file_variable, lambda: read_secret(file), {file_variable: str(_absolute(file))})
    return _Source(setting.env, lambda: text, {setting.env: None if setting.is_secret(text) else text})


def read_secret(file: str) -> str:
    """The secret that is in a file. Raises OSError and ValueError, which `reason` explains in words."""
    return _absolute(file).read_text(encoding="utf-8").strip()


def _absolute(file: str) -> Path:
    """The absolute path of a file. `~` stays as it is if its home folder is not known."""
    with contextlib.suppress(RuntimeError):
        return Path(file).expanduser().absolute()
    return Path(file).absolute()


def reason(error: Exception) -> str:
    """Says why a setting can't be read, and keeps its value out of the sentence."""
    match error:
        case FileNotFoundError():
            return f"there is no file {error.filename}"
        case OSError(strerror=str(reason)):
            return f"the file {error.filename} can't be read: {reason}"
        case UnicodeDecodeError():
            return "the file is not UTF-8 text"
        case _:
            return str(error)


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    """Faults of two settings that are valid alone, but not together."""
    faults = []
    port = values.get("port")
    if port and port == values.get("crm_port"):
        both = f"--port (MOORAGE_PORT) and --crm-port (MOORAGE_CRM_PORT) are both {port}"
        faults.append(f"{both}, but each of the two servers needs its own port; 0 picks a free port.")
    if values.get("crm_servers") and not readers.is_postgresql(
        values.get("crm_database_url", "postgresql://")
    ):
        faults.append(
            "MOORAGE_CRM_SERVERS names PostgreSQL servers, but MOORAGE_CRM_DATABASE_URL, which has the list of"
            " organisations, is not in PostgreSQL; set it, too."
        )
    if values.get("oidc_issuer") and not (values.get("oidc_client_id") and values.get("oidc_client_secret")):
        faults.append(
            "MOORAGE_OIDC_ISSUER needs the client that you registered there: set MOORAGE_OIDC_CLIENT_ID and"
            " MOORAGE_OIDC_CLIENT_SECRET, too."
        )
    if values.get("oidc_role") and not values.get("oidc_allow"):
        faults.append(
            "MOORAGE_OIDC_ROLE would let in everybody whom the issuer knows; name your e-mail domains in"
            " MOORAGE_OIDC_ALLOW."
        )
    return faults


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A sentence about each variable that begins with MOORAGE_ but is not a setting. Most are typing errors."""
    variables = {setting.env for setting in SETTINGS} | {"MOORAGE_URL"}
    variables |= {f"{setting.env}_FILE" for setting in SETTINGS if setting.may_be_secret}
    unknown = sorted(name for name in environ if name.startswith("MOORAGE_") and name not in variables)
    return [f"{name} is not a setting.{did_you_mean(name, variables)}" for name in unknown]


def _with_dependent_defaults(values: dict[str, Any]) -> Settings:
    """Fill in the defaults that depend on other settings."""
    home: Path = values["home"]
    values["database_url"] = values["database_url"] or f"sqlite:///{home / 'moorage.db'}"
    if not readers.is_postgresql(values["crm_database_url"]):
        crm = values["crm_database_url"].removeprefix(_SQLITE)
        values["crm_database_url"] = f"{_SQLITE}{readers.folder(crm) if crm else home / _CRM_FOLDER}"
    if values["rate_limit"] == "auto":
        values["rate_limit"] = None if is_loopback(values["host"]) else DEFAULT_RATE
    return Settings(**values)
