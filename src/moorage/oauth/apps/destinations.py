"""The destinations of connections: an app's data centres and their environments, and organisations of the embedded CRM.

If an answer from outside names a destination, the name is looked up in the app's declaration. It is never used as an
address.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from moorage.connections.model import Connection, Upstream
from moorage.crm import OrganisationUnknown
from moorage.oauth.apps.clients import ALL_CENTRES, OAuthClients
from moorage.oauth.apps.files import is_base_url
from moorage.oauth.apps.model import ENVIRONMENTS, REHEARSAL, ApiEnvironment, DataCentre, Provider
from moorage.oauth.apps.providers import Providers
from moorage.oauth.errors import AttemptInvalid, ConnectRefused, TokenFailed, TokenRefused
from moorage.oauth.model import Client, Minted

# The choice of a person who does not know the data centre. Then the accounts server finds it.
DETECT = "detect"
_EMBEDDED = "crm/"
_NO_CLIENT = Client("", "")  # The client of a destination that has none, or needs none.


class Choice(msgspec.Struct, frozen=True):
    """A destination that the connect page offers. `key` is the value that the form sends."""

    key: str
    title: str
    embedded: bool = False


@dataclass(frozen=True, slots=True)
class Destination:
    """The destination of a connection. Its base URLs are `accounts` for sign-ins, `tokens` for tokens, `api` for calls.

    `client` is our OAuth client at `accounts` and `tokens`.
    """

    provider: Provider
    upstream: Upstream
    accounts: str
    tokens: str
    api: str
    client: Client = field(repr=False)

    @property
    def embedded(self) -> bool:
        return self.upstream.kind == "embedded"

    @property
    def is_rehearsal(self) -> bool:
        """True if another Moorage plays the app."""
        return self.upstream.data_centre == REHEARSAL

    @property
    def centre(self) -> str:
        """The data centre of a remote destination."""
        return _centre(self.provider, self.upstream)

    @property
    def environment(self) -> ApiEnvironment:
        if self.is_rehearsal:
            return "sandbox"
        centre = self.provider.data_centres.get(self.upstream.data_centre or "")
        if centre is not None and centre.environment is not None:
            return centre.environment
        apis = centre.apis if centre is not None else {}
        return next((name for name, url in apis.items() if url == self.upstream.base_url), "production")

    def with_instance(self, answer: Mapping[str, Any]) -> "Destination":
        """For an app with an API host for each customer: the destination with the host that the token's answer names.

        Raises TokenRefused for a host that does not belong to the app.
        """
        instance = self.provider.instance
        if instance is None:
            return self
        url = answer.get(instance.key)
        parts = urlsplit(url) if isinstance(url, str) and is_base_url(url) else None
        if parts is None or parts.scheme != "https" or not (parts.hostname or "").endswith(instance.suffix):
            raise TokenRefused("instance_unknown")
        base_url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        return replace(self, upstream=msgspec.structs.replace(self.upstream, base_url=base_url), api=base_url)


class Embedded(Protocol):
    """The embedded CRM, as a destination."""

    async def organisations(self) -> list[tuple[str, str]]:
        """The slug and the name of each organisation."""

    async def base_url(self, slug: str) -> str:
        """The base URL of the organisation's data centre, for browsers. Raises OrganisationUnknown."""

    async def client(self, slug: str, redirect_uri: str | None = None) -> Client:
        """The client of this Moorage at the organisation. Raises OrganisationUnknown.

        With `redirect_uri`, that URI is registered for the client, so that a sign-in may send people back to it.
        """


class Destinations:
    """All destinations. `callback` is the URL to which accounts servers send people back.

    With `shows_embedded`, the connect page offers the embedded CRM if there is no other choice.
    """

    def __init__(
        self,
        providers: Providers,
        clients: OAuthClients,
        embedded: Embedded,
        callback: str,
        *,
        shows_embedded: bool = True,
    ) -> None:
        self._providers = providers
        self._clients = clients
        self._embedded = embedded
        self.callback = callback
        self._shows_embedded = shows_embedded

    async def offered(self, provider: Provider, *, embedded: bool) -> list[Choice]:
        """The choices that the connect page shows to everybody who has its URL.

        The organisations of the embedded CRM are for trials, and customers should not see their names. So the page
        shows them only if the connection was made for them (`embedded`), or, on a developer's own machine, if there is
        no other choice.
        """
        choices = await self.choices(provider)
        outside = [choice for choice in choices if not choice.embedded]
        return choices if embedded or (self._shows_embedded and not outside) else outside

    async def choices(self, provider: Provider) -> list[Choice]:
        """All choices for the app, the embedded CRM first."""
        outside = [choice async for choice in self._outside(provider)]
        if provider.embedded != "crm":
            return outside
        organisations = await self._embedded.organisations()
        inside = [Choice(f"{_EMBEDDED}{slug}", name, embedded=True) for slug, name in organisations]
        return inside + outside

    async def _outside(self, provider: Provider) -> AsyncIterator[Choice]:
        centres = provider.data_centres
        if not provider.signs_in and provider.method == "OAUTH2":
            return
        if provider.signs_in:
            with_client = await self._clients.centres(provider.client_name)
            centres = {key: centre for key, centre in centres.items() if with_client & {key, ALL_CENTRES}}
            if provider.detects and len(centres) > 1:
                yield Choice(DETECT, "I am not sure: find it when I sign in")
        for key, centre in centres.items():
            host = urlsplit(centre.accounts or centre.api).hostname
            title = f"{centre.title or key} ({host})" if len(provider.data_centres) > 1 else provider.title
            yield Choice(key, title)
        base_url = await self._rehearsal(provider)
        if base_url is not None:
            yield Choice(REHEARSAL, f"Rehearsal: another Moorage in its place ({urlsplit(base_url).netloc})")

    async def _rehearsal(self, provider: Provider) -> str | None:
        """The base URL of another Moorage that plays the app. It can play only apps that the embedded CRM plays."""
        if provider.embedded != "crm":
            return None
        return await self._clients.rehearsal(provider.client_name)

    async def get(self, provider: Provider, key: str, environment: str) -> Destination:
        """The destination of a choice. Raises ConnectRefused."""
        choices = await self.choices(provider)
        if key not in {choice.key for choice in choices}:
            raise ConnectRefused(
                "There is no such organisation or data centre.",
                help="Go back and choose one from the list.",
            )
        if key.startswith(_EMBEDDED):
            return await self.inside(provider, key.removeprefix(_EMBEDDED), self.callback)
        if key == DETECT:
            key = next(choice.key for choice in choices if not choice.embedded and choice.key != DETECT)
        return await self._in_centre(provider, key, _environment(environment))

    async def answered(
        self, destination: Destination, environment: str, location: str | None, servers: Mapping[str, str]
    ) -> Destination:
        """The destination that the accounts server's response names; the same destination if it names none.

        `location` is a data centre. `servers` are URLs, by parameter. Raises AttemptInvalid if the app does not have
        this destination, and ConnectRefused if there is no client for it.
        """
        if destination.embedded or destination.is_rehearsal:
            _require_same(destination.accounts, servers)
            return destination
        centres = destination.provider.data_centres
        possible = (
            {key for key, centre in centres.items() if _is_of(centre, servers)} if servers else set(centres)
        )
        if location is not None and len(centres) > 1:
            possible &= {location}
        if not possible:
            raise AttemptInvalid(
                f"The response comes from an accounts server that does not belong to {destination.provider.title}.",
                help="Nothing was connected. Begin again from the connection's url.",
            )
        if destination.upstream.data_centre in possible:
            return destination
        return await self._in_centre(destination.provider, min(possible), _environment(environment))

    def settled(self, destination: Destination, minted: Minted) -> Destination:
        """The destination with the API that the token's answer names: another data centre, or a customer's host.

        Raises TokenRefused for a host that does not belong to the app.
        """
        destination = destination.with_instance(minted.answer)
        if minted.api_domain is None:
            return destination
        upstream = self._providers.moved(destination.provider.name, destination.upstream, minted.api_domain)
        return replace(destination, upstream=upstream, api=upstream.base_url or destination.api)

    async def of(self, connection: Connection) -> Destination:
        """The destination of an ACTIVE connection. Raises TokenRefused, and TokenFailed if it has no client."""
        destination = await self.where(connection)
        if destination.embedded:
            return await self.inside(destination.provider, destination.upstream.organisation or "")
        client = await self.client(destination)
        if client is None:
            raise TokenFailed(
                f"There is no OAuth client for {destination.provider.client_name} in {destination.centre}."
            )
        return replace(destination, client=client)

    async def where(self, connection: Connection) -> Destination:
        """The destination of an ACTIVE connection, without the client. Raises TokenRefused, AppUnknown."""
        provider, upstream = self._providers.get(connection.app), connection.upstream
        if upstream is None:
            raise TokenRefused("data_centre_unknown")
        if upstream.kind == "embedded":
            try:
                base = await self._embedded.base_url(upstream.organisation or "")
            except OrganisationUnknown:
                raise TokenRefused("organisation_unknown") from None
            return Destination(provider, upstream, base, base, base, _NO_CLIENT)
        if upstream.data_centre == REHEARSAL:
            return _played(provider, upstream)
        centre = provider.data_centres.get(_centre(provider, upstream))
        if centre is None:
            raise TokenRefused("data_centre_unknown")
        return _destination(provider, upstream, centre, _NO_CLIENT)

    async def client(self, destination: Destination) -> Client | None:
        """The client for a remote destination; None if the operator has not set one. Raises VaultLocked."""
        if not destination.provider.signs_in:
            return _NO_CLIENT
        return await self._clients.find(destination.provider.client_name, destination.centre)

    async def inside(self, provider: Provider, slug: str, callback: str | None = None) -> Destination:
        """The destination that is an organisation of the embedded CRM. Raises OrganisationUnknown."""
        base = await self._embedded.base_url(slug)
        client = await self._embedded.client(slug, callback)
        return Destination(provider, Upstream("embedded", organisation=slug), base, base, base, client)

    async def _in_centre(self, provider: Provider, key: str, environment: ApiEnvironment) -> Destination:
        if key == REHEARSAL:
            base_url = await self._rehearsal(provider)
            destination = _played(provider, Upstream("remote", base_url, data_centre=key))
        else:
            destination = _declared(provider, key, environment)
        client = await self.client(destination)
        if client is None:
            raise ConnectRefused(
                f"The account is in the data centre {key}, for which there is no OAuth client.",
                help=f"The operator can set one: `moorage client set {provider.client_name} --data-centre {key}`.",
            )
        return replace(destination, client=client)


def _centre(provider: Provider, upstream: Upstream) -> str:
    return upstream.data_centre or next(iter(provider.data_centres))


def _destination(provider: Provider, upstream: Upstream, centre: DataCentre, client: Client) -> Destination:
    accounts = centre.accounts or ""
    return Destination(
        provider, upstream, accounts, centre.tokens or accounts, upstream.base_url or centre.api, client
    )


def _declared(provider: Provider, key: str, environment: ApiEnvironment) -> Destination:
    """The destination in one of the app's data centres. Raises ConnectRefused if it has no such environment."""
    centre = provider.data_centres[key]
    base_url = centre.apis.get(environment)
    if base_url is None:
        raise ConnectRefused(
            f"{provider.title} has no {environment} environment in {key}.",
            help="Choose another environment or data centre.",
        )
    return _destination(provider, Upstream("remote", base_url, data_centre=key), centre, _NO_CLIENT)


def _played(provider: Provider, upstream: Upstream) -> Destination:
    """The destination at another Moorage that plays the app: it is the accounts server and the API."""
    base_url = upstream.base_url or ""
    return Destination(provider, upstream, base_url, base_url, base_url, _NO_CLIENT)


def _environment(text: str) -> ApiEnvironment:
    for environment in ENVIRONMENTS:
        if text in {environment, ""}:
            return environment
    raise ConnectRefused(
        f"There is no environment {text[:64]!r}.", help=f"Choose one of {', '.join(ENVIRONMENTS)}."
    )


def _require_same(accounts: str, servers: Mapping[str, str]) -> None:
    if any(server.rstrip("/") != accounts for server in servers.values()):
        raise AttemptInvalid(
            "The response comes from another accounts server than the sign-in.",
            help="Nothing was connected. Begin again from the connection's url.",
        )


def _is_of(centre: DataCentre, servers: Mapping[str, str]) -> bool:
    origins = {_origin(url) for url in (centre.accounts, centre.tokens) if url is not None}
    return all(_origin(server) in origins for server in servers.values())


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return parts.scheme, parts.hostname, port
