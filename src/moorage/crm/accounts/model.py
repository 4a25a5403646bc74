"""The values that the accounts server stores."""

from dataclasses import dataclass, field

import msgspec

from moorage.crm.centres import HOME


class Grant(msgspec.Struct, frozen=True):
    """What a refresh token and its access tokens stand for: a user lets a client act within some scopes."""

    client: str
    organisation: int
    user: int
    scopes: str


class Access(msgspec.Struct, frozen=True):
    """What an access token stands for. `expires_at` is in seconds since the epoch; `centre` is the data centre."""

    grant: Grant
    expires_at: float
    centre: str


class Client(msgspec.Struct, frozen=True):
    """A client acts as `user` if nobody signs in. The clients of Moorage itself are not `registered`."""

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
    """What a grant code stands for. The code of a self client has no `redirect_uri`. `challenge` is PKCE's, by S256."""

    grant: Grant
    expires_at: float
    redirect_uri: str | None = None
    challenge: str | None = field(default=None, repr=False)
    offline: bool = True  # True if the client gets a refresh token, too.
    nonce: str | None = field(default=None, repr=False)  # A text that the ID token repeats for the client.


class User(msgspec.Struct, frozen=True):
    """A user who may sign in."""

    id: int
    name: str
    email: str
