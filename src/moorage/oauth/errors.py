"""What can go wrong between a connection and its tokens."""

from moorage.errors import MoorageError


class ConnectRefused(MoorageError):
    """The page that connects can't be used from where it was asked for."""

    code = "connect_refused"


class ReconnectNeeded(MoorageError):
    """The outside account no longer accepts what the connection holds."""

    code = "reconnect_needed"

    def __init__(self, connection_id: str, reason: str) -> None:
        super().__init__(
            f"The connection {connection_id} has to be connected anew: {reason}.",
            help=f"Open the url that GET /connections/{connection_id} gives.",
        )


class AccountsUnreachable(MoorageError):
    """The accounts server could not be asked for a token, and the old one is spent. `retry_after` is in seconds."""

    code = "upstream_unreachable"

    def __init__(self, connection_id: str, retry_after: float) -> None:
        super().__init__(
            f"No token could be had for the connection {connection_id}.", help="Try again in a moment."
        )
        self.retry_after = retry_after


class RefreshLimited(MoorageError):
    """So many tokens were made of one refresh token that its accounts server would soon refuse it."""

    code = "refresh_limited"

    def __init__(self, connection_id: str, retry_after: float) -> None:
        super().__init__(
            f"The connection {connection_id} has had as many new tokens as its app allows for now.",
            help="Wait as long as Retry-After says. If the app refuses good tokens, find out why it does.",
        )
        self.retry_after = retry_after


class RefreshRefused(Exception):
    """For good: trying again can't help. `reason` is the accounts server's own code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RefreshFailed(Exception):
    """For now: the accounts server could not be reached, or was too busy.

    `may_have_minted` is set when it may have made a token all the same, which nobody got to see.
    """

    def __init__(self, message: str, *, may_have_minted: bool = False) -> None:
        super().__init__(message)
        self.may_have_minted = may_have_minted
