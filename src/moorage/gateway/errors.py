"""What can go wrong between the gateway and an upstream."""

import errno
import re
import socket
import ssl

from moorage.errors import MoorageError


class UpstreamError(MoorageError):
    """The upstream gave no answer that could be passed on."""


class UpstreamUnreachable(UpstreamError):
    """There was no connection, or it ended before the answer came."""

    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    """The upstream took longer than it may."""

    code = "upstream_timeout"


class UpstreamInvalid(UpstreamError):
    """The upstream sent something that is not an HTTP answer."""

    code = "upstream_invalid"


class WebSocketUnsupported(MoorageError):
    """The app takes no WebSocket calls."""

    code = "websocket_unsupported"

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app} can't be reached by WebSocket.", help="Make an ordinary HTTP call, without Upgrade."
        )


class WebSocketsExhausted(MoorageError):
    """The highest number of WebSockets is open."""

    code = "websockets_exhausted"
    retry_after = 10

    def __init__(self) -> None:
        super().__init__("The highest number of WebSockets is open already.", help="Try again later.")


def plainly(error: OSError | UnicodeError) -> str:
    """Why there is no connection, for callers: without the system's text, which may name addresses and paths."""
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
            return "for a reason that the server's log gives"


def _single_error(error: OSError | UnicodeError) -> OSError | UnicodeError:
    """The error; where several addresses failed in the same way, asyncio joins their texts: then the error of each."""
    numbers = set(re.findall(r"\[Errno (\d+)\]", str(error)))
    if isinstance(error, OSError) and error.errno is None and len(numbers) == 1:
        return OSError(int(numbers.pop()), "")
    return error
