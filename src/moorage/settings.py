"""All settings, in one table: name, environment variable, default and meaning."""

import base64
import binascii
import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from moorage.errors import SettingsInvalid
from moorage.loopback import is_loopback
from moorage.near import did_you_mean

# This file stands in the data folder while the first API key may exist without having been shown to anybody.
UNSHOWN = "run/first-key-unshown"


class Secret:
    """A value that `repr` and logs do not show."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `read` makes the value from the text, or raises ValueError with a message that says what is allowed.

    The text of a secret may also be in a file, whose path is in the variable `env` + `_FILE`. `option` is the option
    of `moorage up` that wins over the variable.
    """

    name: str
    env: str
    read: Callable[[str], Any]
    default: str
    meaning: str
    secret: bool = False
    option: str | None = None


_SQLITE = "sqlite:///"


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
    crm_database_url: str
    api_key: Secret | None
    vault_key: Secret | None
    oauth_clients: Secret | None
    rate_limit: float | None
    upstream_timeout: float
    log_level: str
    explicit: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def crm_folder(self) -> Path:
        """The embedded CRM's folder: its databases, and its files that are none, such as keys and snapshots."""
        return Path(self.crm_database_url.removeprefix(_SQLITE))

    @property
    def loopback(self) -> bool:
        """True if only this machine can reach the servers."""
        return is_loopback(self.host)


def _text(text: str) -> str:
    return text


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # This user has no home folder, or the user named after ~ does not exist.
        raise ValueError("use an absolute path, because the home folder of ~ is not known") from error


def _port(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or int(text) > 65_535:
        raise ValueError("use a number from 0 to 65535; 0 picks a free port")
    return int(text)


def _url(text: str) -> str | None:
    if not text:
        return None
    has_shape = re.fullmatch(r"https?://[^\s/?#@\\]+(/[^\s?#\\]*)?", text, re.IGNORECASE)
    if not has_shape or not urlsplit(text).hostname or _has_bad_port(text):
        raise ValueError("use a base URL such as https://moorage.example.com")
    return text.rstrip("/")


def _database(text: str) -> str:
    if text and not _is_absolute(text):
        raise ValueError("use a SQLite file such as sqlite:////var/lib/moorage/moorage.db")
    return text


def _crm_database(text: str) -> str:
    if text and not _is_absolute(text):
        raise ValueError("use a folder of SQLite files such as sqlite:////var/lib/moorage/crm")
    return text


def _is_absolute(url: str) -> bool:
    # A relative path would mean another file for each working folder.
    return url.startswith("sqlite:////") and len(url) > len("sqlite:////")


def _has_bad_port(url: str) -> bool:
    try:
        return urlsplit(url).port == 0
    except ValueError:
        return True


def _api_key(text: str) -> Secret | None:
    if not text:
        return None
    if len(text) < 16 or not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("use at least 16 visible ASCII characters without spaces")
    if len(set(text)) < 8:
        # Moorage keeps only its SHA-256. That does not protect a key that can be guessed.
        raise ValueError(
            "use a key that can't be guessed, with at least 8 different characters, "
            "such as `openssl rand -hex 32` gives"
        )
    return Secret(text)


def _oauth_clients(text: str) -> Secret | None:
    if not text:
        return None
    if not text.startswith("{"):
        raise ValueError('use a JSON object such as {"zoho": {"client_id": "…", "client_secret": "…"}}')
    return Secret(text)


def _vault_key(text: str) -> Secret | None:
    if not text:
        return None
    decode_keys(text)
    return Secret(text)


def decode_keys(text: str) -> list[bytes]:
    """The keys in a text that separates them by commas or line breaks. Raises ValueError if there is no key, too."""
    return [decode_key(key) for key in re.split(r"[\s,]+", text.strip(", \t\r\n"))]


def decode_key(text: str) -> bytes:
    """The 32 bytes of a key that is written in base64 or hexadecimal. Raises ValueError."""
    try:
        raw = bytes.fromhex(text) if re.fullmatch(r"[0-9a-fA-F]{64}", text) else _base64(text)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 32:
        raise ValueError(
            "use 32 random bytes in base64 or hexadecimal, such as `openssl rand -base64 32` gives"
        )
    return raw


def _base64(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII) or float(text) <= 0:
        raise ValueError("use a number of seconds above 0, such as 60")
    return float(text)


def _rate(text: str) -> float | str | None:
    if text in {"", "auto"}:
        return "auto"
    if text == "off":
        return None
    if not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII) or float(text) <= 0:
        raise ValueError("use a number of requests per second above 0, such as 10, or off")
    return float(text)


def _level(text: str) -> str:
    if text.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError("use debug, info, warning or error")
    return text.lower()


SETTINGS = (
    Setting(
        "home",
        "MOORAGE_HOME",
        _folder,
        "~/.moorage",
        "The data folder: databases, keys, your own apps.",
        option="--home",
    ),
    Setting(
        "host",
        "MOORAGE_HOST",
        _text,
        "127.0.0.1",
        "The address that both servers listen on.",
        option="--host",
    ),
    Setting(
        "port", "MOORAGE_PORT", _port, "8787", "The gateway's port; 0 picks a free port.", option="--port"
    ),
    Setting(
        "crm_port",
        "MOORAGE_CRM_PORT",
        _port,
        "8788",
        "The embedded CRM's port; 0 picks a free port.",
        option="--crm-port",
    ),
    Setting("public_url", "MOORAGE_PUBLIC_URL", _url, "", "The gateway's base URL for people."),
    Setting(
        "crm_public_url",
        "MOORAGE_CRM_PUBLIC_URL",
        _url,
        "",
        "The embedded CRM's base URL for clients.",
    ),
    Setting("database_url", "MOORAGE_DATABASE_URL", _database, "", "The database of keys and connections."),
    Setting(
        "crm_database_url",
        "MOORAGE_CRM_DATABASE_URL",
        _crm_database,
        "",
        "The folder of the embedded CRM's organisations.",
    ),
    Setting(
        "api_key",
        "MOORAGE_API_KEY",
        _api_key,
        "",
        "The API key that the first start stores.",
        secret=True,
    ),
    Setting(
        "vault_key",
        "MOORAGE_VAULT_KEY",
        _vault_key,
        "",
        "The key that encrypts stored tokens; older keys may follow it.",
        secret=True,
    ),
    Setting(
        "oauth_clients",
        "MOORAGE_OAUTH_CLIENTS",
        _oauth_clients,
        "",
        "Your OAuth clients of the apps, as JSON.",
        secret=True,
    ),
    Setting(
        "rate_limit", "MOORAGE_RATE_LIMIT", _rate, "auto", "Requests per second for each account, or off."
    ),
    Setting(
        "upstream_timeout",
        "MOORAGE_UPSTREAM_TIMEOUT",
        _seconds,
        "60",
        "Seconds that an app may take to answer.",
    ),
    Setting("log_level", "MOORAGE_LOG_LEVEL", _level, "info", "How much is logged."),
)

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
    if not text and setting.secret and (file := environ.get(file_variable)):
        return _Source(file_variable, lambda: read_secret(file), {file_variable: str(_absolute(file))})
    return _Source(setting.env, lambda: text, {setting.env: None if setting.secret else text})


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
    port = values.get("port")
    if not port or port != values.get("crm_port"):
        return []
    both = f"--port (MOORAGE_PORT) and --crm-port (MOORAGE_CRM_PORT) are both {port}"
    return [f"{both}, but each of the two servers needs its own port; 0 picks a free port."]


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A sentence about each variable that begins with MOORAGE_ but is not a setting. Most are typing errors."""
    variables = {setting.env for setting in SETTINGS} | {"MOORAGE_URL"}
    variables |= {f"{setting.env}_FILE" for setting in SETTINGS if setting.secret}
    strangers = sorted(name for name in environ if name.startswith("MOORAGE_") and name not in variables)
    return [f"{name} is not a setting.{did_you_mean(name, variables)}" for name in strangers]


def _with_dependent_defaults(values: dict[str, Any]) -> Settings:
    """Fill in the defaults that depend on other settings."""
    home: Path = values["home"]
    values["database_url"] = values["database_url"] or f"sqlite:///{home / 'moorage.db'}"
    crm = values["crm_database_url"].removeprefix(_SQLITE)
    values["crm_database_url"] = f"{_SQLITE}{_folder(crm) if crm else home / 'crm'}"
    if values["rate_limit"] == "auto":
        values["rate_limit"] = None if is_loopback(values["host"]) else DEFAULT_RATE
    return Settings(**values)
