"""What can go wrong between the gateway and an upstream."""

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
