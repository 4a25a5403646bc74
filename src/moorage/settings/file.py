"""The settings file `moorage.toml`: the settings by their names, each in the spelling that is natural in TOML."""

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from moorage.near import did_you_mean
from moorage.settings.table import SETTINGS, Setting

NAME = "moorage.toml"
CONFIG = "MOORAGE_CONFIG"  # The variable that names another file.
LONGEST = 1024 * 1024  # Bytes.
_PREFIX = "MOORAGE_"
_FILE = "_file"
_FORMS = {
    "one": "a text, a number, true or false",
    "list": "a text, or a list of texts",
    "table": "a text, or a table",
}
_BY_KEY = {setting.name: setting for setting in SETTINGS}


class FileUnusable(Exception):
    """The settings file can't be read at all. The text is a sentence."""


class Entry(msgspec.Struct, frozen=True):
    """One setting in the file: its text, as a variable would have it. `where` is the file and the line."""

    key: str
    text: str
    where: str

    @property
    def name(self) -> str:
        return f"{self.where}: {self.key}"


class SettingsFile(msgspec.Struct, frozen=True):
    """A file that was read. `entries` are by the names that variables have. Each of the faults is a sentence."""

    path: Path
    entries: Mapping[str, Entry]
    faults: tuple[str, ...] = ()

    @property
    def has_secret(self) -> bool:
        """True if the file has a secret itself, and does not only name the file of one."""
        return any(
            setting.env in self.entries and setting.is_secret(self.entries[setting.env].text)
            for setting in SETTINGS
        )

    def only(self, variables: "frozenset[str] | set[str]") -> "SettingsFile":
        """The same file without other entries than these, and without its faults."""
        return replace(
            self, entries={env: self.entries[env] for env in variables & self.entries.keys()}, faults=()
        )


def find_file(
    environ: Mapping[str, str], option: object = None, home: object = None
) -> tuple[SettingsFile | None, object]:
    """The settings file, and the data folder if the option `home` or the file names it. Raises FileUnusable.

    A file that somebody names has to be there, and may name the data folder. Otherwise it is in the data folder.
    """
    named = str(option or "") or environ.get(CONFIG, "").strip()
    if named:
        by = "--config" if option else CONFIG
        file = read_file(absolute(named), by=by)
        is_free = home is None and not environ.get("MOORAGE_HOME", "").strip()
        entry = file.entries.get("MOORAGE_HOME") if is_free else None
        return file, home if entry is None else entry.text
    folder = str(home or "") or environ.get("MOORAGE_HOME", "").strip() or _BY_KEY["home"].default
    path = absolute(folder) / NAME
    try:
        file = read_file(path)
    except OSError:  # There is none, or the folder can't be read, which a later step reports.
        return None, home
    return _without_home(file), home


def _without_home(file: SettingsFile) -> SettingsFile:
    entry = file.entries.get("MOORAGE_HOME")
    if entry is None:
        return file
    fault = (
        f"{entry.name}: this file is in the data folder, so it can't name another; name it with MOORAGE_HOME."
    )
    return replace(file, faults=(*file.faults, fault))


def absolute(path: str) -> Path:
    """The absolute path of a file or folder. `~` stays as it is if its home folder is not known."""
    with contextlib.suppress(RuntimeError):
        return Path(path).expanduser().absolute()
    return Path(path).absolute()


def read_file(path: Path, *, by: str | None = None) -> SettingsFile:
    """Read a settings file. Raises FileUnusable.

    `by` is the option or the variable that names the file. Without it, a missing or unreadable folder raises OSError.
    """
    try:
        with path.open("rb") as opened:
            data = opened.read(LONGEST + 1)
    except OSError as error:
        if by is None and (isinstance(error, FileNotFoundError | NotADirectoryError) or not _may_look(path)):
            raise
        raise FileUnusable(_unreadable(path, error, by)) from error
    if len(data) > LONGEST:
        raise FileUnusable(f"{path}: the settings file has more than {LONGEST} bytes.")
    import tomllib  # noqa: PLC0415 (most data folders have no settings file)

    try:
        text = data.decode("utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise FileUnusable(f"{path}: the settings file is not UTF-8 text.") from error
    except (ValueError, RecursionError) as error:
        raise FileUnusable(_not_toml(path, error)) from error
    return _read(path, document, _lines(text))


def _may_look(path: Path) -> bool:
    return os.access(path.parent, os.X_OK)


def _unreadable(path: Path, error: OSError, by: str | None) -> str:
    who = f"{by}: " if by is not None else ""
    if isinstance(error, FileNotFoundError):
        return f"{who}there is no file {path}."
    return f"{who}the settings file {path} can't be read: {error.strerror}."


def _not_toml(path: Path, error: Exception) -> str:
    """What is wrong with the form of the file, with the line if it is known. The parser shows no values."""
    message = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    line = re.search(r"at line (\d+)", message)
    where = f"{path}:{line[1]}" if line else f"{path}"
    return f"{where}: this is not valid TOML: {message}."


def _read(path: Path, document: Mapping[str, Any], lines: Mapping[str, int]) -> SettingsFile:
    entries: dict[str, Entry] = {}
    faults = []
    for key, value in document.items():
        where = f"{path}:{lines[key]}" if key in lines else str(path)
        setting = _BY_KEY.get(key)
        names_file = setting is None and key.endswith(_FILE)
        if names_file:
            setting = _BY_KEY.get(key.removesuffix(_FILE))
        if setting is None or (names_file and not setting.may_be_secret):
            faults.append(f"{where}: {_shown(key)} is not a setting.{_meant(key)}")
            continue
        try:
            text = _file_name(value) if names_file else _text(setting, value)
        except ValueError as error:
            faults.append(f"{where}: {key}: {error}.")
            continue
        if text and (names_file or setting.name == "home") and not text.startswith("~"):
            text = str(path.parent / text)
        entries[setting.env + ("_FILE" if names_file else "")] = Entry(key, text, where)
    faults += _twice(entries)
    return SettingsFile(path, entries, tuple(faults))


def _twice(entries: Mapping[str, Entry]) -> list[str]:
    """A fault for each secret that is in the file, and in another file that is named there."""
    return [
        f"{entry.name} and {entries[f'{env}_FILE'].key} are both set; keep one of them."
        for env, entry in entries.items()
        if f"{env}_FILE" in entries and entry.text and entries[f"{env}_FILE"].text
    ]


def _meant(key: str) -> str:
    keys = [*_BY_KEY, *(f"{name}{_FILE}" for name, setting in _BY_KEY.items() if setting.may_be_secret)]
    plain = key.removeprefix(_PREFIX).lower()
    if plain.removesuffix(_FILE) in _BY_KEY and plain not in keys:
        plain = plain.removesuffix(_FILE)
    return f" Did you mean {plain}?" if plain in keys else did_you_mean(plain, keys)


def _shown(key: str) -> str:
    return repr(key[:64]) if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", key) else key


def _file_name(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("use the path of a file")  # noqa: TRY004 (as all faults are)
    return value.strip()


def _text(setting: Setting, value: object) -> str:
    """The text that a variable would have for a value of TOML. Raises ValueError, whose message has no value."""
    match value:
        case str():
            return value.strip()
        case bool():
            return "on" if value else "off"
        case int() | float():
            return f"{value}"
        case list() if setting.in_file == "list" and all(isinstance(word, str) for word in value):
            return ",".join(value)
        case dict() if setting.in_file == "table":
            assert setting.of_table is not None
            return setting.of_table(value)
    raise ValueError(f"use {_FORMS[setting.in_file]}")


def _lines(text: str) -> dict[str, int]:
    """The number of the line on which each key of the first level begins, if it is written in a usual way."""
    lines: dict[str, int] = {}
    in_table = False
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"""\s*\[+\s*["']?([\w-]+)""", line):
            in_table = True
            lines.setdefault(header[1], number)
        elif not in_table and (key := re.match(r"""\s*["']?([\w-]+)["']?\s*[.=]""", line)):
            lines.setdefault(key[1], number)
    return lines
