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
