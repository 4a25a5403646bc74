"""HTTP Basic at the token endpoint, as many OAuth clients send their secret (RFC 6749, 2.3.1)."""

import base64
from urllib.parse import unquote_plus

from moorage.crm.accounts.errors import ClientUnknown

_SCHEME = "basic "
_LONGEST = 1_000  # Of the header. No client's id and secret come near that.


def with_basic(authorization: str | None, given: dict[str, str]) -> dict[str, str]:
    """The parameters of a request, with the client of its Authorization header. Raises ClientUnknown.

    Id and secret are form-encoded in the header. Where the form names a client, too, both have to be the same.
    """
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        return given
    if len(authorization) > _LONGEST:
        raise ClientUnknown
    try:
        # What is beyond ASCII is no client's, so how it would be read does not matter.
        raw = base64.b64decode(authorization[len(_SCHEME) :].strip(), validate=True).decode()
    except ValueError as error:
        raise ClientUnknown from error
    name, colon, secret = raw.partition(":")
    client = {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
    if not colon or any(given.get(key, value) != value for key, value in client.items()):
        raise ClientUnknown
    return given | client
