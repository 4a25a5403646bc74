"""What can go wrong between the gateway and an upstream."""

import errno
import re
import socket
import ssl

from moorage.errors import MoorageError


class UpstreamError(MoorageError):
    """The upstream gave no answer that can be passed on."""


class UpstreamUnreachable(UpstreamError):
    """No connection, or one that ended before there was an answer."""

    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    """The upstream took longer than it may."""

    code = "upstream_timeout"


class UpstreamInvalid(UpstreamError):
    """What the upstream sent is no HTTP answer."""

    code = "upstream_invalid"


class WebSocketUnsupported(MoorageError):
    """The app can't be spoken to by WebSocket."""

    code = "websocket_unsupported"

    def __init__(self, app: str) -> None:
        super().__init__(
            f"{app} can't be reached by WebSocket.", help="Make an ordinary HTTP call, without Upgrade."
        )


class WebSocketsExhausted(MoorageError):
    """As many WebSockets are open as there may be."""

    code = "websockets_exhausted"
    retry_after = 10

    def __init__(self) -> None:
        super().__init__("As many WebSockets are open here as there may be.", help="Try again later.")


def plainly(error: OSError | UnicodeError) -> str:
    """Why there is no connection, for callers: without the addresses and paths that a system's own words may name."""
    match _one(error):
        case socket.gaierror() | UnicodeError():
            return "as its name is not found"
        case ConnectionRefusedError():
            return "as it refused the connection"
        case ssl.SSLCertVerificationError():
            return "as its certificate is not trusted"
        case ssl.SSLError():
            return "as it does not speak TLS as it should"
        case ConnectionError():
            return "as it broke the connection off"
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH | errno.ENETDOWN | errno.EHOSTDOWN):
            return "as no way leads there from here"
        case _:
            return "for a reason that is in the log"


def _one(error: OSError | UnicodeError) -> OSError | UnicodeError:
    """The error itself; of several addresses that all failed alike, which come as one text, the error of each."""
    numbers = set(re.findall(r"\[Errno (\d+)\]", str(error)))
    if isinstance(error, OSError) and error.errno is None and len(numbers) == 1:
        return OSError(int(numbers.pop()), "")
    return error
