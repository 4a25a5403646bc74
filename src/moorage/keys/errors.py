"""The errors of API keys."""

from collections.abc import Collection

from moorage.errors import MoorageError, whole_seconds
from moorage.near import did_you_mean


class KeyInvalid(MoorageError):
    """Missing, malformed, unknown, expired or revoked: callers can't tell which."""

    code = "key_invalid"
    challenge = "Bearer"

    def __init__(self) -> None:
        super().__init__(
            "A valid API key is needed.",
            help="Send it as `Authorization: Bearer <api key>`; `moorage key create` makes a key.",
        )


class KeyUnknown(MoorageError):
    """Unknown, or another account's: callers can't tell which."""

    code = "key_unknown"

    def __init__(self, key_id: str, key_ids: Collection[str] = ()) -> None:
        super().__init__(
            f"There is no API key {key_id[:64]!r}.{did_you_mean(key_id, key_ids)}",
            help="GET /keys and `moorage key list` show the ids of all keys.",
        )


class KeyInactive(MoorageError):
    """The key is expired or revoked, so it can't get a new secret."""

    code = "key_inactive"

    def __init__(self, key_id: str, state: str) -> None:
        super().__init__(f"The API key {key_id} is {state}.", help="Make a new key.")


class KeyOfGrant(MoorageError):
    """The key belongs to an OAuth grant, so nobody gets a secret of it."""

    code = "key_of_grant"

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"The API key {key_id} belongs to a grant, and has no secret that anybody may know.",
            help="The program gets new tokens by itself. To end the grant, revoke the key.",
        )


class ScopeMissing(MoorageError):
    """The key is valid, but does not allow this. `scope` is a scope that allows it, and little else."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This needs an API key with the scope {scope}.",
            help=f"Use another key, or make one: `moorage key create --scope {scope}`.",
        )


class ScopeUnknown(MoorageError):
    """`control` are the scopes of the control API."""

    code = "scope_unknown"

    def __init__(self, text: str, control: Collection[str], apps: Collection[str] | None = None) -> None:
        list_of_apps = f" Known apps: {', '.join(sorted(apps))}." if apps is not None else ""
        narrow = [f"proxy:{app}{end}" for app in apps or () for end in ("", ":read")]
        super().__init__(
            f"There is no scope {text[:80]!r}.{did_you_mean(text, [*control, 'proxy', *narrow])}",
            help=f"Use {', '.join(control)}, proxy, proxy:<app> or proxy:<connection id>. The last three may end with"
            f" :read.{list_of_apps}",
        )


class RightsExceeded(MoorageError):
    """A key can't create, rotate or revoke a key that has more rights, or that lasts longer."""

    code = "rights_exceeded"


class RateLimited(MoorageError):
    """The account has sent too many requests. `retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, retry_after: float) -> None:
        super().__init__(
            "Too many requests.",
            help=f"Wait {whole_seconds(retry_after)} seconds, as Retry-After says, then send requests more slowly.",
        )
        self.retry_after = retry_after
