"""The whole CRM over one folder: its organisations, its accounts server and its door."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from moorage.clock import Clock
from moorage.crm.accounts.service import Accounts
from moorage.crm.accounts.store import AccountsStore
from moorage.crm.errors import OrganisationUnknown
from moorage.crm.metadata import Document
from moorage.crm.organisations import OrganisationRow, Organisations
from moorage.crm.paging import PageTokens
from moorage.crm.server import Crm
from moorage.http.message import Request, Response


class CrmService:
    """`api_domain` gives the base URL under which clients reach the CRM's own origin."""

    def __init__(self, folder: Path, clock: Clock, api_domain: Callable[[], str]) -> None:
        self.organisations = Organisations(folder, clock)
        key = self.organisations.secret_key
        self.accounts = Accounts(AccountsStore(self.organisations.registry.connection), key, clock)
        self._crm = Crm(self.accounts, self.organisations.open, PageTokens(key), clock, api_domain)

    def answer(self, request: Request) -> Response | Awaitable[Response]:
        return self._crm.answer(request)

    def first_user(self, row: OrganisationRow) -> Document:
        """The user whose token is given when nobody is named: the organisation's first, an administrator."""
        organisation = self.organisations.open(row.id)
        if organisation is None:
            raise OrganisationUnknown(f"There is no organisation {row.slug!r}.")
        return organisation.metadata.all("user")[0]

    def credentials(self, row: OrganisationRow) -> dict[str, str]:
        """What a client of the CRM's own origin signs in with, as the organisation's first user."""
        return self.accounts.credentials(row.id, self.first_user(row).id)

    async def watch(self, interval: float = 0.5) -> None:
        """Notice what other processes change, until cancelled: revoked tokens, organisations that changed whole."""
        while True:
            await asyncio.sleep(interval)
            if self.accounts.changed():
                self.organisations.forget_changed()

    def close(self) -> None:
        self.organisations.close()
