"""How an error looks on the wire: the only file that knows the status of a code."""

import math

import msgspec

from moorage.errors import MoorageError
from moorage.http.message import Response

STATUS: dict[str, int] = {
    "key_invalid": 401,
    "reconnect_needed": 401,
    "connection_missing": 400,
    "connection_app_mismatch": 400,
    "connection_inactive": 400,
    "connection_unknown": 404,
    "app_unknown": 404,
    "app_unsupported": 400,
    "status_unknown": 400,
    "parameter_invalid": 400,
    "body_invalid": 400,
    "path_invalid": 400,
    "request_invalid": 400,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "uri_too_long": 414,
    "rate_limited": 429,
    "headers_too_large": 431,
    "internal": 500,
    "upstream_unreachable": 502,
    "upstream_invalid": 502,
    "vault_locked": 503,
    "not_ready": 503,
    "upstream_timeout": 504,
    # The page that a person opens to connect.
    "session_invalid": 400,
    "session_expired": 410,
    "connect_refused": 403,
    # Errors that only the command line shows have a status too, so that every code has one.
    "settings_invalid": 500,
    "home_in_use": 500,
    "organisation_unknown": 404,
    "organisation_exists": 409,
    "organisation_invalid": 400,
    "key_unknown": 404,
}
_TYPE = {
    400: "invalid_request",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found",
    429: "rate_limit",
}


def render(error: MoorageError, request_id: str) -> Response:
    """The error as JSON, in the one shape that every known reader of this wire contract understands."""
    status = STATUS.get(error.code, 500)
    kind = _TYPE.get(status, "invalid_request" if status < 500 else "gateway_error")
    document = {
        "message": error.message,
        "error": {"type": kind, "code": error.code, "message": error.message},
        "detail": error.help or error.message,
    }
    headers = [
        (b"content-type", b"application/json"),
        (b"x-request-id", request_id.encode("latin-1")),
        (b"moorage-error-source", b"gateway"),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers.append((b"retry-after", str(max(1, math.ceil(retry_after))).encode()))
    allow = getattr(error, "allow", None)
    if allow:
        headers.append((b"allow", allow.encode("latin-1")))
    return Response(status, msgspec.json.encode(document), headers)


class NotFound(MoorageError):
    code = "not_found"


class MethodNotAllowed(MoorageError):
    """`allow` lists the methods that would be right."""

    code = "method_not_allowed"

    def __init__(self, message: str, allow: str, *, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message, help=help)
        self.allow = allow


class BodyInvalid(MoorageError):
    code = "body_invalid"


class BodyTooLarge(MoorageError):
    code = "body_too_large"


class ParameterInvalid(MoorageError):
    code = "parameter_invalid"


class Internal(MoorageError):
    """Something unexpected, which the log holds whole."""

    code = "internal"
