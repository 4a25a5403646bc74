"""An API key, in the form of the control API."""

from typing import TypedDict

from moorage.client.policies import Policy


class KeyGrant(TypedDict):
    """The OAuth grant of a program that a key belongs to. `client` is the program's name."""

    id: str
    client: str
    client_id: str
    resource: str


class Key(TypedDict):
    """An API key without its secret. Times are RFC 3339 in UTC.

    `policy` is the one for all connections; None if their environments decide. `prefix` is the beginning of the secret;
    None if somebody else than Moorage made the secret. `grant` is set if the key belongs to a program that signed in.
    """

    id: str
    name: str
    mode: str
    prefix: str | None
    scopes: list[str]
    policy: Policy | None
    grant: KeyGrant | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None
