"""Where a connection can lead: an app's data centres, their other environments, organisations of the embedded CRM.

What an answer from outside says about a place is looked up in the app's own declaration and never used as an address.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from moorage.connections.model import Connection, Upstream
from moorage.crm.errors import OrganisationUnknown
from moorage.oauth.apps.clients import EVERYWHERE, OAuthClients
from moorage.oauth.apps.providers import (
    ENVIRONMENTS,
    REHEARSAL,
    DataCentre,
    Environment,
    Provider,
    Providers,
    is_base_url,
)
from moorage.oauth.errors import AttemptInvalid, ConnectRefused, TokenFailed, TokenRefused
from moorage.oauth.model import Client, Minted

DETECT = "detect"  # The person does not know the data centre: the accounts server finds it.
_EMBEDDED = "crm/"
_NOBODY = Client("", "")  # To whom nobody has given a client, or who needs none.


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the places that a person chooses from; `key` is what the form sends."""

    key: str
    title: str
    embedded: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where people sign in (`accounts`), where tokens come from (`tokens`), by what we are known at both, and where
    calls go. All are base URLs."""

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
        """Whether another Moorage plays the app there."""
        return self.upstream.data_centre == REHEARSAL

    @property
    def centre(self) -> str:
        """The data centre outside that the place is in."""
        return _centre(self.provider, self.upstream)

    @property
    def environment(self) -> Environment:
        if self.is_rehearsal:
            return "sandbox"
        centre = self.provider.data_centres.get(self.upstream.data_centre or "")
        if centre is not None and centre.environment is not None:
            return centre.environment
        apis = centre.apis if centre is not None else {}
        return next((name for name, url in apis.items() if url == self.upstream.base_url), "production")

    def with_instance(self, answer: Mapping[str, Any]) -> "Place":
        """The same place, with the API host that the token's answer names, where the app has one for each customer.

        Raises TokenRefused for a host that is not of the app's.
        """
        instance = self.provider.instance
        if instance is None:
            return self
        url = answer.get(instance.key)
        parts = urlsplit(url) if isinstance(url, str) and is_base_url(url) else None
        if parts is None or parts.scheme != "https" or not (parts.hostname or "").endswith(instance.suffix):
            raise TokenRefused("instance_unknown")
        base_url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        return replace(self, upstream=replace(self.upstream, base_url=base_url), api=base_url)


class Embedded(Protocol):
    """The embedded CRM, as something to connect to."""

    def organisations(self) -> list[tuple[str, str]]:
        """The slug and the name of each."""

    def base_url(self, organisation: str) -> str:
        """Of its data centre, as browsers reach it. Raises OrganisationUnknown."""

    async def client(self, organisation: str, redirect_uri: str | None = None) -> Client:
        """What this Moorage is known by there; with a redirect URI, people can be sent there.

        Raises OrganisationUnknown.
        """


class Places:
    """`callback` is the URL to which accounts servers send people back.

    With `shows_embedded` the page that connects offers the embedded CRM where there is nothing else to offer.
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
        """What the page that connects shows, to whoever has its address.

        The embedded CRM's organisations are for trying things out, and their names are nobody's business: they are
        shown to customers only if the connection was made for that (`embedded`). On a machine of one's own, as long as
        there is nothing else to choose, they are shown to everybody.
        """
        found = await self.choices(provider)
        outside = [choice for choice in found if not choice.embedded]
        return found if embedded or (self._shows_embedded and not outside) else outside

    async def choices(self, provider: Provider) -> list[Choice]:
        """Where the app can be connected, the embedded CRM first."""
        found = [choice async for choice in self._outside(provider)]
        if provider.embedded != "crm":
            return found
        inside = [
            Choice(f"{_EMBEDDED}{slug}", name, embedded=True) for slug, name in self._embedded.organisations()
        ]
        return inside + found

    async def _outside(self, provider: Provider) -> AsyncIterator[Choice]:
        centres = provider.data_centres
        if not provider.signs_in and provider.method == "OAUTH2":
            return
        if provider.signs_in:
            known = await self._clients.centres(provider.client_name)
            centres = {key: centre for key, centre in centres.items() if known & {key, EVERYWHERE}}
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
        """Where another Moorage plays the app; its CRM plays no other than the embedded one does."""
        if provider.embedded != "crm":
            return None
        return await self._clients.rehearsal(provider.client_name)

    async def get(self, provider: Provider, key: str, environment: str) -> Place:
        """A place that was chosen. Raises ConnectRefused."""
        known = await self.choices(provider)
        if key not in {choice.key for choice in known}:
            raise ConnectRefused(
                "There is no such organisation or data centre.", help="Go back and choose one from the list."
            )
        if key.startswith(_EMBEDDED):
            return await self.inside(provider, key.removeprefix(_EMBEDDED), self.callback)
        if key == DETECT:
            key = next(choice.key for choice in known if not choice.embedded and choice.key != DETECT)
        return await self._in_centre(provider, key, _environment(environment))

    async def answered(
        self, place: Place, environment: str, location: str | None, servers: Mapping[str, str]
    ) -> Place:
        """The place that an answer says it comes from: `location` is a data centre, `servers` are URLs, by parameter.

        Raises AttemptInvalid for one that the app does not have, and ConnectRefused for one without a client.
        """
        if place.embedded or place.is_rehearsal:
            _require_same(place.accounts, servers)
            return place
        centres = place.provider.data_centres
        named = (
            {key for key, centre in centres.items() if _is_of(centre, servers)} if servers else set(centres)
        )
        if location is not None and len(centres) > 1:
            named &= {location}
        if not named:
            raise AttemptInvalid(
                f"The answer comes from an accounts server that is none of {place.provider.title}'s.",
                help="Nothing was connected. Begin again from the connection's url.",
            )
        here = place.upstream.data_centre
        if here in named:
            return place
        return await self._in_centre(place.provider, min(named), _environment(environment))

    def settled(self, place: Place, minted: Minted) -> Place:
        """The place with the API that the token's answer names: a data centre of the app's, or a customer's own host.

        Raises TokenRefused for a host that is not of the app's.
        """
        place = place.with_instance(minted.answer)
        if minted.api_domain is None:
            return place
        upstream = self._providers.moved(place.provider.name, place.upstream, minted.api_domain)
        return replace(place, upstream=upstream, api=upstream.base_url or place.api)

    async def of(self, connection: Connection) -> Place:
        """Where an ACTIVE connection leads. Raises TokenRefused, and TokenFailed when its client is gone."""
        place = self.where(connection)
        if place.embedded:
            return await self.inside(place.provider, place.upstream.organisation or "")
        client = await self.client(place)
        if client is None:
            raise TokenFailed(f"There is no OAuth client for {place.provider.client_name} in {place.centre}.")
        return replace(place, client=client)

    def where(self, connection: Connection) -> Place:
        """Where an ACTIVE connection leads, without what we are known by there. Raises TokenRefused, AppUnknown."""
        provider, upstream = self._providers.get(connection.app), connection.upstream
        if upstream is None:
            raise TokenRefused("data_centre_unknown")
        if upstream.kind == "embedded":
            try:
                base = self._embedded.base_url(upstream.organisation or "")
            except OrganisationUnknown:
                raise TokenRefused("organisation_unknown") from None
            return Place(provider, upstream, base, base, base, _NOBODY)
        if upstream.data_centre == REHEARSAL:
            return _played(provider, upstream)
        centre = provider.data_centres.get(_centre(provider, upstream))
        if centre is None:
            raise TokenRefused("data_centre_unknown")
        return _place(provider, upstream, centre, _NOBODY)

    async def client(self, place: Place) -> Client | None:
        """What we are known by at a place outside; None if the operator has yet to say. Raises VaultLocked."""
        if not place.provider.signs_in:
            return _NOBODY
        return await self._clients.find(place.provider.client_name, place.centre)

    async def inside(self, provider: Provider, slug: str, callback: str | None = None) -> Place:
        """An organisation of the embedded CRM. Raises OrganisationUnknown."""
        base = self._embedded.base_url(slug)
        client = await self._embedded.client(slug, callback)
        return Place(provider, Upstream("embedded", organisation=slug), base, base, base, client)

    async def _in_centre(self, provider: Provider, key: str, environment: Environment) -> Place:
        if key == REHEARSAL:
            base_url = await self._rehearsal(provider)
            place = _played(provider, Upstream("remote", base_url, data_centre=key))
        else:
            place = _declared(provider, key, environment)
        client = await self.client(place)
        if client is None:
            raise ConnectRefused(
                f"The account lives in the data centre {key}, where no client is set.",
                help=f"Let the operator do so: `moorage client set {provider.client_name} --data-centre {key}`.",
            )
        return replace(place, client=client)


def _centre(provider: Provider, upstream: Upstream) -> str:
    return upstream.data_centre or next(iter(provider.data_centres))


def _place(provider: Provider, upstream: Upstream, centre: DataCentre, client: Client) -> Place:
    accounts = centre.accounts or ""
    return Place(
        provider, upstream, accounts, centre.tokens or accounts, upstream.base_url or centre.api, client
    )


def _declared(provider: Provider, key: str, environment: Environment) -> Place:
    """A data centre of the app's. Raises ConnectRefused where it has no such environment."""
    centre = provider.data_centres[key]
    base_url = centre.apis.get(environment)
    if base_url is None:
        raise ConnectRefused(
            f"{provider.title} has no {environment} environment in {key}.", help="Choose another one."
        )
    return _place(provider, Upstream("remote", base_url, data_centre=key), centre, _NOBODY)


def _played(provider: Provider, upstream: Upstream) -> Place:
    """Another Moorage in the app's place, which is accounts server and API at once."""
    base_url = upstream.base_url or ""
    return Place(provider, upstream, base_url, base_url, base_url, _NOBODY)


def _environment(text: str) -> Environment:
    for known in ENVIRONMENTS:
        if text in {known, ""}:
            return known
    raise ConnectRefused(
        f"There is no environment {text[:64]!r}.", help=f"Choose one of {', '.join(ENVIRONMENTS)}."
    )


def _require_same(accounts: str, servers: Mapping[str, str]) -> None:
    if any(server.rstrip("/") != accounts for server in servers.values()):
        raise AttemptInvalid(
            "The answer comes from another accounts server than the one that was asked.",
            help="Nothing was connected. Begin again from the connection's url.",
        )


def _is_of(centre: DataCentre, servers: Mapping[str, str]) -> bool:
    ours = {_origin(url) for url in (centre.accounts, centre.tokens) if url is not None}
    return all(_origin(server) in ours for server in servers.values())


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return parts.scheme, parts.hostname, port
