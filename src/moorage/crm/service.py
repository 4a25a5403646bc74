"""The whole CRM over one folder: its organisations, its accounts server and its door."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from moorage.background import Loop
from moorage.clock import Clock
from moorage.crm.accounts.clients import Clients
from moorage.crm.accounts.openid import IdTokens
from moorage.crm.accounts.people import People
from moorage.crm.accounts.server import AccountsServer
from moorage.crm.accounts.service import Accounts
from moorage.crm.accounts.store import AccountsStore
from moorage.crm.errors import OrganisationUnknown
from moorage.crm.metadata.documents import Document
from moorage.crm.organisations.service import OrganisationRow, Organisations
from moorage.crm.server import Crm
from moorage.crm.wire.page_tokens import PageTokens
from moorage.crm.wire.principal import Principal
from moorage.http.bodies import Allowance
from moorage.http.message import Request, Response

P = ParamSpec("P")
T = TypeVar("T")


class CrmService:
    """`api_domain` gives the base URL under which clients reach the CRM's own origin.

    `open_slug` names an organisation to try out, whose users sign in without a password.
    """

    def __init__(
        self, folder: Path, clock: Clock, api_domain: Callable[[], str], open_slug: str | None = None
    ) -> None:
        self._open_slug = open_slug
        self.organisations = Organisations(folder, clock)
        key = self.organisations.secret_key
        registry = self.organisations.registry
        store = AccountsStore(registry)
        self.accounts = Accounts(store, key, clock)
        self.clients = Clients(store, self.accounts, clock)
        open_organisation = self.organisations.open
        self.people = People(store, key, clock, open_organisation, self._is_open)
        server = AccountsServer(
            self.accounts,
            self.clients,
            self.people,
            open_organisation,
            self.write,
            IdTokens(folder / "openid.key"),
        )
        self.accounts_paths = tuple(server.paths)
        self._crm = Crm(self.accounts, server, open_organisation, PageTokens(key), clock, api_domain, folder)

    def _is_open(self, organisation: int) -> bool:
        return any(
            row.id == organisation and row.slug == self._open_slug for row in self.organisations.list()
        )

    def admit(self, request: Request) -> Allowance | Response:
        """What the CRM says of a request before its body is read: how long it may be, or the answer."""
        return self._crm.admit(request)

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        return self._crm.answer(request)

    def act(self, request: Request, principal: Principal) -> Response | Awaitable[Response]:
        """Answer a call that Moorage itself makes as a user, without a token."""
        return self._crm.answer(request, principal)

    def first_user(self, row: OrganisationRow) -> Document:
        """The user whose token is given when nobody is named: the organisation's first, an administrator."""
        organisation = self.organisations.open(row.id)
        if organisation is None:
            raise OrganisationUnknown(f"There is no organisation {row.slug!r}.")
        return organisation.metadata.all("user")[0]

    def credentials(self, row: OrganisationRow) -> dict[str, str]:
        """What a client of the CRM's own origin signs in with, as the organisation's first user."""
        return self.accounts.credentials(row.id, self.first_user(row).id)

    async def write(self, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        """Do what writes the registry, in a thread. Raises apsw.BusyError when another program holds it for long."""
        try:
            return await self.organisations.registry.write(work, *given, **named)
        finally:
            self.accounts.forget()  # Here, as a look-up of the event loop's could have kept what was true before.

    def background(self) -> Sequence[Loop]:
        return (Loop("crm.notice_changes", self.watch),)

    async def watch(self, interval: float = 0.5) -> None:
        """Serve from this thread, which from now on only reads, and notice what others change, until cancelled:

        revoked tokens, organisations that changed whole.
        """
        self.organisations.registry.only_read_here()
        while True:
            await asyncio.sleep(interval)
            if self.accounts.changed():
                self.organisations.forget_changed()

    def close(self) -> None:
        self.people.close()
        self.organisations.close()
