"""The apps. Each is a TOML file: here, or in the folder `providers` of the data folder, where operators add theirs."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from moorage.connections.model import Connection, Environment, Upstream
from moorage.errors import SettingsInvalid
from moorage.http.errors import AppUnknown
from moorage.near import did_you_mean
from moorage.oauth.apps.file_faults import in_words

ApiEnvironment: TypeAlias = Literal["production", "sandbox", "developer"]
ENVIRONMENTS: tuple[ApiEnvironment, ...] = ("production", "sandbox", "developer")

REHEARSAL = "rehearsal"  # The data centre of a connection to another Moorage that plays the app.
SHIPPED = Path(__file__).parent
_HELP = "`moorage help apps` shows the form of such a file."
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
# In a path of an operation, a segment in braces stands for any segment, and * for a part of one.
_OPERATION = re.compile(r"([A-Z]+|\*) (/([A-Za-z0-9._~!$&'()*+,;=:@-]+|\{[a-z_]+\}))+")
_JSON_PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_HOST_SUFFIX = re.compile(r"(\.[A-Za-z0-9-]+){2,}")
_VISIBLE = re.compile(r"[ -~]+")
_BASE_URL = re.compile(rf"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?({_PATH.pattern})?")
# The first segments of the gateway's own paths, present and planned. No app may have such a name.
RESERVED = frozenset(
    [
        ".well-known",
        "approvals",
        "apps",
        "assets",
        "audit",
        "connect",
        "connections",
        "console",
        "grants",
        "enter",
        "healthz",
        "keys",
        "limits",
        "llms.txt",
        "mcp",
        "me",
        "metrics",
        "oauth",
        "organisations",
        "people",
        "policies",
        "readyz",
        "requests",
        "settings",
        "sign-in",
        "sign-out",
        "welcome",
    ]
)


class DataCentre(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base URLs of the API, of the sign-in pages, and of the token endpoint if that is on another host.

    `sandbox` and `developer` are base URLs of the API's other environments. Their users sign in on the same pages.
    `title` is the data centre's name for people. `environment` is set if all its accounts are of that environment.
    """

    api: str
    title: str | None = None
    accounts: str | None = None
    tokens: str | None = None
    sandbox: str | None = None
    developer: str | None = None
    environment: Literal["sandbox", "developer"] | None = None

    @property
    def apis(self) -> dict[ApiEnvironment, str]:
        """The base URL of the API in each environment that the centre has."""
        urls = {"production": self.api, "sandbox": self.sandbox, "developer": self.developer}
        return {name: urls[name] or "" for name in ENVIRONMENTS if urls[name] is not None}


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the facts about a connected account are: `facts` has a path such as `users.0.email` for each name.

    The paths lead into the JSON that answers a GET of `path`; without `path`, into the answer with the token.
    """

    facts: dict[str, str]
    path: str | None = None
    headers: dict[str, str] = {}


class Instance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For apps with an API host for each customer. `key` of the token's answer has the host's URL.

    A URL whose host does not end in `suffix` is refused.
    """

    key: str
    suffix: str


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An app. docs/apps.md explains each key."""

    name: str
    title: str
    authorization: str
    data_centres: dict[str, DataCentre]
    method: Literal["OAUTH2", "API_KEY"] = "OAUTH2"
    client: str | None = None
    authorize_path: str | None = None
    token_path: str | None = None
    revoke_path: str | None = None
    authorize_params: dict[str, str] = {}
    scopes: dict[str, str] = {}
    unticked: tuple[str, ...] = ()
    read_scopes: tuple[str, ...] = ()
    scope_separator: Literal[" ", ","] = " "
    pkce: bool = True
    token_auth: Literal["body", "basic"] = "body"
    token_body: Literal["form", "json"] = "form"
    refreshes: bool = False
    detects: bool = False
    instance: Instance | None = None
    identity: tuple[Identity, ...] = ()
    embedded: Literal["crm"] | None = None
    websocket: bool = True
    rewrites_redirects: bool = True
    passes_trace: bool = False
    operations: dict[str, Literal["read", "write", "destructive"]] = {}

    @property
    def client_name(self) -> str:
        """The name of the operator's OAuth client for the app. Apps of one maker share a client."""
        return self.client or self.name

    @property
    def environments(self) -> list[ApiEnvironment]:
        """The environments that the API has in at least one data centre."""
        offered = {name for centre in self.data_centres.values() for name in centre.apis}
        return [name for name in ENVIRONMENTS if name in offered]

    @property
    def signs_in(self) -> bool:
        """True if it has an accounts server where people can sign in."""
        return self.authorize_path is not None and self.token_path is not None

    @property
    def token_check(self) -> Identity | None:
        """The call that shows if a token works; None if the app's file names none."""
        return next((call for call in self.identity if call.path is not None), None)


class Providers:
    """The apps, by name. Files in `folder` add apps, or replace shipped apps of the same name.

    Raises SettingsInvalid, which has the faults of all files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        added = () if folder is None else _in_folder(folder)
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
    return _in_folder(SHIPPED)


def _in_folder(folder: Path) -> list[Provider]:
    found: list[Provider] = []
    faults: list[str] = []
    for file in sorted(folder.glob("*.toml")):
        try:
            found.append(read_provider(file))
        except SettingsInvalid as error:
            faults += error.faults
    if faults:
        raise SettingsInvalid(*faults, help=_HELP)
    return found


def _host(url: str) -> str:
    """The host without `www.`, because accounts servers write an API's host with or without it."""
    try:
        return (urlsplit(url).hostname or url).removeprefix("www.")
    except ValueError:
        return url


def read_provider(file: Path) -> Provider:
    """The app that a file declares. Raises SettingsInvalid, which names the file and the wrong key."""
    try:
        text = file.read_text(encoding="utf-8")
        provider = _provider(text)
        _check(provider)
        if provider.name != file.stem:
            raise ValueError(f"name is {provider.name!r}, so the file has to be {provider.name}.toml")  # noqa: TRY301
    except (ValueError, OSError) as error:
        end = "" if str(error).endswith((".", "?")) else "."
        raise SettingsInvalid(f"{file}: {error}{end}", help=_HELP) from error
    return provider


def _provider(text: str) -> Provider:
    """The app in a file's text. Raises ValueError, whose message is for the author of the file."""
    try:
        return msgspec.convert(tomllib.loads(text), Provider)
    except msgspec.ValidationError as error:
        unknown = re.match(r"Object contains unknown field `(.*?)`", str(error))
        if unknown is None:
            raise ValueError(in_words(str(error), text)) from error
        lines = [number for number, line in enumerate(text.splitlines(), 1) if unknown[1] in line]
        where = f"line {lines[0]}: " if lines else ""
        structs = (Provider, DataCentre, Instance, Identity)
        keys = {field.name for struct in structs for field in msgspec.structs.fields(struct)}
        raise ValueError(f"{where}there is no key {unknown[1]!r}.{did_you_mean(unknown[1], keys)}") from error


def _check(provider: Provider) -> None:
    if not _NAME.fullmatch(provider.name) or provider.name in RESERVED:
        raise ValueError(
            f"name can't be {provider.name!r}; use a-z, 0-9 and -, and not the name of one of the gateway's own paths"
        )
    if not re.fullmatch(r"[ -z|~]*\{access_token\}[ -z|~]*", provider.authorization):
        raise ValueError(
            "authorization has to be one line of ASCII with {access_token} and without other braces"
        )
    if provider.client is not None and not _NAME.fullmatch(provider.client):
        raise ValueError(f"client can't be {provider.client!r}; use a-z, 0-9 and -")
    if not provider.data_centres:
        raise ValueError("data_centres has to name at least one data centre")
    for key, centre in provider.data_centres.items():
        _check_centre(key, centre)
    for key in ("authorize_path", "token_path", "revoke_path"):
        path = getattr(provider, key)
        if path is not None and not _PATH.fullmatch(path):
            raise ValueError(f"{key} has to be a path such as /oauth/v2/auth, not {path!r}")
    _check_sign_in(provider)
    for identity in provider.identity:
        _check_identity(identity)
    _check_operations(provider)
    if provider.instance is not None and not _HOST_SUFFIX.fullmatch(provider.instance.suffix):
        raise ValueError(
            f"instance.suffix has to be the end of a host such as .example.com, not {provider.instance.suffix!r}"
        )


def _check_operations(provider: Provider) -> None:
    for operation in provider.operations:
        if not _OPERATION.fullmatch(operation):
            raise ValueError(
                f"operations can't have {operation!r}; write a method and a path, such as POST /v1/{{list}}/search"
            )


def _check_centre(name: str, centre: DataCentre) -> None:
    if not _NAME.fullmatch(name) or name == REHEARSAL:
        raise ValueError(
            f"data_centres.{name}: use a-z, 0-9 and - in the name, which must not be {REHEARSAL}"
        )
    for key in ("api", "accounts", "tokens", "sandbox", "developer"):
        url = getattr(centre, key)
        if url is not None:
            _check_url(f"data_centres.{name}.{key}", url)


def _check_sign_in(provider: Provider) -> None:
    unknown = sorted(set(provider.unticked) - provider.scopes.keys())
    if unknown:
        raise ValueError(f"unticked contains {unknown[0]!r}, which is not one of the scopes")
    if (provider.authorize_path is None) != (provider.token_path is None):
        raise ValueError("authorize_path and token_path belong together: write both or neither")
    if provider.method == "API_KEY" and provider.signs_in:
        raise ValueError("authorize_path and token_path are not allowed if the method is API_KEY")
    if provider.signs_in:
        for name, centre in provider.data_centres.items():
            if centre.accounts is None:
                raise ValueError(f"data_centres.{name}.accounts is missing: people sign in there")


def _check_identity(identity: Identity) -> None:
    path = identity.path
    if path is not None and not re.fullmatch(rf"{_PATH.pattern}(\?[^\s#]*)?", path):
        raise ValueError(f"identity.path has to be a path such as /users/me, not {path!r}")
    for name, fact_path in identity.facts.items():
        if not _JSON_PATH.fullmatch(fact_path):
            raise ValueError(
                f"identity.facts.{name} has to be a path such as users.0.email, not {fact_path!r}"
            )
    for name, value in identity.headers.items():
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not _VISIBLE.fullmatch(value):
            raise ValueError(f"identity.headers.{name} is not a valid header")


def _check_url(key: str, url: str) -> None:
    if not is_base_url(url):
        raise ValueError(f"{key} has to be a base URL such as https://api.example.com, not {url!r}")


def is_base_url(url: str) -> bool:
    """True if the text is a URL to which native paths can be appended. Its path goes into requests unchanged."""
    match = _BASE_URL.fullmatch(url)
    try:
        parts = urlsplit(url)
        return match is not None and bool(parts.hostname) and parts.port != 0 and ".." not in parts.path
    except ValueError:  # The port is over 65535, or the brackets contain no IPv6 address.
        return False
