"""The work of commands on a data folder."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cached_property
from getpass import getuser
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from moorage.acting import Actor, act_as, acting, actor
from moorage.errors import MoorageError
from moorage.operator.folder import Folder
from moorage.operator.people import OperatorPeople
from moorage.operator.policies import OperatorPolicies
from moorage.rooms import Urls
from moorage.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from moorage.audit.service import Audit
    from moorage.keys.model import ApiKey, Mode
    from moorage.oauth.apps.clients_of_apps import ClientsOfApps
    from moorage.operator.backups.archive import Contents
    from moorage.operator.crm import OperatorClients, OperatorOrganisations
    from moorage.vault.rotation import KeyStatus, Rotated

# ruff: noqa: PLC0415 (a command loads only the rooms that it needs: loading all rooms takes three times as long)


class Operator:
    """The work of commands on a data folder."""

    def __init__(self, folder: Folder) -> None:
        self._rooms = folder
        self.settings = folder.settings

    @cached_property
    def oauth_clients(self) -> "ClientsOfApps":
        from moorage.oauth.apps.clients_of_apps import ClientsOfApps

        return ClientsOfApps(self._rooms.providers, self._rooms.oauth_clients)

    @cached_property
    def people(self) -> "OperatorPeople":
        return OperatorPeople(self._rooms)

    @cached_property
    def policies(self) -> "OperatorPolicies":
        return OperatorPolicies(self._rooms)

    @property
    def audit(self) -> "Audit":
        return self._rooms.audit

    @cached_property
    def organisations(self) -> "OperatorOrganisations":
        from moorage.operator.crm import OperatorOrganisations

        return OperatorOrganisations(self._rooms.crm)

    @cached_property
    def clients(self) -> "OperatorClients":
        from moorage.operator.crm import OperatorClients

        return OperatorClients(self._rooms.crm)

    async def client_set(
        self, app: str, data_centre: str | None, client_id: str, secret: str, rehearsal: str | None
    ) -> str:
        """Store the OAuth client of an app. See `ClientsOfApps.set`."""
        await self._act()
        return await self.oauth_clients.set(app, data_centre, client_id, secret, rehearsal)

    async def client_delete(self, app: str, data_centre: str | None) -> None:
        """Raises AppUnknown, OAuthClientUnknown."""
        await self._act()
        await self.oauth_clients.delete(app, data_centre)

    async def keys_create(
        self,
        name: str,
        scopes: list[str],
        mode: "Mode",
        lasts: timedelta | None,
        policy: Mapping[str, Any] | None = None,
    ) -> "tuple[ApiKey, str]":
        """A new key and its secret. With the first key of an account, demo data are made.

        Raises ScopeUnknown, PolicyInvalid.
        """
        from moorage.keys.scopes import parse

        rooms, account = self._rooms, await self._rooms.keys.first_account()
        allowed = parse(scopes, rooms.providers.names) if scopes else None
        if not await rooms.keys.list(account):
            await _make_demo(self.settings, account)
        expires_at = None if lasts is None else rooms.clock.now() + lasts
        return await rooms.keys.create(
            account, name, scopes=allowed, mode=mode, expires_at=expires_at, policy=policy
        )

    async def keys_list(self) -> "list[ApiKey]":
        return await self._rooms.keys.list(await self._rooms.keys.first_account())

    async def keys_rotate(self, key_id: str, overlap: timedelta) -> "tuple[ApiKey, str]":
        """Raises KeyUnknown, KeyInactive."""
        keys = self._rooms.keys
        async with self._near(key_id):
            return await keys.rotate(await keys.first_account(), key_id, overlap)

    async def keys_revoke(self, key_id: str) -> "ApiKey":
        """Raises KeyUnknown."""
        keys = self._rooms.keys
        async with self._near(key_id):
            return await keys.revoke(await keys.first_account(), key_id)

    @asynccontextmanager
    async def _near(self, key_id: str) -> AsyncIterator[None]:
        """Add to KeyUnknown the key that was probably meant. An operator may know all keys."""
        from moorage.keys.errors import KeyUnknown

        try:
            yield
        except KeyUnknown:
            raise KeyUnknown(key_id, [key.id for key in await self.keys_list()]) from None

    async def vault_status(self) -> "list[KeyStatus]":
        return await self._rooms.rotation.status()

    async def vault_rotate(self, new: bytes | None, *, dry_run: bool) -> "Rotated":
        await self._act()
        return await self._rooms.rotation.rotate(new, dry_run=dry_run)

    async def vault_forget(self) -> int:
        """Delete the stored secrets that no available key decrypts. Returns their number."""
        await self._act()
        return await self._rooms.rotation.forget()

    async def _act(self) -> None:
        """Act for the first account: the changes of the whole installation stand in its audit."""
        act_as("operator", actor().id, actor().name, await self._rooms.keys.first_account())

    def control_rows(self) -> dict[str, int]:
        """The number of rows of each table of the control database."""
        from moorage.storage.migrate import CONTROL, made_after, migrate
        from moorage.storage.moving import count_rows

        migrate(self.settings.database_url, made_after(self.settings))
        return count_rows(self.settings.database_url, CONTROL)

    async def move_control(self, target: str, on_table: Callable[[str, int], None], *, dry_run: bool) -> None:
        """Copy the control database to another URL, and the request log. No server may use them.

        Raises DatabaseNotEmpty, DatabaseServed.
        """
        from moorage.requests.place import carry
        from moorage.storage.migrate import CONTROL
        from moorage.storage.moving import move, require_empty

        require_empty(target, CONTROL)
        if dry_run:
            for table, count in self.control_rows().items():
                on_table(table, count)
            carry(self.settings, target, on_table, dry_run=True)
            return
        # Noted before, so that the entry is among the rows that are copied.
        await self._rooms.note("database.moved", "control", {"to": target.partition(":")[0]})
        await self._rooms.database.close()
        try:
            move(self.settings.database_url, target, CONTROL, on_table)
        except MoorageError as error:
            await self._rooms.note("database.failed", "control", {"change": "moved", "reason": error.code})
            raise
        carry(self.settings, target, on_table, dry_run=False)

    async def move_organisation(
        self, slug: str, target: str, tell: Callable[[str], None], *, dry_run: bool
    ) -> None:
        """Move an organisation to the CRM with this URL, which is of the same control database.

        Raises OrganisationUnknown, OrganisationExists, OrganisationInvalid.
        """
        from moorage.crm import OrganisationInvalid

        if target == self.settings.crm_database_url:
            raise OrganisationInvalid(
                "The organisation is there already: MOORAGE_CRM_DATABASE_URL has this URL."
            )
        other = Folder(replace(self.settings, crm_database_url=target))
        other.crm_like = crm = self._rooms.crm
        try:
            await crm.move(slug, other.crm, tell, dry_run=dry_run)
        finally:
            await other.close()

    async def back_up(
        self, file: "Path", passphrase: str, *, with_requests: bool, tell: Callable[[str], None]
    ) -> "Contents":
        """Save everything in a file. See `backups.making.make`."""
        from moorage.operator.backups.making import make

        await self._act()
        return await make(self._rooms, file, passphrase, with_requests=with_requests, tell=tell)

    async def credentials(self, slug: str | None, crm_url: str) -> dict[str, str]:
        """What a Zoho client needs to reach an organisation: the organisation with this slug, or else the oldest."""
        crm = self._rooms.crm
        row = await crm.organisations.choose(slug)
        base = crm.base_url(row, crm_url)
        async with crm.organisations.witness.of("credentials_shown", row.slug):
            credentials = await crm.credentials(row)
        return {
            "api_domain": base,
            "accounts_url": base,
            "token_url": f"{base}/oauth/v2/token",
            **credentials,
        }


@asynccontextmanager
async def open_operator(settings: Settings) -> AsyncIterator[Operator]:
    """An Operator for a data folder. A server may run on the folder at the same time."""
    folder = Folder(settings)
    try:
        with acting(_operator()):
            yield Operator(folder)
    finally:
        await folder.close()


async def restore_backup(
    settings: Settings, file: "Path", passphrase: str, *, replaces: bool, tell: Callable[[str], None]
) -> "tuple[Contents, Path | None]":
    """Restore everything from a file. See `backups.restoring.restore`."""
    from moorage.operator.backups.restoring import restore

    with acting(_operator()):
        return await restore(settings, file, passphrase, replaces=replaces, tell=tell)


def _operator() -> Actor:
    return Actor("operator", _login())


def _login() -> str | None:
    """The name of the user of this machine who runs the command; None if the user has no name."""
    try:
        return getuser()
    except (KeyError, OSError):
        return None


async def _make_demo(settings: Settings, account: str) -> None:
    """Make the demo data of a first start, in a folder whose first start did not finish."""
    from moorage.first_start import make_demo
    from moorage.rooms import open_rooms

    async with open_rooms(settings, Urls("", "")) as rooms:
        await make_demo(rooms, account)
