"""What can go wrong between the gateway and an upstream."""

from moorage.errors import MoorageError


class UpstreamError(MoorageError):
    """`sent` tells whether the request may have reached the upstream, and so may have taken effect."""

    def __init__(self, message: str, *, sent: bool, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message, help=help)
        self.sent = sent


class UpstreamUnreachable(UpstreamError):
    """No connection, or one that ended before there was an answer."""

    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    """The upstream took longer than it may."""

    code = "upstream_timeout"


class UpstreamInvalid(UpstreamError):
    """What the upstream sent is no HTTP answer."""

    code = "upstream_invalid"
