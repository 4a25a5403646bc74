"""What can go wrong between a connection and its tokens."""

from moorage.errors import MoorageError


class ConnectRefused(MoorageError):
    """The page that connects can't be used from where it was asked for."""

    code = "connect_refused"


class ReconnectNeeded(MoorageError):
    """The outside account no longer accepts what the connection holds."""

    code = "reconnect_needed"


class AccountsUnreachable(MoorageError):
    """The accounts server could not be asked for a token, and the old one is spent."""

    code = "upstream_unreachable"


class RefreshRefused(Exception):
    """For good: trying again can't help. `reason` is the accounts server's own code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RefreshFailed(Exception):
    """For now: the accounts server could not be reached, or was too busy."""
