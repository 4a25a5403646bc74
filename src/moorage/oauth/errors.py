"""The errors of connecting, of tokens and of OAuth clients."""

from moorage.errors import MoorageError, whole_seconds


class ConnectRefused(MoorageError):
    """The choice of a person on the connect page can't be connected."""

    code = "connect_refused"


class AttemptInvalid(MoorageError):
    """A person came back from an accounts server, but was not sent there by this browser, or has come back before."""

    code = "connect_invalid"


class ConnectFailed(MoorageError):
    """The accounts server's answer was not enough for a connection.

    At the URL `again` the person can try again. `back` is where the person came from.
    """

    code = "connect_failed"

    def __init__(
        self,
        message: str,
        *,
        help: str,  # noqa: A002
        again: str | None = None,
        back: str | None = None,
    ) -> None:
        super().__init__(message, help=help)
        self.again = again
        self.back = back


class ImportRefused(MoorageError):
    """The accounts server or the API does not accept the tokens that a caller has brought."""

    code = "import_refused"


class ImportUnverified(MoorageError):
    """The tokens could not be tried, because the other side did not answer as it should."""

    code = "import_unverified"

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"The tokens could not be tried: {cause.rstrip('.')}.",
            help="Nothing was kept. Try again in a moment. If the refresh token works only once, get a new one.",
        )


class OAuthClientInvalid(MoorageError):
    """The values for an OAuth client are not valid."""

    code = "oauth_client_invalid"


class OAuthClientUnknown(MoorageError):
    """There is no OAuth client with this name and data centre."""

    code = "oauth_client_unknown"

    def __init__(self, name: str, data_centre: str | None) -> None:
        where = f" in the data centre {data_centre[:64]!r}" if data_centre else ""
        super().__init__(
            f"There is no OAuth client for {name[:64]!r}{where}.",
            help="`moorage client list` shows all clients.",
        )


class ReconnectNeeded(MoorageError):
    """The app no longer accepts the tokens of the connection."""

    code = "reconnect_needed"

    def __init__(self, connection_id: str, reason: str) -> None:
        super().__init__(
            f"The connection {connection_id} has to be connected again: {reason}.",
            help=f"Open the url that GET /connections/{connection_id} shows.",
        )


class AccountsUnreachable(MoorageError):
    """The token has expired, and the accounts server gave no new one. `retry_after` is in seconds."""

    code = "upstream_unreachable"

    def __init__(self, connection_id: str, retry_after: float) -> None:
        super().__init__(
            f"The connection {connection_id} could not get a new token from its accounts server.",
            help=f"Try again in a moment. GET /connections/{connection_id}/diagnosis says what is wrong.",
        )
        self.retry_after = retry_after


class RefreshLimited(MoorageError):
    """One refresh token has made so many tokens that its accounts server would soon refuse it."""

    code = "refresh_limited"

    def __init__(self, connection_id: str, retry_after: float) -> None:
        super().__init__(
            f"The connection {connection_id} has got as many new tokens as its app allows for now.",
            help=f"Wait {whole_seconds(retry_after)} seconds, as Retry-After says. If the app refuses new tokens,"
            " find out why.",
        )
        self.retry_after = retry_after


class TokenRefused(Exception):
    """The accounts server has refused the grant, and would refuse it again. `reason` is the server's own code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TokenFailed(Exception):
    """The accounts server gave no token this time: it could not be reached, or was too busy.

    `may_have_minted` is True if it may have made a token, but its answer was lost. `reason` is the server's own code,
    if Moorage knows it. `trouble` is the error if the cause is on this machine.
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
