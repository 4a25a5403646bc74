"""The whole CRM over one storage: its organisations, its accounts server, and the door for requests."""

import asyncio
import hmac
from collections.abc import Awaitable, Collection, Mapping, Sequence
from pathlib import Path

from moorage.addresses import LOCAL, Addresses
from moorage.background import Loop
from moorage.clock import Clock
from moorage.crm.accounts.clients import Clients
from moorage.crm.accounts.departing import copy_accounts
from moorage.crm.accounts.openid import NAME as ID_TOKENS
from moorage.crm.accounts.openid import IdTokens
from moorage.crm.accounts.people import People
from moorage.crm.accounts.people_store import PeopleStore
from moorage.crm.accounts.server import AccountsServer
from moorage.crm.accounts.service import Accounts
from moorage.crm.accounts.store import AccountsStore
from moorage.crm.api.bulk.telling import told
from moorage.crm.centres import Site
from moorage.crm.errors import OrganisationInvalid, OrganisationUnknown
from moorage.crm.events.deliveries import Deliveries
from moorage.crm.events.sending import Sender
from moorage.crm.faults import Fault
from moorage.crm.files.sweep import EVERY, sweep
from moorage.crm.jobs.model import BulkJob
from moorage.crm.jobs.service import BulkJobs
from moorage.crm.metadata.documents import Document
from moorage.crm.organisations.departing import Departure, Tell
from moorage.crm.organisations.service import OrganisationRow, Organisations
from moorage.crm.secret_key import NAME as KEY
from moorage.crm.secret_key import SecretFiles, SecretKeeper, secret_key
from moorage.crm.server import Crm
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import StoreClosed
from moorage.crm.storage.contract.storage import CrmStorage
from moorage.crm.trials import Trial
from moorage.crm.wire.call import Schedule, nobody_is_told
from moorage.crm.wire.page_tokens import PageTokens
from moorage.crm.wire.principal import Principal
from moorage.http.bodies import Admission
from moorage.http.message import Request, Response
from moorage.logs import Log
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.trouble import disk_trouble

log = Log(__name__)


class CrmService:
    """`folder` is for the files that are not databases: keys, snapshots, and bodies that are too long for memory.

    `keeper` keeps the keys instead, where processes on other machines need them, too. If there is no key yet, it is
    that of the CRM `like`.

    `api_domain` is the base URL at which clients reach the CRM's own origin. `open_slug` names an organisation to try
    out: its users sign in without a password. `schedule` lets a bulk job be worked on (`bulk_jobs.run`). `receivers`
    are where notifications may go (`addresses.py`). All methods raise DatabaseUnusable.
    """

    def __init__(
        self,
        storage: CrmStorage,
        folder: Path,
        clock: Clock,
        api_domain: str,
        open_slug: str | None = None,
        keeper: SecretKeeper | None = None,
        like: "CrmService | None" = None,
        schedule: Schedule = nobody_is_told,
        receivers: Collection[str] = (LOCAL,),
    ) -> None:
        with disk_trouble(f"{folder}"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keeper = keeper = keeper or SecretFiles(folder)
        first = None if like is None else like._key  # noqa: SLF001 (it is a CRM, too)
        self._storage = storage
        self._clock = clock
        self._open_slug = open_slug
        self.organisations = Organisations(storage, folder / "snapshots", clock)
        key = secret_key(keeper, storage.was_used, first)
        self._key: bytes = key
        store = AccountsStore(storage.database)
        self.accounts = Accounts(store, key, clock)
        self.clients = Clients(store, self.accounts, clock)
        open_organisation = self.organisations.open_as_it_is_now
        people_store = PeopleStore(storage.database)
        self.people = People(people_store, key, clock, open_organisation, self._needs_no_password)
        server = AccountsServer(self.accounts, self.clients, self.people, open_organisation, IdTokens(keeper))
        self.accounts_paths = tuple(server.paths)
        self._crm = Crm(
            self.accounts, server, self.organisations, PageTokens(key), clock, api_domain, folder, schedule
        )
        self._api_domain, self._tokens = api_domain, PageTokens(key)
        self._sender = Sender(Addresses(receivers))
        self.bulk_jobs = BulkJobs(self.organisations, tell=self._tell)
        self._deliveries = Deliveries(self.organisations, self._sender, clock)

    async def _tell(self, organisation: Organisation, job: BulkJob, url: str) -> None:
        await self._sender.post(url, told(organisation, job, self._tokens, self._api_domain))

    async def use_receivers(self, receivers: Collection[str]) -> None:
        """Let notifications go to these from now on, and to no others."""
        await self._sender.use(receivers)

    async def _needs_no_password(self, organisation: int) -> bool:
        rows = await self.organisations.list()
        return any(row.id == organisation and row.slug == self._open_slug for row in rows)

    def admit(self, request: Request) -> Admission | Awaitable[Admission]:
        """Decide on a request before its body is read: how long the body may be, or an answer that refuses it."""
        return self._crm.admit(request)

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        return self._crm.answer(request)

    def act(self, request: Request, principal: Principal) -> Response | Awaitable[Response]:
        """Answer a call that Moorage itself makes as a user, without a token."""
        return self._crm.answer(request, principal)

    async def try_out(self, request: Request) -> Trial | None:
        """What a call with a token would change; nothing is changed. None if that can't be said."""
        try:
            return await self._crm.try_out(request)
        except Fault:
            return None

    async def first_user(self, row: OrganisationRow) -> Document:
        """The first user of an organisation, an administrator. Moorage itself acts as this user."""
        organisation = await self.organisations.open(row.id)
        if organisation is None:
            raise OrganisationUnknown(f"There is no organisation {row.slug!r}.")
        return organisation.metadata.all("user")[0]

    def base_url(self, row: OrganisationRow, origin: str) -> str:
        """The base URL of the organisation's data centre. `origin` is the base URL of this CRM."""
        return Site(origin, None).base(row.data_centre)

    async def credentials(self, row: OrganisationRow) -> dict[str, str]:
        """A client's id, secret and tokens for the CRM's own origin, as the organisation's first user."""
        return await self.accounts.credentials(row.id, (await self.first_user(row)).id)

    async def move(self, slug: str, target: "CrmService", tell: Tell, *, dry_run: bool) -> OrganisationRow:
        """Move an organisation to another CRM, with all that belongs to it, so that its clients go on.

        `tell` is told of each step. With `dry_run`, nothing is changed. Raises OrganisationUnknown, OrganisationExists,
        OrganisationInvalid.
        """
        if not hmac.compare_digest(self._key, target._key):  # noqa: SLF001 (both are CRMs)
            raise OrganisationInvalid(
                "The target has another secret key, so page tokens and client secrets would change.",
                help="If it has no organisation that is needed, use a new database or folder.",
            )
        departure = Departure(self.organisations, target.organisations, copy_accounts, tell)
        if dry_run:
            return await departure.check(slug)
        await self.organisations.find(slug)
        async with self.organisations.witness.of("moved", slug, to="another database"):
            return await departure.run(slug)

    def secrets(self) -> Mapping[str, bytes]:
        """The secrets that were made, by their names. Must not be called in the event loop."""
        known = {name: self._keeper.known(name) for name in (KEY, ID_TOKENS)}
        return {name: secret for name, secret in known.items() if secret is not None}

    async def check(self) -> None:
        """Raises DatabaseUnusable if the registry can't be read."""
        await self.organisations.check()

    def background(self) -> Sequence[Loop]:
        sweeps = Loop("crm.sweep_files", self.sweep_again_and_again)
        return (Loop("crm.notice_changes", self.watch), sweeps, *self._deliveries.background())

    def event_lag(self) -> float:
        """For how many seconds the oldest notification waits that this process knows of."""
        return self._deliveries.lag()

    async def watch(self, interval: float = 0.5) -> None:
        """Notice, until cancelled, what other processes do: revoke tokens; restore, reset or delete organisations."""
        while True:
            await asyncio.sleep(interval)
            if self.accounts.changed():
                await self.organisations.forget_changed()

    async def sweep_again_and_again(self, interval: float = EVERY) -> None:
        """Sweep, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            await self.sweep_files()

    async def sweep_files(self) -> None:
        """Remove the files that nobody needs any more, of each organisation that is in use here."""
        for organisation in self.organisations.in_use():
            try:
                await sweep(organisation.store, int(self._clock.timestamp()))
            except StoreClosed:
                continue  # It changes just now. The next sweep meets it again.
            except DatabaseUnusable as error:  # The others do not have to wait until it is repaired.
                log.warning("crm.sweep_failed", organisation=organisation.id, reason=error.message)

    async def close(self) -> None:
        """Close everything, the storage as well."""
        self.people.close()
        await self._deliveries.close()
        await self.organisations.close()
        await self._storage.close()
