"""What an operator may set as the OAuth client of an app: the rules before anything is stored."""

from collections.abc import Sequence

from moorage.oauth.apps.clients import OAuthClients, Registered
from moorage.oauth.apps.files import is_base_url
from moorage.oauth.apps.model import REHEARSAL, Provider
from moorage.oauth.apps.providers import Providers
from moorage.oauth.errors import OAuthClientInvalid
from moorage.oauth.model import Client, is_visible

MAX_TEXT = 1000  # Characters of an id or of a secret.


class ClientsOfApps:
    """The clients by app, as `moorage client` offers them. Apps of one maker share a client."""

    def __init__(self, providers: Providers, clients: OAuthClients) -> None:
        self._providers = providers
        self._clients = clients

    async def list(self) -> list[Registered]:
        return await self._clients.list()

    def titles(self, name: str) -> Sequence[str]:
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
        """Store a client, and return its name. Raises AppUnknown, OAuthClientInvalid, VaultLocked.

        `rehearsal` is the base URL of another Moorage that plays the app. The client is registered there.
        """
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
            if not is_visible(text) or len(text) > MAX_TEXT:
                raise OAuthClientInvalid(
                    f"That can't be a client's {what}.",
                    help="Copy it from the app's developer console, whole.",
                )
        await self._clients.set(name, data_centre, Client(client_id, client_secret), rehearsal)
        return name

    async def delete(self, app: str, data_centre: str | None) -> None:
        """Raises AppUnknown, OAuthClientUnknown."""
        await self._clients.delete(self._providers.client_name(app), data_centre)


def _played_at(url: str, apps: Sequence[Provider]) -> str:
    """The base URL of a Moorage that plays apps. Raises OAuthClientInvalid."""
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
