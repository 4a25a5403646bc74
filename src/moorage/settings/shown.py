"""The settings as people see them: their values without secrets, and where each comes from."""

import os
from typing import Any

from moorage.settings import Settings
from moorage.settings.readers import Listening
from moorage.settings.table import SETTINGS, Setting


def shown(settings: Settings) -> list[dict[str, Any]]:
    """Each setting with its `name`, `variable`, `value`, `source` and `meaning`, and whether a reload is enough."""
    return [_shown(setting, settings) for setting in SETTINGS]


def _shown(setting: Setting, settings: Settings) -> dict[str, Any]:
    """A setting as it is shown, without secrets."""
    value = getattr(settings, setting.name)
    source = settings.sources.get(setting.name, "default")
    is_secret = setting.secret or (isinstance(value, str) and setting.is_secret(value))
    if is_secret:
        value = None if value is None else "secret"
    elif isinstance(value, Listening):
        value = f"{value.host}:{value.port}"
    elif isinstance(value, tuple):
        value = list(value)
    elif isinstance(value, os.PathLike | str):  # Some texts are of a class of their own.
        value = str(value)
    return {
        "name": setting.name,
        "variable": setting.env,
        "value": value,
        "is_secret": is_secret,
        "source": source,
        "meaning": setting.meaning,
        "is_live": setting.live,
    }
