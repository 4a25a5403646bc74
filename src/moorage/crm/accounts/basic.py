"""HTTP Basic at the token endpoint: many OAuth clients send their secret in it (RFC 6749, 2.3.1)."""

import base64
from urllib.parse import unquote_plus

from moorage.crm.accounts.errors import ClientUnknown

_SCHEME = "basic "
_MAX_HEADER = 1_000  # Characters. The id and the secret of a client are much shorter.


def with_basic(authorization: str | None, parameters: dict[str, str]) -> dict[str, str]:
    """The parameters of a request, with the client of its Authorization header. Raises ClientUnknown.

    Id and secret are form-encoded in the header. If the form names a client, too, it must be the same client.
    """
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        return parameters
    if len(authorization) > _MAX_HEADER:
        raise ClientUnknown
    try:
        # Ids and secrets are ASCII, so the encoding of other characters does not matter.
        raw = base64.b64decode(authorization[len(_SCHEME) :].strip(), validate=True).decode()
    except ValueError as error:
        raise ClientUnknown from error
    name, colon, secret = raw.partition(":")
    client = {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}
    if not colon or any(parameters.get(key, value) != value for key, value in client.items()):
        raise ClientUnknown
    return parameters | client
