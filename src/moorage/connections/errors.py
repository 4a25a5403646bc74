"""The errors of connections."""

from collections.abc import Sequence

from moorage.errors import MoorageError
from moorage.near import did_you_mean


class ConnectionUnknown(MoorageError):
    """The id is malformed, unknown, deleted or another account's: callers can't tell which."""

    code = "connection_unknown"

    def __init__(self, name: str) -> None:
        if ", " in name:  # What headers become that name different connections. No name has a comma.
            super().__init__(
                f"The call names several connections: {name[:160]}.",
                help="Send one of Maton-Connection, X-Maton-Connection and Moorage-Connection, with one name.",
            )
        else:
            super().__init__(
                f"There is no connection {name[:64]!r}.",
                help="GET /connections lists the connections you have.",
            )


class ConnectionMissing(MoorageError):
    code = "connection_missing"

    def __init__(self, app: str) -> None:
        super().__init__(
            f"There is no active connection for {app}.",
            help=f'Create one with POST /connections {{"app": "{app}"}} and open its url.',
        )


class ConnectionAppMismatch(MoorageError):
    code = "connection_app_mismatch"

    def __init__(self, connection_id: str, called: str, app: str) -> None:
        super().__init__(
            f"The connection {connection_id} is for {app}, not for {called}.",
            help=f"Name a connection of {called}, or leave the header Maton-Connection out.",
        )


class ConnectionInactive(MoorageError):
    code = "connection_inactive"

    def __init__(self, connection_id: str, status: str, *, role: str = "") -> None:
        super().__init__(
            f"The connection {connection_id}{role} is {status}, not ACTIVE.",
            help=f"GET /connections/{connection_id} shows its url: open it in a browser to connect.",
        )


class DefaultDeleted(MoorageError):
    """The connection that was chosen for calls that name none was deleted. `others` could be chosen instead."""

    code = "default_deleted"

    def __init__(self, app: str, connection_id: str, others: Sequence[str]) -> None:
        list_of_others = f" There are: {', '.join(others)}." if others else ""
        super().__init__(
            f"The default connection of {app}, {connection_id}, was deleted, and no other one was chosen.",
            help=f"Choose a connection with `moorage connection use ID` (PUT /apps/{app}/default), or name one in"
            f" the header Maton-Connection.{list_of_others}",
        )


class AliasTaken(MoorageError):
    """Another connection of the account and app has this alias. It may be out of the caller's reach."""

    code = "alias_taken"

    def __init__(self, alias: str, app: str) -> None:
        super().__init__(
            f"Another connection of {app} has the alias {alias!r}.",
            help="Choose another alias, or give that connection another one first.",
        )


class AliasAmbiguous(MoorageError):
    """Connections of several apps have this alias. `found` has their apps and ids."""

    code = "alias_ambiguous"

    def __init__(self, alias: str, found: Sequence[tuple[str, str]]) -> None:
        list_of_ids = ", ".join(f"{connection_id} ({app})" for app, connection_id in found)
        super().__init__(
            f"Connections of several apps have the alias {alias!r}.",
            help=f"Name one by its id: {list_of_ids}.",
        )


class ReturnUrlRefused(MoorageError):
    """The operator does not allow people to be sent there after they have connected."""

    code = "return_url_refused"

    def __init__(self, url: str, allowed: Sequence[str]) -> None:
        list_of_allowed = (
            f"Use an address below one of: {', '.join(allowed)}." if allowed else "None is allowed."
        )
        super().__init__(
            f"People can't be sent to {url[:128]!r} after they have connected.",
            help=f"{list_of_allowed} The operator sets MOORAGE_RETURN_URLS. The path may have A-Z a-z 0-9 . _ ~ -"
            " and no dot segments; the query must not have connection_id or status.",
        )


class AppUnsupported(MoorageError):
    code = "app_unsupported"

    def __init__(self, app: str, known: str) -> None:
        suggestion = did_you_mean(app, known.split(", "))
        super().__init__(f"There is no app {app[:64]!r}.{suggestion}", help=f"Known apps: {known}.")


class StatusUnknown(MoorageError):
    code = "status_unknown"

    def __init__(self, status: str) -> None:
        suggestion = did_you_mean(status, ("ACTIVE", "PENDING", "FAILED"))
        super().__init__(
            f"There is no status {status[:64]!r}.{suggestion}", help="Use ACTIVE, PENDING or FAILED."
        )


class SessionInvalid(MoorageError):
    """The session token is damaged or forged, or was used already."""

    code = "session_invalid"


class SessionExpired(MoorageError):
    code = "session_expired"
