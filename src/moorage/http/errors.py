"""Errors at the HTTP edge: the status of each code, and the shape of an error answer."""

import json
from typing import Any, ClassVar, NamedTuple

from moorage.errors import MoorageError, whole_seconds
from moorage.http.message import Headers, Response

# Only this table knows statuses. A code that is missing here reaches callers as "internal".
STATUS: dict[str, int] = {
    "alias_ambiguous": 409,
    "alias_taken": 409,
    "app_unknown": 404,
    "app_unsupported": 400,
    "approval_answer_gone": 410,
    "approval_decided": 409,
    "approval_declined": 403,
    "approval_required": 403,
    "approval_too_large": 413,
    "approval_unknown": 404,
    "approval_waiting": 409,
    "approvals_full": 429,
    "authorization_invalid": 400,
    "body_invalid": 400,
    "body_too_large": 413,
    "budget_exhausted": 429,
    "code_refused": 403,
    "connect_failed": 400,
    "connect_invalid": 400,
    "connect_refused": 403,
    "connection_app_mismatch": 400,
    "connection_inactive": 400,
    "connection_missing": 400,
    "connection_name_required": 409,
    "connection_unknown": 404,
    "database_unusable": 503,
    "default_deleted": 409,
    "form_refused": 403,
    "grant_unknown": 404,
    "headers_too_large": 431,
    "hour_impossible": 409,
    "idempotency_key_busy": 409,
    "idempotency_key_invalid": 400,
    "idempotency_key_reused": 422,
    "import_refused": 400,
    "import_unverified": 502,
    "internal": 500,
    "issuer_failed": 502,
    "issuer_refused": 403,
    "key_inactive": 409,
    "key_invalid": 401,
    "key_of_grant": 409,
    "key_unknown": 404,
    "last_owner": 409,
    "link_invalid": 410,
    "entry_invalid": 410,
    "mcp_missing": 404,
    "method_not_allowed": 405,
    "not_found": 404,
    "not_invited": 403,
    "nothing_chosen": 400,
    "organisation_damaged": 503,
    "organisation_exists": 409,
    "organisation_invalid": 400,
    "organisation_unknown": 404,
    "origin_refused": 403,
    "parameter_invalid": 400,
    "path_invalid": 400,
    "permission_missing": 403,
    "person_exists": 409,
    "person_invalid": 400,
    "person_needed": 403,
    "person_unknown": 404,
    "policy_denied": 403,
    "policy_invalid": 400,
    "query_invalid": 400,
    "rate_limited": 429,
    "reconnect_needed": 401,
    "refresh_limited": 503,
    "request_invalid": 400,
    "request_too_slow": 408,
    "request_unknown": 404,
    "requests_off": 404,
    "return_url_refused": 400,
    "rights_exceeded": 403,
    "scope_missing": 403,
    "scope_unknown": 400,
    "seed_refused": 400,
    "server_stopping": 503,
    "session_expired": 410,
    "session_invalid": 400,
    "sign_in_refused": 403,
    "sign_in_throttled": 429,
    "snapshot_exists": 409,
    "snapshot_invalid": 400,
    "snapshot_unknown": 404,
    "snapshot_unwritable": 503,
    "status_unknown": 400,
    "step_expired": 403,
    "tails_exhausted": 503,
    "token_invalid": 401,
    "too_busy": 503,
    "upstream_invalid": 502,
    "proxy_failed": 502,
    "upstream_timeout": 504,
    "upstream_unreachable": 502,
    "uri_too_long": 414,
    "vault_locked": 503,
    "websocket_unsupported": 400,
    "websockets_exhausted": 503,
}

_TYPES = {401: "authentication", 403: "permission", 404: "not_found", 429: "rate_limit"}
_LONGEST_QUOTE = 80


class BodyInvalid(MoorageError):
    """The body of the request is not valid for this call."""

    code = "body_invalid"


class BodyTooLarge(MoorageError):
    """The body of the request is longer than this call allows."""

    code = "body_too_large"


class RequestTooSlow(MoorageError):
    """The body of the request arrives too slowly."""

    code = "request_too_slow"


class TooBusy(MoorageError):
    """There is no room for this request now. `retry_after` is in seconds."""

    code = "too_busy"
    retry_after = 5

    def __init__(self) -> None:
        super().__init__(
            "This server is receiving too many long bodies at once.",
            help="Send the request again in a moment.",
        )


class ServerStopping(MoorageError):
    """The server still answers calls, but will stop soon."""

    code = "server_stopping"

    def __init__(self) -> None:
        super().__init__("This server is about to stop.", help="Send calls to another one.")


class HeadersTooLarge(MoorageError):
    """The head of the request is longer than the limit."""

    code = "headers_too_large"


class UriTooLong(MoorageError):
    """The target of the request is longer than the limit."""

    code = "uri_too_long"


class RequestInvalid(MoorageError):
    """The bytes that arrived are not a valid HTTP request."""

    code = "request_invalid"


class PathInvalid(MoorageError):
    """The path of the request is not valid."""

    code = "path_invalid"


class ParameterInvalid(MoorageError):
    """A query parameter has a value that is not valid."""

    code = "parameter_invalid"


class NotFound(MoorageError):
    """Nothing is at this path."""

    code = "not_found"


class AppUnknown(MoorageError):
    """The path does not begin with the name of an app."""

    code = "app_unknown"


class MethodNotAllowed(MoorageError):
    """The path exists, but not with this method. `allow` lists its methods, in the form of the Allow header."""

    code: ClassVar[str] = "method_not_allowed"

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message, help=f"Use {allow}.")
        self.allow = allow


def internal(cause: BaseException | None = None) -> MoorageError:
    """The error that a caller sees after an unexpected failure. `cause` is only for the log."""
    error = MoorageError(
        "Something failed inside Moorage.",
        help="Try again. If it fails again, give the operator of this server the X-Request-Id of this answer.",
    )
    error.__cause__ = cause
    return error


def render(error: MoorageError, request_id: str) -> Response:
    """The answer that reports an error to a caller. All errors have this JSON shape."""
    if error.code not in STATUS:
        error = internal()
    status = STATUS[error.code]
    document = {
        "message": error.message,
        "error": {"type": _type(status), "code": error.code, "message": error.message, **error.more},
        "detail": error.help or error.message,
    }
    # `json.dumps` escapes all other characters than ASCII. So a message may quote any text of a caller.
    return Response(status, json.dumps(document).encode("ascii"), _headers(error, request_id))


class OwnError(NamedTuple):
    """An error of ours in an answer. `help` is empty if there is none."""

    code: str
    message: str
    help: str


def own_error(document: Any) -> OwnError | None:
    """What `render` has written into an answer; None for another document, such as an error of an app."""
    own = document.get("error") if isinstance(document, dict) else None
    if not isinstance(own, dict):
        return None
    message, detail = str(own.get("message")), str(document.get("detail") or "")
    return OwnError(str(own.get("code")), message, "" if detail == message else detail)


def quoted(text: str) -> str:
    """A text of a caller, for use in a message: in quotes, shortened, without control characters."""
    if len(text) > _LONGEST_QUOTE:
        text = text[:_LONGEST_QUOTE] + "…"
    return repr(text)


def _type(status: int) -> str:
    if status in _TYPES:
        return _TYPES[status]
    if status < 500:
        return "invalid_request"
    return "internal" if status == 500 else "unavailable"


def _headers(error: MoorageError, request_id: str) -> Headers:
    headers = [
        (b"content-type", b"application/json"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode("latin-1")),
        (b"moorage-error-source", b"gateway"),
    ]
    if STATUS[error.code] == 401 and error.challenge is not None:
        headers.append((b"www-authenticate", error.challenge.encode("latin-1")))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allow.encode("latin-1")))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % whole_seconds(retry_after)))
    return headers
