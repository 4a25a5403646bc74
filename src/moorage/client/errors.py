"""The errors of the client."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moorage.client.response import Response


class ClientError(Exception):
    """The base of all errors of this client."""


class Misconfigured(ClientError):
    """The client can't make calls: the API key is missing or not valid, or the address is not a server's."""


class Unreachable(ClientError):
    """No response arrived: no server listens at the address, the connection broke, or the timeout passed.

    `sent` is False if the request certainly never left this machine. Then it is safe to send it again.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class ApiError(ClientError):
    """The response has a status of 400 or above.

    `code` and `message` come from a body in Moorage's error shape or in Zoho's; both are None for any other body.
    `detail` holds the further details of the error. `response` is the whole response.
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
