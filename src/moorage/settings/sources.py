"""Where the text of a setting comes from: an option, a variable, the settings file, or a file named there."""

from collections.abc import Callable, Mapping

import msgspec

from moorage.near import did_you_mean
from moorage.settings.file import CONFIG, SettingsFile, absolute
from moorage.settings.table import SETTINGS, Setting

# What else begins with MOORAGE_: the server that commands call, the settings file, and what only tests read.
_OTHERS = frozenset({"MOORAGE_URL", "MOORAGE_BACKUP_PASSPHRASE", CONFIG})
_OF_TESTS = "MOORAGE_TEST_"


class Source(msgspec.Struct, frozen=True):
    """The place where a setting's text comes from.

    `name` is what people would change: an option, a variable, or a line of the settings file. `kind` is how
    `moorage config show` names the place; None for the default. `explicit` is what Settings.explicit gets.
    """

    name: str
    text: Callable[[], str]
    explicit: Mapping[str, str | None]
    kind: str | None = None


def source_of(
    setting: Setting, environ: Mapping[str, str], file: SettingsFile | None, options: Mapping[str, object]
) -> Source:
    option = options.get(setting.name)
    if option is not None:
        option_text = str(option)
        name = setting.option or setting.env
        return Source(name, lambda: option_text, {setting.env: option_text}, f"option {name}")
    text = environ.get(setting.env, "").strip()
    file_variable = f"{setting.env}_FILE"
    if text:
        explicit = {setting.env: None if setting.is_secret(text) else text}
        return Source(setting.env, lambda: text, explicit, f"environment {setting.env}")
    if setting.may_be_secret and (secret_file := environ.get(file_variable)):
        return _of_secret_file(file_variable, secret_file, setting.env, f"environment {file_variable}")
    return _in_file(setting, file) or Source(setting.env, lambda: "", {})


def _of_secret_file(name: str, secret_file: str, env: str, kind: str) -> Source:
    return Source(name, lambda: read_secret(secret_file), {f"{env}_FILE": str(absolute(secret_file))}, kind)


def _in_file(setting: Setting, file: SettingsFile | None) -> Source | None:
    """The source of a setting that is in the settings file."""
    if file is None:
        return None
    entry = file.entries.get(setting.env)
    if entry is not None and entry.text:
        text = entry.text
        explicit: Mapping[str, str | None] = {} if setting.is_secret(text) else {setting.env: text}
        return Source(entry.name, lambda: text, explicit, entry.where)
    named = file.entries.get(f"{setting.env}_FILE")
    if named is not None and named.text:
        return _of_secret_file(named.name, named.text, setting.env, named.where)
    return None


def read_secret(file: str) -> str:
    """The secret that is in a file. Raises OSError and ValueError, which `reason` explains in words."""
    return absolute(file).read_text(encoding="utf-8").strip()


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


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A sentence about each variable that begins with MOORAGE_ but is not a setting. Most are typing errors."""
    variables = {name for setting in SETTINGS for name in setting.variables} | _OTHERS
    unknown = sorted(
        name
        for name in environ
        if name.startswith("MOORAGE_") and not name.startswith(_OF_TESTS) and name not in variables
    )
    return [f"{name} is not a setting.{did_you_mean(name, variables)}" for name in unknown]
