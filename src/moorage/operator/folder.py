"""The rooms over a data folder, as commands use them."""

from functools import cached_property
from typing import TYPE_CHECKING

from moorage.clock import SystemClock
from moorage.rooms import Rooms, Urls
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.crm import CrmService
    from moorage.storage import Database
    from moorage.vault.service import Vault

# ruff: noqa: PLC0415 (a command loads only the rooms that it needs: loading all rooms takes three times as long)


class Folder(Rooms):
    """The rooms for commands. They update the database's schema, and never make a vault key."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, Urls("", ""), SystemClock(), make_key=False)

    @cached_property
    def database(self) -> "Database":
        """The database, with its schema updated, because this version may be newer than that of the last server."""
        from moorage.storage.migrate import made_after, migrate

        migrate(self.settings.database_url, made_after(self.settings))
        return super().database

    @cached_property
    def vault(self) -> "Vault":
        """The vault, which reads its keys when a secret is decrypted, because most commands need no secret."""
        from moorage.vault.keys import LateKeys
        from moorage.vault.service import Vault

        return Vault(self.database, LateKeys(lambda: self.vault_keys))

    @cached_property
    def crm(self) -> "CrmService":
        from moorage.storage.trouble import disk_trouble

        with disk_trouble(f"{self.settings.crm_folder}"):
            return super().crm


def find_vault_key(settings: Settings) -> None:
    """Make a new vault key if the folder has none, because the old key is lost."""
    from moorage.vault.keys import make_key_file

    if settings.vault_key is None:
        make_key_file(settings.home)
