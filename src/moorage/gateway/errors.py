"""The errors of calls to an upstream."""

import errno
import re
import socket
import ssl

from moorage.errors import MoorageError


class UpstreamError(MoorageError):
    """The upstream sent no answer that the gateway could pass on."""


class UpstreamUnreachable(UpstreamError):
    """The connection to the upstream failed, or ended before the answer."""

    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    """The upstream did not answer in time."""

    code = "upstream_timeout"


class ProxyFailed(UpstreamError):
    """The proxy through which this server reaches apps gave no connection. The app itself may be well."""

    code = "proxy_failed"

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            help="Who runs this server finds its name in the log, and chooses another with MOORAGE_PROXY.",
        )


class UpstreamInvalid(UpstreamError):
    """The upstream sent something that is not an HTTP answer."""

    code = "upstream_invalid"


class WebSocketUnsupported(MoorageError):
    """The app does not support WebSockets."""

    code = "websocket_unsupported"

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app} does not support WebSockets.", help="Make an ordinary HTTP call, without Upgrade."
        )


class WebSocketsExhausted(MoorageError):
    """The highest allowed number of WebSockets is open."""

    code = "websockets_exhausted"
    retry_after = 10

    def __init__(self) -> None:
        super().__init__("The highest allowed number of WebSockets is open already.", help="Try again later.")


def public_reason_of(error: OSError | UnicodeError) -> str:
    """The reason for a failed connection, for callers. The system's own text may contain addresses and paths."""
    match _single_error(error):
        case socket.gaierror() | UnicodeError():
            return "because its name is not known"
        case ConnectionRefusedError():
            return "because it refused the connection"
        case ssl.SSLCertVerificationError():
            return "because its certificate is not trusted"
        case ssl.SSLError():
            return "because TLS failed"
        case ConnectionError():
            return "because it broke the connection off"
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH | errno.ENETDOWN | errno.EHOSTDOWN):
            return "because there is no network route to it"
        case _:
            return "for a reason that is in the server's log"


def _single_error(error: OSError | UnicodeError) -> OSError | UnicodeError:
    """The error itself, or the error that asyncio has joined from several addresses that failed in the same way."""
    numbers = set(re.findall(r"\[Errno (\d+)\]", str(error)))
    if isinstance(error, OSError) and error.errno is None and len(numbers) == 1:
        return OSError(int(numbers.pop()), "")
    return error
