"""An app, as its file declares it."""

from typing import Literal, TypeAlias

import msgspec

ApiEnvironment: TypeAlias = Literal["production", "sandbox", "developer"]
ENVIRONMENTS: tuple[ApiEnvironment, ...] = ("production", "sandbox", "developer")

REHEARSAL = "rehearsal"  # The data centre of a connection to another Moorage that plays the app.


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
