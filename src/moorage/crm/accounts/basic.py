"""HTTP Basic at the token endpoint, as many OAuth clients send their secret (RFC 6749, 2.3.1)."""

import base64
from urllib.parse import unquote_plus

from moorage.crm.accounts.errors import ClientUnknown

_LONGEST = 1_000


def with_basic(authorization: str | None, given: dict[str, str]) -> dict[str, str]:
    """The parameters of a request, with the client of its Authorization header. Raises ClientUnknown.

    Id and secret are form-encoded in the header. Where the form names a client, too, both have to be the same.
    """
    scheme, _, text = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return given
    try:
        # What is beyond ASCII is no client's, so how it would be read does not matter.
        raw = base64.b64decode(text.strip()[:_LONGEST], validate=True).decode()
    except ValueError as error:
        raise ClientUnknown from error
    name, colon, secret = raw.partition(":")
    client = {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
    if not colon or any(given.get(key, value) != value for key, value in client.items()):
        raise ClientUnknown
    return given | client
