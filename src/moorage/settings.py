"""Every setting there is, in one table: its name, its environment variable, its default and what it means."""

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

# In the data folder from before the first API key is made until it was shown.
UNSHOWN = "run/first-key-unshown"


class Secret:
    """A value that never shows itself: not in `repr`, not in a log."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True)
class Setting:
    """`read` turns the text of the environment into the value, or raises ValueError saying what would be right.

    A secret may also stand in a file named by the variable with `_FILE` behind it. `option` is that of `moorage up`.
    """

    name: str
    env: str
    read: Callable[[str], Any]
    default: str
    meaning: str
    secret: bool = False
    option: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """`rate_limit` is in requests a second for each account, None for no limit.

    `told` is what was chosen, as text by the setting's variable, so that the commands of a running server can be told
    the same. A secret's own text is never in it: None says that it was given; a file of one is named under `…_FILE`.
    """

    home: Path
    host: str
    port: int
    crm_port: int
    public_url: str | None
    crm_public_url: str | None
    database_url: str
    crm_folder: Path
    api_key: Secret | None
    vault_key: Secret | None
    oauth_clients: Secret | None
    rate_limit: float | None
    upstream_timeout: float
    log_level: str
    told: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the servers."""
        return is_loopback(self.host)


def _text(text: str) -> str:
    return text


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # A user without a home, or nobody of that name.
        raise ValueError("use an absolute path, as nobody knows where ~ is") from error


def _port(text: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or int(text) > 65_535:
        raise ValueError("use a number from 0 to 65535; 0 means any free port")
    return int(text)


def _url(text: str) -> str | None:
    if not text:
        return None
    plain = re.fullmatch(r"https?://[^\s/?#@\\]+(/[^\s?#\\]*)?", text, re.IGNORECASE)
    if not plain or not urlsplit(text).hostname or _bad_port(text):
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
    # Taken from the working folder, a path would mean another place to every command.
    return url.startswith("sqlite:////") and len(url) > len("sqlite:////")


def _bad_port(url: str) -> bool:
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
        # Only its SHA-256 is kept, which keeps no secret that can be tried out.
        raise ValueError(
            "use one that can't be guessed, of at least 8 different characters: `openssl rand -hex 32`"
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
    keys_bytes(text)
    return Secret(text)


def keys_bytes(text: str) -> list[bytes]:
    """The keys that stand in a text, between commas or line breaks. Raises ValueError for none at all, too."""
    return [key_bytes(key) for key in re.split(r"[\s,]+", text.strip(", \t\r\n"))]


def key_bytes(text: str) -> bytes:
    """The 32 bytes of a key written in base64 or hexadecimal. Raises ValueError."""
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
        raise ValueError("use requests per second above 0, such as 10, or off")
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
        "The data folder: databases, keys, providers of yours.",
        option="--home",
    ),
    Setting(
        "host", "MOORAGE_HOST", _text, "127.0.0.1", "The address both servers listen on.", option="--host"
    ),
    Setting(
        "port", "MOORAGE_PORT", _port, "8787", "The gateway's port; 0 means any free one.", option="--port"
    ),
    Setting(
        "crm_port",
        "MOORAGE_CRM_PORT",
        _port,
        "8788",
        "The embedded CRM's port; 0 means any free one.",
        option="--crm-port",
    ),
    Setting("public_url", "MOORAGE_PUBLIC_URL", _url, "", "The gateway's base URL as people reach it."),
    Setting(
        "crm_public_url",
        "MOORAGE_CRM_PUBLIC_URL",
        _url,
        "",
        "The embedded CRM's base URL as clients reach it.",
    ),
    Setting("database_url", "MOORAGE_DATABASE_URL", _database, "", "Where keys and connections are kept."),
    Setting(
        "crm_folder",
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
        "Becomes the first API key at the first start.",
        secret=True,
    ),
    Setting(
        "vault_key",
        "MOORAGE_VAULT_KEY",
        _vault_key,
        "",
        "Encrypts stored tokens; older keys may follow.",
        secret=True,
    ),
    Setting(
        "oauth_clients",
        "MOORAGE_OAUTH_CLIENTS",
        _oauth_clients,
        "",
        "Your OAuth clients at the apps, as JSON.",
        secret=True,
    ),
    Setting(
        "rate_limit", "MOORAGE_RATE_LIMIT", _rate, "auto", "Requests per second for each account, or off."
    ),
    Setting(
        "upstream_timeout", "MOORAGE_UPSTREAM_TIMEOUT", _seconds, "60", "How long an app may take to answer."
    ),
    Setting("log_level", "MOORAGE_LOG_LEVEL", _level, "info", "How much is logged."),
)

DEFAULT_RATE = 10.0


def load(environ: Mapping[str, str], **overrides: Any) -> Settings:
    """Read all settings. An override that isn't None wins over the environment.

    Raises SettingsInvalid, which names every fault at once.
    """
    values: dict[str, Any] = {}
    told: dict[str, str | None] = {}
    faults: list[str] = []
    for setting in SETTINGS:
        source = _source(setting, environ, overrides.get(setting.name))
        try:
            text = source.text()
            values[setting.name] = setting.read(text or setting.default)
        except (ValueError, OSError) as error:
            faults.append(f"{source.name}: {reason(error)}.")
        else:
            if text and setting.name != "home":  # The folder that keeps it may be moved or copied.
                told |= source.told
    faults += _contradictions(values)
    if faults:
        raise SettingsInvalid(" ".join(faults), help="`moorage help settings` explains every setting.")
    return _settled(values | {"told": told})


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a setting's text comes from: `name` is what people would change, an option or a variable."""

    name: str
    text: Callable[[], str]
    told: Mapping[str, str | None]


def _source(setting: Setting, environ: Mapping[str, str], option: object) -> _Source:
    if option is not None:
        given = str(option)
        return _Source(setting.option or setting.env, lambda: given, {setting.env: given})
    text = environ.get(setting.env, "").strip()
    from_file = f"{setting.env}_FILE"
    if not text and setting.secret and (file := environ.get(from_file)):
        return _Source(from_file, lambda: secret_in(file), {from_file: str(_unfolded(file))})
    return _Source(setting.env, lambda: text, {setting.env: None if setting.secret else text})


def secret_in(file: str) -> str:
    """What stands in the file of a secret. Raises OSError and ValueError, which `reason` puts into words."""
    return _unfolded(file).read_text(encoding="utf-8").strip()


def _unfolded(file: str) -> Path:
    """The absolute path of a file; `~` stays as it is where nobody knows whose home it means."""
    with contextlib.suppress(RuntimeError):
        return Path(file).expanduser().absolute()
    return Path(file).absolute()


def reason(error: Exception) -> str:
    """Why a setting can't be read, without its value."""
    match error:
        case FileNotFoundError():
            return f"there is no file {error.filename}"
        case OSError(strerror=str(reason)):
            return f"the file {error.filename} can't be read: {reason}"
        case UnicodeDecodeError():
            return "the file is no text in UTF-8"
        case _:
            return str(error)


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    """What each setting for itself allows and both together do not."""
    port = values.get("port")
    if not port or port != values.get("crm_port"):
        return []
    both = f"--port (MOORAGE_PORT) and --crm-port (MOORAGE_CRM_PORT) are both {port}"
    return [f"{both}, and each of the two servers needs a port of its own; 0 picks a free one."]


def unknown(environ: Mapping[str, str]) -> list[str]:
    """A sentence about each variable that looks like one of ours and is none; most are typing errors."""
    known = {setting.env for setting in SETTINGS} | {"MOORAGE_URL"}
    known |= {f"{setting.env}_FILE" for setting in SETTINGS if setting.secret}
    strange = sorted(name for name in environ if name.startswith("MOORAGE_") and name not in known)
    return [f"{name} is no setting.{did_you_mean(name, known)}" for name in strange]


def _settled(values: dict[str, Any]) -> Settings:
    """Fill in the defaults that depend on other settings."""
    home: Path = values["home"]
    values["database_url"] = values["database_url"] or f"sqlite:///{home / 'moorage.db'}"
    crm = values["crm_folder"].removeprefix("sqlite:///")
    values["crm_folder"] = _folder(crm) if crm else home / "crm"
    if values["rate_limit"] == "auto":
        values["rate_limit"] = None if is_loopback(values["host"]) else DEFAULT_RATE
    return Settings(**values)
