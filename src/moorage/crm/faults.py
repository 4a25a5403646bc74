"""The errors of Zoho's API: `{"code", "details", "message", "status": "error"}`, alone or in an element of `data[]`.

Codes, messages and statuses are from [Z status-codes]; those of one call only are from the page of that call.
"""

from typing import Any

_API_KEY = "mk_"  # API keys of the gateway begin with this. The CRM does not import the gateway's code.
_WRONG_FORMAT = "either the request body or parameters is in wrong format"


class Fault(Exception):
    """An error in Zoho's words. `status` is the HTTP status of an answer that consists of this error.

    `hint` is our own sentence, in ASCII. It goes into a header of the answer, because Zoho's shape has no place for it.
    """

    hint: str | None = None

    def __init__(self, status: int, code: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details if details is not None else {}

    def document(self) -> dict[str, Any]:
        """The error as a JSON object, with its keys in Zoho's order."""
        return {"code": self.code, "details": self.details, "message": self.message, "status": "error"}


def authentication_failure() -> Fault:
    return Fault(401, "AUTHENTICATION_FAILURE", "Authentication failed")


def invalid_token(token: str = "") -> Fault:
    """`token` is the text that was sent as a token. If it is an API key, a hint names the port that needs it."""
    fault = Fault(401, "INVALID_TOKEN", "invalid oauth token")
    if token.startswith(_API_KEY):
        fault.hint = "this is Moorage's API key, for the port of the gateway; this port needs an OAuth token"
    return fault


def scope_mismatch() -> Fault:
    return Fault(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL")


def invalid_url() -> Fault:
    return Fault(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one")


def invalid_method() -> Fault:
    return Fault(400, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one")


def invalid_module(details: dict[str, Any]) -> Fault:
    """`details` name the place of the module's name: `resource_path_index` or `param_name`."""
    return Fault(400, "INVALID_MODULE", "the module name given seems to be invalid", details)


def api_not_supported() -> Fault:
    return Fault(400, "API_NOT_SUPPORTED", "api version is not supported", {"supported_version": 8})


def module_unsupported(details: dict[str, Any] | None = None) -> Fault:
    """For a module that exists, but does not have this operation. `details` name the place, if it isn't the path."""
    details = {"resource_path_index": 0} if details is None else details
    return Fault(400, "INVALID_MODULE", "the given module is not supported in api", details)


def invalid_id(index: int) -> Fault:
    return Fault(400, "INVALID_DATA", "the id given seems to be invalid", {"resource_path_index": index})


def related_id_invalid() -> Fault:
    """For a path that names a record which is not there, and then what belongs to it."""
    return Fault(400, "INVALID_DATA", "the related id given seems to be invalid", {"resource_path_index": 1})


def file_too_long(status: int, limit: int) -> Fault:
    """Zoho's message is the same for all limits [Z status-codes]; the details say this one, in bytes."""
    message = "please check if the file size is in the correct range"
    return Fault(status, "FILE_SIZE_MORE_THAN_ALLOWED_SIZE", message, {"size": limit})


def unparsable() -> Fault:
    return Fault(400, "UNABLE_TO_PARSE_DATA_TYPE", _WRONG_FORMAT)


def wrong_format(**details: Any) -> Fault:
    """Zoho's answer to a text that can't be an id [Z examples]."""
    return Fault(400, "INVALID_DATA", _WRONG_FORMAT, details)


def param_missing(name: str) -> Fault:
    return Fault(
        400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param_name": name}
    )


def param_invalid(name: str, **details: Any) -> Fault:
    return Fault(400, "INVALID_DATA", "invalid data", {"param_name": name, **details})


def pattern_not_matched(name: str) -> Fault:
    return Fault(
        400,
        "PATTERN_NOT_MATCHED",
        "Please check whether the input values are correct",
        {"param_name": name},
    )


def ambiguous(*names: str) -> Fault:
    # No source has the text of this message. Ours names the two parameters that can't be used together.
    return Fault(
        400,
        "AMBIGUITY_DURING_PROCESSING",
        f"cannot use {' and '.join(names)} together",
        {"ambiguity_due_to": [{"param_name": name} for name in names]},
    )


def took_too_long() -> Fault:
    # Zoho documents the code for composite requests [Z description], but neither its limit nor its message.
    message = (
        "no index backs this search or order, and there are too many records to look at all of them: search by id,"
        " email, phone, word or the start of a text, or sort by id, Created_Time or Modified_Time"
    )
    return Fault(400, "REQUEST_TIMEOUT", message)


def not_undone() -> Fault:
    # Zoho has the code for composite requests [Z description], but does not say which calls it is for.
    message = (
        "what this call does can't be rolled back, so it can't be in a composite request that may have to be"
    )
    return Fault(400, "NOT_SUPPORTED", message)


def unavailable(kind: str, reason: str) -> Fault:
    """For a call that fails because of a disk or a file. Zoho's details are empty; ours give the reason."""
    details = {"reason": kind, "message": reason}
    return Fault(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable", details)


def internal() -> Fault:
    return Fault(500, "INTERNAL_ERROR", "Internal Server Error")
