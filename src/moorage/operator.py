"""What an operator can do with a data folder, by the commands that work on the folder itself."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moorage.acting import Actor, act_as, acting, actor
from moorage.clock import SystemClock
from moorage.errors import MoorageError
from moorage.rooms import Rooms, Urls
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.audit.service import Audit
    from moorage.connections.model import Connection
    from moorage.crm import Client, CrmService, OrganisationRow, User
    from moorage.keys.model import ApiKey, Mode
    from moorage.oauth.apps.clients_of_apps import ClientsOfApps
    from moorage.people import Person, Role
    from moorage.storage import Database
    from moorage.vault.rotation import KeyStatus, Rotated
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
        return OperatorOrganisations(self._rooms.crm)

    @cached_property
    def clients(self) -> "OperatorClients":
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


class OperatorOrganisations:
    """The organisations of the embedded CRM, as `moorage crm org` offers them."""

    def __init__(self, crm: "CrmService") -> None:
        self._organisations = crm.organisations
        self._crm = crm
        self.list = self._organisations.list
        self.delete = self._organisations.delete
        self.restore = self._organisations.restore
        self.reset = self._organisations.reset
        self.check_move = self._organisations.check_move
        self.move = self._organisations.move

    async def create(
        self,
        slug: str,
        name: str,
        *,
        time_zone: str,
        data_centre: str,
        sample: bool,
        unique: tuple[str, ...],
    ) -> "OrganisationRow":
        from moorage.crm import NewOrganisation

        new = NewOrganisation(slug, name, time_zone, data_centre, sample, unique)
        return await new.create(self._organisations)

    async def users(self, slug: str | None) -> "list[User]":
        """The users who may sign in. Raises OrganisationUnknown."""
        return await self._crm.people.active_users((await self._organisations.choose(slug)).id)

    async def set_password(self, slug: str | None, email: str, password: str) -> str:
        """Give a user a password. Returns the e-mail address in the organisation's spelling.

        Raises OrganisationUnknown, UserUnknown, PasswordInvalid.
        """
        row = await self._organisations.choose(slug)
        async with self._organisations.witness.of("password_set", row.slug, user=email):
            return (await self._crm.people.set_password(row.id, email, password)).email

    async def snapshot(self, slug: str, target: Path) -> None:
        await self._organisations.snapshot(slug, Path.cwd() / target)


class OperatorPolicies:
    """The policies of keys, as `moorage policy` offers them. `connection` is an id or alias, or None for all.

    Raises KeyUnknown, ConnectionUnknown, PolicyInvalid and BodyInvalid.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def show(self, key_id: str, connection: str | None) -> Mapping[str, Any]:
        account = await self._rooms.keys.first_account()
        return await self._rooms.policies.document(account, key_id, await self._named(account, connection))

    async def set(
        self, key_id: str, connection: str | None, policy: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Give the key a policy; with None, take it away."""
        account = await self._rooms.keys.first_account()
        named = await self._named(account, connection)
        if policy is None:
            await self._rooms.policies.delete(account, key_id, named, None)
        else:
            await self._rooms.policies.put(account, key_id, named, policy, None)
        return await self._rooms.policies.document(account, key_id, named)

    async def attempt(self, described: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._rooms.trials.attempt(await self._rooms.keys.first_account(), described, None)

    async def _named(self, account: str, connection: str | None) -> "Connection | None":
        return None if connection is None else await self._rooms.connections.get(account, connection)


class OperatorPeople:
    """The people who sign in, as `moorage people` offers them. `who` is an id or an e-mail address.

    Links are tokens for `welcome_url`.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def list(self) -> "list[Person]":
        return await self._rooms.people.list(await self._account())

    async def invite(self, email: str | None, name: str | None, role: "Role") -> "tuple[Person | None, str]":
        """A person and the token of their link. Without an address, whoever has the link says who they are.

        Raises PersonInvalid, PersonExists.
        """
        if email is None:
            return None, await self._rooms.people.invite_anybody(await self._account(), role)
        return await self._rooms.people.invite(await self._account(), email, name or email, role)

    async def change_role(self, who: str, role: "Role") -> "Person":
        """Raises PersonUnknown, LastOwner."""
        return await self._rooms.people.change_role(await self._account(), await self._id(who), role)

    async def remove(self, who: str) -> "Person":
        """Raises PersonUnknown, LastOwner."""
        return await self._rooms.people.remove(await self._account(), await self._id(who))

    async def reset(self, who: str) -> "tuple[Person, str]":
        """Raises PersonUnknown."""
        return await self._rooms.people.reset(await self._account(), await self._id(who))

    async def _account(self) -> str:
        return await self._rooms.keys.first_account()

    async def _id(self, who: str) -> str:
        from moorage.near import did_you_mean
        from moorage.people.errors import PersonUnknown

        ids = {person.email: person.id for person in await self.list()}
        wanted = who.strip().lower()
        if wanted in ids:
            return ids[wanted]
        if wanted in ids.values():
            return wanted
        raise PersonUnknown(who, did_you_mean(wanted, [*ids, *ids.values()]))


class OperatorClients:
    """The clients of the embedded CRM's accounts server, as `moorage crm client` offers them."""

    def __init__(self, crm: "CrmService") -> None:
        self._crm = crm
        self._witness = crm.organisations.witness

    async def remove(self, client_id: str) -> "Client":
        """Delete a client and its tokens. Raises ClientNotFound."""
        client, slug = await self._client(client_id)
        async with self._witness.of("client_deleted", slug, client=client_id, name=client.name):
            return await self._crm.clients.remove(client_id)

    async def _client(self, client_id: str) -> "tuple[Client, str]":
        """A client, and the short name of its organisation. Raises ClientNotFound."""
        client = await self._crm.clients.find(client_id)
        row = await self._crm.organisations.registry.get(client.organisation)
        return client, row.slug if row is not None else str(client.organisation)

    async def create(
        self, slug: str | None, name: str, redirect_uris: tuple[str, ...], *, self_client: bool
    ) -> "tuple[Client, str]":
        """A new client and its secret. Raises OrganisationUnknown, ClientInvalid."""
        row = await self._crm.organisations.choose(slug)
        user = await self._crm.first_user(row)
        async with self._witness.of("client_created", row.slug, name=name):
            client = await self._crm.clients.register(
                name, row.id, user.id, redirect_uris, self_client=self_client
            )
        return client, self._crm.accounts.client_secret(client.client_id)

    async def list(self, slug: str | None) -> "list[tuple[Client, OrganisationRow]]":
        """The clients of an organisation, or of all of them, each with its organisation. Raises OrganisationUnknown."""
        organisations = self._crm.organisations
        rows = await organisations.list() if slug is None else [await organisations.find(slug)]
        by_id = {row.id: row for row in rows}
        return [
            (client, by_id[client.organisation])
            for client in await self._crm.clients.list()
            if client.organisation in by_id
        ]

    async def grant_code(self, client_id: str, scopes: str, minutes: int) -> str:
        """A grant code for a self client. Raises ClientNotFound, ClientInvalid, ScopesInvalid, CodesExhausted."""
        _, slug = await self._client(client_id)
        async with self._witness.of("code_made", slug, client=client_id, scopes=scopes, minutes=minutes):
            return await self._crm.clients.self_code(client_id, scopes, minutes * 60)


@asynccontextmanager
async def open_operator(settings: Settings) -> AsyncIterator[Operator]:
    """An Operator for a data folder. A server may run on the folder at the same time."""
    folder = Folder(settings)
    try:
        with acting(Actor("operator", _login())):
            yield Operator(folder)
    finally:
        await folder.close()


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


def find_vault_key(settings: Settings) -> None:
    """Make a new vault key if the folder has none, because the old key is lost."""
    from moorage.vault.keys import make_key_file

    if settings.vault_key is None:
        make_key_file(settings.home)
