"""Reads the settings and the files of apps again, for a running server."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from moorage.errors import MoorageError, SettingsInvalid
from moorage.logs import Log, set_level
from moorage.oauth.apps.providers import Providers
from moorage.serve import data_folder
from moorage.settings import Settings
from moorage.settings.reloading import reloaded

log = Log(__name__)


class Reload(msgspec.Struct, frozen=True):
    """What a server uses from now on. `applied` are settings and `apps` are apps that are not as before.

    `waiting` are settings that need a restart.
    """

    settings: Settings
    providers: Providers
    applied: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What the log and the audit tell of it."""
        return {"applied": list(self.applied), "apps": list(self.apps), "needs_restart": list(self.waiting)}


class Outcome(msgspec.Struct, frozen=True):
    """What came of the last of `number` reloads, for the note of the server."""

    number: int
    applied: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


class Reloads(msgspec.Struct):
    """`read` reads the settings as they are now. `note` is what the data folder tells of this server."""

    settings: Settings
    providers: Providers
    read: Callable[[], Settings]
    note: data_folder.Running | None = None
    _number: int = 0

    def look(self) -> Reload | None:
        """What to use from now on. None if anything is wrong: then all stays as it is, and the log says what."""
        faults: tuple[str, ...] = ()
        asked = providers = None
        try:
            asked = self.read()
        except SettingsInvalid as error:
            faults = error.faults
        except (MoorageError, OSError) as error:
            faults = (str(error),)
        try:
            providers = Providers(self.settings.home / "providers")
        except SettingsInvalid as error:
            faults += error.faults
        if asked is None or providers is None:
            log.error("settings.refused", faults=list(faults))
            self._tell(faults=faults)
            return None
        new = reloaded(self.settings, asked)
        return Reload(
            new.settings, providers, new.applied, self.providers.differences(providers), new.waiting
        )

    def done(self, reload: Reload) -> None:
        """All processes use it now."""
        self.settings, self.providers = reload.settings, reload.providers
        set_level(reload.settings.log_level)
        log.info("settings.reloaded", **reload.facts)
        data_folder.warn_if_open(reload.settings)
        self._tell(applied=reload.applied, apps=reload.apps, waiting=reload.waiting)

    def _tell(self, **outcome: tuple[str, ...]) -> None:
        self._number += 1
        if self.note is None:
            return
        told = asdict(Outcome(self._number, **outcome))
        self.note = replace(self.note.with_settings(self.settings), reloaded=told)
        data_folder.write_note(self.settings.home, self.note)
