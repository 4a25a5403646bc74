"""What can go wrong between a connection and its tokens."""

from moorage.errors import MoorageError


class ConnectRefused(MoorageError):
    """The choice on the connect page can't be connected."""

    code = "connect_refused"


class AttemptInvalid(MoorageError):
    """Who came back from an accounts server was not sent from this browser, or came back before."""

    code = "connect_invalid"


class ConnectFailed(MoorageError):
    """The accounts server did not give what a connection needs. `again` is the URL where the person can try again."""

    code = "connect_failed"

    def __init__(self, message: str, *, help: str, again: str | None = None) -> None:  # noqa: A002
        super().__init__(message, help=help)
        self.again = again


class OAuthClientInvalid(MoorageError):
    """These values can't be an OAuth client."""

    code = "oauth_client_invalid"


class OAuthClientUnknown(MoorageError):
    """The operator has registered no such OAuth client."""

    code = "oauth_client_unknown"

    def __init__(self, name: str, data_centre: str | None) -> None:
        where = f" in the data centre {data_centre[:64]!r}" if data_centre else ""
        super().__init__(
            f"There is no client for {name[:64]!r}{where}.",
            help="`moorage client list` shows all clients.",
        )


class ReconnectNeeded(MoorageError):
    """The app no longer accepts the tokens of the connection."""

    code = "reconnect_needed"

    def __init__(self, connection_id: str, reason: str) -> None:
        super().__init__(
            f"The connection {connection_id} has to be connected again: {reason}.",
            help=f"Open the url that GET /connections/{connection_id} gives.",
        )


class AccountsUnreachable(MoorageError):
    """The accounts server could not be asked for a token, and the old one has expired. `retry_after` is in seconds."""

    code = "upstream_unreachable"

    def __init__(self, connection_id: str, retry_after: float) -> None:
        super().__init__(
            f"No token could be got for the connection {connection_id}.",
            help=f"Try again in a moment. GET /connections/{connection_id}/diagnosis says what is wrong.",
        )
        self.retry_after = retry_after


class RefreshLimited(MoorageError):
    """So many tokens were made from one refresh token that its accounts server would soon refuse it."""

    code = "refresh_limited"

    def __init__(self, connection_id: str, retry_after: float) -> None:
        super().__init__(
            f"The connection {connection_id} has got as many new tokens as its app allows for now.",
            help="Wait as long as Retry-After says. If the app refuses good tokens, find out why.",
        )
        self.retry_after = retry_after


class TokenRefused(Exception):
    """The accounts server refused for good: another try can't help. `reason` is the server's own code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenFailed(Exception):
    """The accounts server gave no token for now: it could not be reached, or was too busy.

    `may_have_minted` is set if it may have made a token all the same, whose answer was lost. `reason` is the server's
    own code, if it is a known one. `trouble` is the error if the cause lies on this machine.
    """

    def __init__(
        self,
        message: str,
        *,
        may_have_minted: bool = False,
        reason: str | None = None,
        trouble: MoorageError | None = None,
    ) -> None:
        super().__init__(message)
        self.may_have_minted = may_have_minted
        self.reason = reason
        self.trouble = trouble
