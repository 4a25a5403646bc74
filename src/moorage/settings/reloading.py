"""What of newly read settings a running server can use."""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from moorage.settings import Settings
from moorage.settings.readers import Secret
from moorage.settings.table import SETTINGS, Setting

T = TypeVar("T")

_FIRST_START = "api_key"  # Only the first start reads it.


class Reloaded(msgspec.Struct, frozen=True):
    """The settings to run with from now on. `applied` and `waiting` are the names of those that are not as before:
    those that are used from now on, and those that need a restart.
    """

    settings: Settings
    applied: tuple[str, ...]
    waiting: tuple[str, ...]


def reloaded(running: Settings, asked: Settings) -> Reloaded:
    """The running settings, with what can be changed while a server runs from those that are asked for."""
    changed = [setting for setting in SETTINGS if not _are_same(setting, running, asked)]
    applied = [setting for setting in changed if _is_live(setting, running, asked)]
    waiting = [setting for setting in changed if setting not in applied and setting.name != _FIRST_START]
    values: dict[str, Any] = {setting.name: getattr(asked, setting.name) for setting in applied}
    kept = {name for setting in waiting for name in setting.variables}
    return Reloaded(
        replace(
            running,
            **values,
            explicit=_merged(running.explicit, asked.explicit, kept),
            sources=_merged(running.sources, asked.sources, {setting.name for setting in waiting}),
            file=asked.file,
            file_has_secret=asked.file_has_secret,
        ),
        tuple(setting.name for setting in applied),
        tuple(setting.name for setting in waiting),
    )


def _are_same(setting: Setting, running: Settings, asked: Settings) -> bool:
    before, after = (_plain(getattr(settings, setting.name)) for settings in (running, asked))
    return bool(before == after)


def _plain(value: Any) -> Any:
    return value.reveal() if isinstance(value, Secret) else value


def _is_live(setting: Setting, running: Settings, asked: Settings) -> bool:
    if setting.name == "requests_kept":
        # Without a request log, nothing that keeps one was made.
        return bool(running.requests_kept) and bool(asked.requests_kept)
    return setting.live


def _merged(running: Mapping[str, T], asked: Mapping[str, T], kept: Collection[str]) -> dict[str, T]:
    """What is asked for, with the entries of these names as they are in the running server."""
    new = {name: value for name, value in asked.items() if name not in kept}
    return new | {name: value for name, value in running.items() if name in kept}
