"""The first start of a server: it updates the databases, and makes what somebody needs to begin."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from moorage import __version__
from moorage.acting import Actor, acting
from moorage.connections.model import Filters
from moorage.crm import DEMO, OrganisationExists, OrganisationSpec, WholeCrm
from moorage.errors import SettingsInvalid
from moorage.keys.model import ApiKey, may_be_secret
from moorage.logs import Log
from moorage.requests.migrations import REQUESTS
from moorage.requests.place import prepare, url_of
from moorage.rooms import DEMO_APP, DEMO_SLUG, Rooms, Urls, open_rooms
from moorage.settings import UNSHOWN, Settings
from moorage.settings.databases import is_postgresql
from moorage.storage.migrate import CONTROL, made_after, migrate
from moorage.storage.moving import Tables
from moorage.vault.errors import VaultKeyMissing, VaultLocked
from moorage.vault.keys import shared_keys

# The name under which a Moorage that plays Zoho knows the Moorage that connects to it.
PLAYED_TO = "Moorage"

log = Log(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """What a first start shows once: the secret of the first API key, unless the operator chose it, and the token of
    the link with which the first owner joins. Both are None at every later start. The link `is_entry` if only this
    machine reaches the server: then the owner needs one click, and no password.
    """

    api_key: str | None = field(default=None, repr=False)
    owner_link: str | None = field(default=None, repr=False)
    is_entry: bool = False


async def first_start(settings: Settings, demo: OrganisationSpec = DEMO) -> Begun:
    """Update the databases; at the first start, make a first API key, demo data and a link for the first owner.

    Raises VaultKeyMissing, and VaultKeyUnshared.
    """
    if is_postgresql(settings.database_url):
        shared_keys(settings.vault_key, settings.home)
    require_known(settings)
    migrate(settings.database_url, made_after(settings))
    if settings.requests_kept:
        prepare(settings)
    async with open_rooms(settings, Urls("", "")) as rooms:
        rooms.make_all()  # Some services create files. Here only one process does so; later there are several workers.
        await _require_vault_key(rooms)
        if rooms.request_writer is not None and not is_postgresql(settings.database_url):
            # The lock of the data folder says that no other server writes to its files.
            await rooms.request_writer.begin(alone=True)
        async with rooms.alone():  # Several servers may start on an empty database at once.
            await rooms.widen_inside()
            return await _begin(rooms, demo)


def require_known(settings: Settings) -> None:
    """Raises DatabaseUnusable if a newer version has written one of the databases, before any is changed."""
    tables = [Tables(settings.database_url, CONTROL), WholeCrm(settings.crm_database_url).tables]
    if settings.requests_kept:
        tables.append(Tables(url_of(settings), REQUESTS))
    for each in tables:
        each.require_known()


async def _begin(rooms: Rooms, demo: OrganisationSpec) -> Begun:
    """Make what a first start makes, if this is one. Returns what `first_start` returns."""
    account, unshown = await rooms.keys.first_account(), rooms.settings.home / UNSHOWN
    keys = await rooms.keys.list(account)
    if keys and not unshown.exists():
        return Begun()
    with acting(Actor("server", name="first start", account_id=account)):
        await rooms.note("server.first_start", "server", {"version": __version__})
        if keys:
            secret: str | None = await _another_key(rooms, account, keys)
        else:
            secret = await _first_key(rooms, account, demo)
        if await rooms.people.list(account):
            return Begun(secret)
        if rooms.settings.is_only_here:
            _, token = await rooms.entries.link(account)
            return Begun(secret, token, is_entry=True)
        return Begun(secret, await rooms.people.invite_anybody(account, "owner"))


async def _first_key(rooms: Rooms, account: str, demo: OrganisationSpec) -> str | None:
    """Make demo data and a first API key. Returns its secret, unless the operator chose it."""
    chosen = rooms.settings.api_key.reveal() if rooms.settings.api_key else None
    if chosen is not None and not may_be_secret(chosen):
        raise SettingsInvalid(
            "MOORAGE_API_KEY: it looks like a key that Moorage made, but with a typing error.",
            help="Copy the whole key again, or choose a key that looks different.",
        )
    unshown = rooms.settings.home / UNSHOWN
    await make_demo(rooms, account, demo)
    if chosen is None:
        unshown.parent.mkdir(exist_ok=True)
        unshown.touch(0o600)
    _, secret = await rooms.keys.create(account, "first key", chosen)
    return None if chosen else secret


async def _another_key(rooms: Rooms, account: str, keys: Sequence[ApiKey]) -> str:
    """Another first key, because the start that made the first key ended before it showed the key."""
    _, secret = await rooms.keys.create(account, "first key")
    log.warning(
        "start.first_key_not_shown",
        note="the start that made the first API key ended before it showed the key, so there is a second key",
        revoke=f"moorage key revoke {keys[0].id}",
    )
    return secret


async def _require_vault_key(rooms: Rooms) -> None:
    """Raise VaultKeyMissing if the vault key does not decrypt the stored secrets.

    Without that key a server can do little, and the person who started it would not know why.
    """
    try:
        await rooms.vault.check()
    except VaultLocked as error:
        source = "MOORAGE_VAULT_KEY" if rooms.settings.vault_key is not None else "vault.key"
        raise VaultKeyMissing(
            f"The key of {source} does not decrypt the secrets in {rooms.settings.home}: they need another key."
        ) from error


async def play_zoho(settings: Settings, callback: str) -> tuple[str, Path]:
    """Let another Moorage connect to this Moorage as to Zoho. Returns a client id, and the file with its secret.

    `callback` is the callback URL of the other Moorage.
    """
    async with open_rooms(settings, Urls("", "")) as rooms:
        crm = rooms.crm
        row = await crm.organisations.choose(None)
        user = (await crm.first_user(row)).id
        client = await crm.accounts.ensure_client(PLAYED_TO, row.id, user, callback)
        secret = settings.home / "client-secret"
        secret.touch(0o600)
        secret.write_text(f"{crm.accounts.client_secret(client.client_id)}\n")
        return client.client_id, secret


async def make_demo(rooms: Rooms, account: str, demo: OrganisationSpec = DEMO) -> None:
    """Make a demo organisation and a connection to it, if they are missing.

    This is done before the account's first key is made. So if it fails, the next start does it again.
    """
    organisations = rooms.crm.organisations
    if not await organisations.list():
        with contextlib.suppress(OrganisationExists):  # Another process was quicker.
            await organisations.create(DEMO_SLUG, demo, sample=True)
    if not await rooms.connections.search(account, Filters(DEMO_APP, "ACTIVE")):
        # An earlier start may have ended after it made a connection.
        pending = await rooms.connections.search(account, Filters(DEMO_APP, "PENDING"), limit=1)
        connection = pending[0] if pending else await rooms.connections.create(account, DEMO_APP)
        await rooms.connect_inside(connection, (await organisations.choose(None)).slug)
