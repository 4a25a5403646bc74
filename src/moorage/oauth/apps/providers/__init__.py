"""The apps. Each is a TOML file: here, or in the folder `providers` of the data folder, where operators add theirs."""

from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

from moorage.connections.model import Connection, Environment, Upstream
from moorage.http.errors import AppUnknown
from moorage.near import did_you_mean
from moorage.oauth.apps.files import read_folder
from moorage.oauth.apps.model import REHEARSAL, Provider

SHIPPED = Path(__file__).parent


class Providers:
    """The apps, by name. Files in `folder` add apps, or replace shipped apps of the same name.

    Raises SettingsInvalid, which has the faults of all files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        added = () if folder is None else read_folder(folder)
        self._by_name: dict[str, Provider] = {app.name: app for app in (*_shipped(), *added)}

    def use(self, others: "Providers") -> None:
        """Have the same apps as `others` from now on."""
        self._by_name = others._by_name  # noqa: SLF001 (it is one of these)

    def differences(self, others: "Providers") -> tuple[str, ...]:
        """The names of the apps that are not the same here and in `others`."""
        ours, theirs = self._by_name, others._by_name  # noqa: SLF001 (it is one of these)
        return tuple(name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._by_name)

    @property
    def methods(self) -> dict[str, str]:
        """The method of connecting, by app."""
        return {name: provider.method for name, provider in self._by_name.items()}

    def get(self, app: str) -> Provider:
        """The app with this name. Raises AppUnknown."""
        provider = self._by_name.get(app)
        if provider is None:
            names = ", ".join(sorted(self._by_name))
            suggestion = did_you_mean(app, self.names)
            raise AppUnknown(f"There is no app {app[:64]!r}.{suggestion}", help=f"Known apps: {names}.")
        return provider

    def client_name(self, name: str) -> str:
        """The name of an OAuth client. `name` is that name, or the name of an app. Raises AppUnknown."""
        if name in {provider.client_name for provider in self._by_name.values()}:
            return name
        return self.get(name).client_name

    def of_client(self, name: str) -> list[Provider]:
        """The apps that an OAuth client serves."""
        return [provider for provider in self._by_name.values() if provider.client_name == name]

    def moved(self, app: str, upstream: Upstream, api_domain: str) -> Upstream:
        """The upstream of a connection after its accounts server has named the API's base URL `api_domain`.

        It is another data centre of the app if the URL belongs to one. Otherwise it is the same upstream.
        """
        centres = self.get(app).data_centres
        # A connection must not move to production from the embedded CRM, a sandbox, or a URL that the operator chose.
        if upstream.base_url not in {centre.api for centre in centres.values()}:
            return upstream
        matches = {
            key: centre.api for key, centre in centres.items() if _host(centre.api) == _host(api_domain)
        }
        if len(matches) > 1:  # Several data centres share the host, so the whole URL decides.
            matches = {key: api for key, api in matches.items() if api.rstrip("/") == api_domain.rstrip("/")}
        if not matches or upstream.base_url in matches.values():
            return upstream
        key, base_url = next(iter(matches.items()))
        return replace(upstream, base_url=base_url, data_centre=key)

    def environment(self, app: str, upstream: Upstream) -> Environment:
        """The kind of account to which an upstream leads, by the app's file. An unknown upstream counts as live."""
        if upstream.kind == "embedded":
            return "embedded"
        provider = self._by_name.get(app)
        centres = provider.data_centres if provider is not None else {}
        if upstream.data_centre == REHEARSAL:
            return "sandbox"
        centre = centres.get(upstream.data_centre or "")
        trials = {url for other in centres.values() for url in (other.sandbox, other.developer)}
        is_live = upstream.base_url not in trials and (centre is None or centre.environment is None)
        return "live" if is_live else "sandbox"

    def environment_of(self, connection: Connection) -> Environment:
        """The kind of account to which a connection leads. One that was never connected may lead to a live account."""
        upstream = connection.upstream
        return "live" if upstream is None else self.environment(connection.app, upstream)

    def header(self, app: str) -> str:
        """The Authorization header of an app's API, with the placeholder `{access_token}`."""
        return self.get(app).authorization


@cache
def _shipped() -> list[Provider]:
    """The apps that come with Moorage, whose files do not change while it runs."""
    return read_folder(SHIPPED)


def _host(url: str) -> str:
    """The host without `www.`, because accounts servers write an API's host with or without it."""
    try:
        return (urlsplit(url).hostname or url).removeprefix("www.")
    except ValueError:
        return url
