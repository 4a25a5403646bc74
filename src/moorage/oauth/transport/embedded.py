"""The embedded CRM as a destination: requests to its accounts server and its API are answered in this process."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec

from moorage.clock import Clock
from moorage.crm import ACCESS_LIFETIME, CrmService
from moorage.crm import Client as CrmClient
from moorage.http.message import Request, Response
from moorage.oauth.model import AccessToken, Client, Minted
from moorage.oauth.transport.contract import HttpCall, HttpReply, Unanswered
from moorage.storage.errors import DatabaseUnusable

CLIENT = "Moorage gateway"
# Tokens that nobody consented to could always do this. The connect page asks for all of it only if somebody ticks it.
_WITHOUT_CONSENT = (
    "ZohoCRM.modules.ALL,ZohoCRM.settings.ALL,ZohoCRM.users.ALL,ZohoCRM.org.ALL,ZohoCRM.bulk.ALL,"
    "ZohoCRM.notifications.ALL"
)


class EmbeddedCrm:
    """`origin` is the CRM's base URL, as browsers reach it.

    All methods raise DatabaseUnusable if the CRM's database can't be used.
    """

    def __init__(self, crm: CrmService, origin: str, clock: Clock) -> None:
        self._crm = crm
        self._origin = origin
        self._clock = clock

    async def organisations(self) -> list[tuple[str, str]]:
        """The slug and the name of each organisation."""
        return [(row.slug, row.name) for row in await self._crm.organisations.list()]

    async def base_url(self, slug: str) -> str:
        """The base URL of the organisation's data centre. Raises OrganisationUnknown."""
        row = await self._crm.organisations.find(slug)
        return self._crm.base_url(row, self._origin)

    async def client(self, slug: str, redirect_uri: str | None = None) -> Client:
        """The client as which the organisation knows this Moorage. Raises OrganisationUnknown.

        With `redirect_uri`, that URI is registered, so that people can be sent there to sign in.
        """
        client_id = (await self._client(slug, redirect_uri)).client_id
        return Client(client_id, self._crm.accounts.client_secret(client_id))

    async def grant(self, slug: str) -> Minted:
        """Tokens of the first user for all calls, without anybody's consent. Raises OrganisationUnknown."""
        issued = await self._crm.accounts.issue(await self._client(slug))
        # The expiry is by our own clock, because a CRM elsewhere could have another.
        access = AccessToken(issued.access_token, self._clock.timestamp() + ACCESS_LIFETIME)
        return Minted(access, issued.refresh_token, answer={"scope": str(issued.scopes)})

    async def widen(self, tell: Callable[[Mapping[str, str]], Awaitable[None]]) -> None:
        """Let the tokens of `grant` that an earlier version made do what this version can.

        First `tell` is told which lists of scopes become which, so that it can change what others know of them.
        """
        wider = await self._crm.accounts.to_widen(CLIENT, _WITHOUT_CONSENT)
        if wider:
            await tell(wider)
            await self._crm.accounts.widen(CLIENT, wider)

    async def _client(self, slug: str, redirect_uri: str | None = None) -> CrmClient:
        row = await self._crm.organisations.find(slug)
        user = (await self._crm.first_user(row)).id
        return await self._crm.accounts.ensure_client(CLIENT, row.id, user, redirect_uri)

    async def send(self, call: HttpCall) -> HttpReply:
        """Give the call to the CRM. Raises Unanswered if the CRM's database can't be used."""
        target = urlsplit(call.url.removeprefix(self._origin))
        request = Request(
            call.method,
            target.path.encode("ascii"),
            target.query.encode("ascii"),
            [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in call.headers.items()],
            call.body,
        )
        answer = self._crm.answer(request)
        if not isinstance(answer, Response):
            answer = await answer
        trouble = _trouble(answer) if answer.status == HTTPStatus.SERVICE_UNAVAILABLE else None
        if trouble is not None:
            raise Unanswered(trouble.message, sent=False, trouble=trouble)
        return HttpReply(answer.status, answer.text, self._clock.timestamp())


def _trouble(answer: Response) -> DatabaseUnusable | None:
    """The trouble with its database that the accounts server reports (`crm/trouble.py`); None for any other 503."""
    document = msgspec.json.decode(answer.text)
    if document.get("error") != "temporarily_unavailable":
        return None
    again = dict(answer.headers).get(b"retry-after")
    return DatabaseUnusable(
        document["error_description"],
        help="Repair what it names; then repeat the call. `moorage doctor` checks both databases.",
        kind="busy" if again else "other",
        retry_after=float(again) if again else None,
    )
