"""The operator's door to a data folder: what the commands that work on the folder itself can do."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from moorage.clock import SystemClock
from moorage.rooms import Rooms, Urls
from moorage.settings import Settings

if TYPE_CHECKING:
    from moorage.crm.accounts.model import Client, User
    from moorage.crm.organisations.service import OrganisationRow
    from moorage.crm.service import CrmService
    from moorage.keys.model import ApiKey, Mode
    from moorage.oauth.apps.providers import Provider, Providers
    from moorage.storage import Database
    from moorage.vault.rotation import KeyStatus, Rotated
    from moorage.vault.service import Vault

# ruff: noqa: PLC0415 (a command loads the rooms that it needs and no other: all of them take three times as long)

MAX_CLIENT_TEXT = 1000


class Folder(Rooms):
    """The rooms as commands need them: over a database that is brought up to date, and without making a vault's key."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, Urls("", ""), SystemClock(), make_key=False)

    @cached_property
    def database(self) -> "Database":
        """Brought up to date, as a newer version than the server's last one may be at work."""
        from moorage.storage.migrate import made_after, migrate

        migrate(self.settings.database_url, made_after(self.settings))
        return super().database

    @cached_property
    def vault(self) -> "Vault":
        """Its keys are looked for once something is opened, as most of what a command does needs none."""
        from moorage.vault.keys import LateKeys
        from moorage.vault.service import Vault

        return Vault(self.database, LateKeys(lambda: self.vault_keys))

    @cached_property
    def crm(self) -> "CrmService":
        from moorage.crm.storage.sqlite.trouble import crm_databases

        with crm_databases():
            return super().crm


class Operator:
    """What the commands that work on the data folder itself can do."""

    def __init__(self, folder: Folder) -> None:
        self._rooms = folder
        self.settings = folder.settings

    @cached_property
    def oauth_clients(self) -> "OperatorOAuthClients":
        return OperatorOAuthClients(self._rooms)

    @cached_property
    def organisations(self) -> "OperatorOrganisations":
        return OperatorOrganisations(self._rooms.crm)

    @cached_property
    def clients(self) -> "OperatorClients":
        return OperatorClients(self._rooms.crm)

    async def keys_create(
        self, name: str, scopes: list[str], mode: "Mode", lasts: timedelta | None
    ) -> "tuple[ApiKey, str]":
        """A new key and its secret. An account's first comes with something to call. Raises ScopeUnknown."""
        from moorage.keys.scopes import EVERYTHING, parse

        rooms, account = self._rooms, await self._rooms.keys.first_account()
        allowed = parse(scopes, rooms.providers.names) if scopes else EVERYTHING
        if not await rooms.keys.list(account):
            await _make_demo(self.settings, account)
        expires_at = None if lasts is None else rooms.clock.now() + lasts
        return await rooms.keys.create(account, name, scopes=allowed, mode=mode, expires_at=expires_at)

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
        """Of a key that there is not, name the one that was meant: whoever works on the folder may know them all."""
        from moorage.keys.errors import KeyUnknown

        try:
            yield
        except KeyUnknown:
            raise KeyUnknown(key_id, [key.id for key in await self.keys_list()]) from None

    async def vault_status(self) -> "list[KeyStatus]":
        return await self._rooms.rotation.status()

    async def vault_rotate(self, new: bytes | None, *, dry_run: bool) -> "Rotated":
        return await self._rooms.rotation.rotate(new, dry_run=dry_run)

    async def vault_forget(self) -> int:
        """Drop what no key that is given opens; how many values that were."""
        return await self._rooms.rotation.forget()

    def credentials(self, slug: str | None, crm_url: str) -> dict[str, str]:
        """What a Zoho client needs to reach an organisation, the oldest unless one is named."""
        from moorage.crm.centres import Site

        crm = self._rooms.crm
        row = crm.organisations.choose(slug)
        base = Site(crm_url, None).base(crm.accounts.data_centre(row.id))
        return {
            "api_domain": base,
            "accounts_url": base,
            "token_url": f"{base}/oauth/v2/token",
            **crm.credentials(row),
        }


class OperatorOAuthClients:
    """By what apps know this Moorage, as `moorage client` offers it."""

    def __init__(self, rooms: Folder) -> None:
        self._rooms = rooms
        self._clients = rooms.oauth_clients
        self.list = rooms.oauth_clients.list

    @property
    def _providers(self) -> "Providers":
        return self._rooms.providers

    def apps(self, name: str) -> list[str]:
        """The titles of the apps that a client serves."""
        return [provider.title for provider in self._providers.of_client(name)]

    async def set(
        self,
        app: str,
        data_centre: str | None,
        client_id: str,
        client_secret: str,
        rehearsal: str | None = None,
    ) -> str:
        """Keep a client; the name that its apps have it by. Raises AppUnknown, OAuthClientInvalid, VaultLocked.

        `rehearsal` is where another Moorage plays the app, which knows this one by that client.
        """
        from moorage.oauth.apps.providers import REHEARSAL
        from moorage.oauth.errors import OAuthClientInvalid
        from moorage.oauth.model import Client as OAuthClient
        from moorage.oauth.model import is_visible

        name = self._providers.client_name(app)
        apps = self._providers.of_client(name)
        if not any(provider.signs_in for provider in apps):
            raise OAuthClientInvalid(f"{app} has no OAuth sign-in, so it needs no client.")
        centres = sorted({centre for provider in apps for centre in provider.data_centres})
        if data_centre is not None and data_centre not in centres:
            raise OAuthClientInvalid(
                f"{app} has no data centre {data_centre[:64]!r}.", help=f"It has: {', '.join(centres)}."
            )
        if rehearsal is not None:
            rehearsal, data_centre = _played_at(rehearsal, apps), REHEARSAL
        for what, text in (("id", client_id), ("secret", client_secret)):
            if not is_visible(text) or len(text) > MAX_CLIENT_TEXT:
                raise OAuthClientInvalid(
                    f"That can't be a client's {what}.",
                    help="Copy it from the app's developer console, whole.",
                )
        await self._clients.set(name, data_centre, OAuthClient(client_id, client_secret), rehearsal)
        return name

    async def delete(self, app: str, data_centre: str | None) -> None:
        """Raises AppUnknown, OAuthClientUnknown."""
        await self._clients.delete(self._providers.client_name(app), data_centre)


def _played_at(url: str, apps: "Sequence[Provider]") -> str:
    """The base URL of a Moorage that plays apps. Raises OAuthClientInvalid."""
    from moorage.oauth.apps.providers import is_base_url
    from moorage.oauth.errors import OAuthClientInvalid

    if not any(app.embedded == "crm" for app in apps):
        raise OAuthClientInvalid(
            f"Another Moorage can't play {apps[0].name}.", help="It plays what its CRM speaks: zoho-crm."
        )
    base = url.rstrip("/")
    if not is_base_url(base):
        raise OAuthClientInvalid(
            f"{url[:100]!r} is no base URL.", help="`moorage up --as-zoho` prints the one to use."
        )
    return base


class OperatorOrganisations:
    """The organisations of the embedded CRM, as `moorage crm org` offers them."""

    def __init__(self, crm: "CrmService") -> None:
        self._organisations = crm.organisations
        self._crm = crm
        self.list = self._organisations.list
        self.delete = self._organisations.delete
        self.restore = self._organisations.restore
        self.reset = self._organisations.reset

    def create(
        self,
        slug: str,
        name: str,
        *,
        time_zone: str,
        data_centre: str,
        sample: bool,
        unique: tuple[str, ...],
    ) -> "OrganisationRow":
        from moorage.crm.organisations.service import Wanted

        wanted = Wanted(slug, name, time_zone, data_centre, sample, unique)
        return wanted.make(self._organisations)

    def users(self, slug: str | None) -> "list[User]":
        """Those who may sign in. Raises OrganisationUnknown."""
        return self._crm.people.of(self._organisations.choose(slug).id)

    def data_centre(self, row: "OrganisationRow") -> str:
        return self._crm.accounts.data_centre(row.id)

    def set_password(self, slug: str | None, email: str, password: str) -> str:
        """Let a user sign in with a password; the e-mail address as the organisation has it.

        Raises OrganisationUnknown, UserUnknown, PasswordInvalid.
        """
        row = self._organisations.choose(slug)
        return self._crm.people.set_password(row.id, email, password).email

    def snapshot(self, slug: str, target: Path) -> None:
        self._organisations.snapshot(slug, target.absolute())


class OperatorClients:
    """The clients of the embedded CRM's accounts server, as `moorage crm client` offers them."""

    def __init__(self, crm: "CrmService") -> None:
        self._crm = crm
        self.remove = crm.clients.remove

    def create(
        self, slug: str | None, name: str, redirect_uris: tuple[str, ...], *, self_client: bool
    ) -> "tuple[Client, str]":
        """A new client and its secret. Raises OrganisationUnknown, ClientInvalid."""
        row = self._crm.organisations.choose(slug)
        user = self._crm.first_user(row)
        client = self._crm.clients.register(name, row.id, user.id, redirect_uris, self_client=self_client)
        return client, self._crm.accounts.client_secret(client.client_id)

    def list(self, slug: str | None) -> "list[tuple[Client, OrganisationRow]]":
        """Each with its organisation; of one organisation if it is named. Raises OrganisationUnknown."""
        organisations = self._crm.organisations
        rows = organisations.list() if slug is None else [organisations.find(slug)]
        by_id = {row.id: row for row in rows}
        return [
            (client, by_id[client.organisation])
            for client in self._crm.clients.list()
            if client.organisation in by_id
        ]

    def grant_code(self, client_id: str, scopes: str, minutes: int) -> str:
        """A self client's code. Raises ClientNotFound, ClientInvalid, ScopesInvalid, CodesExhausted."""
        return self._crm.clients.self_code(client_id, scopes, minutes * 60)


@asynccontextmanager
async def open_operator(settings: Settings) -> AsyncIterator[Operator]:
    """The operator's door to a data folder, whether or not a server runs on it."""
    folder = Folder(settings)
    try:
        with _crm_databases(folder):
            yield Operator(folder)
    finally:
        await folder.close()


@contextmanager
def _crm_databases(folder: Folder) -> Iterator[None]:
    """Say what is wrong with the CRM's databases, where a command has used them."""
    try:
        yield
    except Exception:
        if "crm" not in vars(folder):
            raise
        from moorage.crm.storage.sqlite.trouble import crm_databases

        with crm_databases():
            raise


async def _make_demo(settings: Settings, account: str) -> None:
    """As a first start does, in a folder whose first start did not come to its end."""
    from moorage.app import make_demo
    from moorage.rooms import open_rooms

    async with open_rooms(settings, Urls("", "")) as rooms:
        await make_demo(rooms, account)


def find_vault_key(settings: Settings) -> None:
    """See that there is a key at all, a new one if need be, where the one that sealed what is stored is lost."""
    from moorage.vault.keys import make_key_file

    if settings.vault_key is None:
        make_key_file(settings.home)
