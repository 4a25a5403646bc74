"""What can go wrong in a call, by name."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moorage.client.response import Response


class ClientError(Exception):
    """Any failure of this client."""


class Misconfigured(ClientError):
    """The client can't make the call at all: no API key, or an address that isn't one."""


class Unreachable(ClientError):
    """No answer arrived: nothing listens there, the connection broke, or the time was up.

    `sent` is False when the request certainly never left this machine, so that it is safe to send again.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class ApiError(ClientError):
    """The answer has a status of 400 or above.

    `code` and `message` are read from Moorage's own shape or from Zoho's, whichever the body has; both are
    None if it has neither. `detail` is whatever the error says beyond them. `response` is the whole response.
    """

    def __init__(
        self,
        status: int,
        *,
        code: str | None,
        message: str | None,
        detail: Any,
        request_id: str | None,
        response: "Response",
    ) -> None:
        super().__init__(f"{status} {code}: {message}" if code else f"{status} {message or response.reason}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.request_id = request_id
        self.response = response
