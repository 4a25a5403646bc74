"""What the accounts server keeps, as plain values."""

from dataclasses import dataclass, field

from moorage.crm.centres import HOME


@dataclass(frozen=True, slots=True)
class Grant:
    """What a refresh token stands for, and so the access tokens made from it."""

    client: str
    organisation: int
    user: int
    scopes: str


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token stands for. `expires_at` is in seconds since the epoch, `centre` the data centre."""

    grant: Grant
    expires_at: float
    centre: str


@dataclass(frozen=True, slots=True)
class Client:
    """`user` is whom it acts as when nobody signs in. Clients that Moorage keeps for itself aren't `registered`."""

    client_id: str
    organisation: int
    user: int
    name: str
    registered: bool = False
    self_client: bool = False
    redirect_uris: tuple[str, ...] = ()
    created_at: float = 0.0  # Seconds since the epoch; 0 for the clients of Moorage itself.
    centre: str = HOME  # The data centre of its organisation.


@dataclass(frozen=True, slots=True)
class Code:
    """What a grant code stands for. A self client's has no `redirect_uri`; `challenge` is PKCE's, by S256."""

    grant: Grant
    expires_at: float
    redirect_uri: str | None = None
    challenge: str | None = field(default=None, repr=False)
    offline: bool = True  # Whether a refresh token comes with the access token.
    nonce: str | None = field(default=None, repr=False)  # What the client wants to read in the ID token.


@dataclass(frozen=True, slots=True)
class User:
    """A user who may sign in."""

    id: int
    name: str
    email: str
