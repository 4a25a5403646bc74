"""Apps are data: one TOML file each, shipped here or put by the operator into `providers/` of the data folder."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from moorage.connections.model import Upstream
from moorage.errors import SettingsInvalid
from moorage.http.errors import AppUnknown

SHIPPED = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
_BASE_URL = re.compile(rf"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?({_PATH.pattern})?")
# First path segments that the gateway's own routes have.
RESERVED = frozenset(
    {"connections", "connect", "healthz", "readyz", "metrics", "console", "mcp", "keys", "apps"}
)


class DataCentre(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base URLs of an app's API and of its accounts server."""

    api: str
    accounts: str | None = None


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`authorization` is the header sent upstream, with `{access_token}` in it; `scopes` say what each allows."""

    name: str
    title: str
    authorization: str
    data_centres: dict[str, DataCentre]
    method: Literal["OAUTH2"] = "OAUTH2"
    authorize_path: str | None = None
    token_path: str | None = None
    scopes: dict[str, str] = {}
    embedded: Literal["crm"] | None = None


class Providers:
    """The apps, by name. Those in `folder` add to the shipped ones or take their place."""

    def __init__(self, folder: Path | None = None) -> None:
        self._by_name: dict[str, Provider] = {}
        for place in (SHIPPED, folder):
            for file in sorted(place.glob("*.toml")) if place is not None else ():
                provider = read_provider(file)
                self._by_name[provider.name] = provider

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._by_name)

    def get(self, app: str) -> Provider:
        """Raises AppUnknown."""
        found = self._by_name.get(app)
        if found is None:
            known = ", ".join(sorted(self._by_name))
            raise AppUnknown(f"There is no app {app[:64]!r}.", help=f"Known apps: {known}.")
        return found

    def moved(self, app: str, upstream: Upstream, api_domain: str) -> Upstream:
        """Where a connection leads once its accounts server has named an API's base URL: the same place as before,
        or another one of the app's data centres. Nothing else is believed."""
        centres = self.get(app).data_centres
        # Neither the embedded CRM nor a sandbox nor a place that the operator chose is to be left for production.
        if upstream.base_url not in {centre.api for centre in centres.values()}:
            return upstream
        for key, centre in centres.items():
            if _host(centre.api) == _host(api_domain) and centre.api != upstream.base_url:
                return replace(upstream, base_url=centre.api, data_centre=key)
        return upstream

    def header(self, app: str) -> str:
        """The Authorization header of an app's API, with `{access_token}` in it."""
        return self.get(app).authorization


def _host(url: str) -> str:
    """Accounts servers name an API's host with or without `www.`."""
    try:
        return (urlsplit(url).hostname or url).removeprefix("www.")
    except ValueError:
        return url


def read_provider(file: Path) -> Provider:
    """Raises SettingsInvalid, which names the file and the key at fault."""
    try:
        provider = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Provider)
        _check(provider)
        if provider.name != file.stem:
            raise ValueError(f"name is {provider.name!r}, so the file has to be {provider.name}.toml")  # noqa: TRY301
    except (ValueError, OSError) as error:
        raise SettingsInvalid(f"{file}: {error}", help="docs/apps.md shows how such a file looks.") from error
    return provider


def _check(provider: Provider) -> None:
    if not _NAME.fullmatch(provider.name) or provider.name in RESERVED:
        raise ValueError(
            f"name can't be {provider.name!r}; use a-z, 0-9 and -, and no path of the gateway's own"
        )
    if not re.fullmatch(r"[ -z|~]*\{access_token\}[ -z|~]*", provider.authorization):
        raise ValueError("authorization has to be one line of ASCII with {access_token} and no other braces")
    if not provider.data_centres:
        raise ValueError("data_centres has to name at least one")
    for key, centre in provider.data_centres.items():
        _check_url(f"data_centres.{key}.api", centre.api)
        if centre.accounts is not None:
            _check_url(f"data_centres.{key}.accounts", centre.accounts)
    for key in ("authorize_path", "token_path"):
        path = getattr(provider, key)
        if path is not None and not _PATH.fullmatch(path):
            raise ValueError(f"{key} has to be a path such as /oauth/v2/auth, not {path!r}")


def _check_url(key: str, url: str) -> None:
    if not _is_base_url(url):
        raise ValueError(f"{key} has to be a base URL such as https://api.example.com, not {url!r}")


def _is_base_url(url: str) -> bool:
    """Whether every request can go there: the path stands in request lines as it is."""
    found = _BASE_URL.fullmatch(url)
    try:
        parts = urlsplit(url)
        return found is not None and bool(parts.hostname) and parts.port != 0 and ".." not in parts.path
    except ValueError:  # A port beyond all ports, or no IPv6 address in the brackets.
        return False
