"""The embedded CRM as an accounts server: it grants, and it refreshes as every other does."""

from urllib.parse import urlencode

from moorage.clock import Clock
from moorage.connections.model import Connection
from moorage.crm.accounts.service import ACCESS_LIFETIME
from moorage.crm.errors import OrganisationUnknown
from moorage.crm.service import CrmService
from moorage.http.message import Request, Response
from moorage.oauth.connect import Granted, OrganisationChoice
from moorage.oauth.errors import RefreshRefused
from moorage.oauth.model import AccessToken, Minted
from moorage.oauth.refresh import read_token_answer

CLIENT = "Moorage gateway"


class CrmAccounts:
    def __init__(self, crm: CrmService, clock: Clock) -> None:
        self._crm = crm
        self._clock = clock

    def organisations(self) -> list[OrganisationChoice]:
        return [OrganisationChoice(row.slug, row.name) for row in self._crm.organisations.list()]

    def grant(self, organisation: str, scopes: list[str]) -> Granted:
        """Tokens of the organisation's first user. Raises OrganisationUnknown."""
        row = self._crm.organisations.find(organisation)
        user = self._crm.first_user(row)
        client = self._crm.accounts.ensure_client(CLIENT, row.id, user.id).client_id
        issued = self._crm.accounts.issue(client, row.id, user.id, ",".join(scopes))
        # In our own time, as the CRM could be another machine's.
        access = AccessToken(issued.access_token, self._clock.timestamp() + ACCESS_LIFETIME)
        return Granted(access, issued.refresh_token, user.body["email"])

    def revoke(self, refresh_token: str) -> None:
        """Make a grant's tokens worthless."""
        self._crm.accounts.revoke(refresh_token)

    async def refresh(self, connection: Connection, refresh_token: str) -> Minted:
        """Ask the CRM's own token endpoint, in process. Raises RefreshRefused, RefreshFailed."""
        try:
            row = self._crm.organisations.find(
                (connection.upstream and connection.upstream.organisation) or ""
            )
        except OrganisationUnknown:
            raise RefreshRefused("organisation_unknown") from None
        client = self._crm.accounts.ensure_client(CLIENT, row.id, self._crm.first_user(row).id).client_id
        form = {
            "grant_type": "refresh_token",
            "client_id": client,
            "client_secret": self._crm.accounts.client_secret(client),
            "refresh_token": refresh_token,
        }
        answer = self._crm.answer(Request("POST", b"/oauth/v2/token", body=urlencode(form).encode()))
        if not isinstance(answer, Response):
            answer = await answer
        return read_token_answer(answer.status, answer.body, self._clock)
