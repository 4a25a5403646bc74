"""Why a caller is turned away."""

from collections.abc import Collection

from moorage.errors import MoorageError
from moorage.near import did_you_mean


class KeyInvalid(MoorageError):
    """No key, a malformed one, an unknown one, an expired one or a revoked one: told apart to nobody."""

    code = "key_invalid"

    def __init__(self) -> None:
        super().__init__(
            "A valid API key is needed.",
            help="Send it as `Authorization: Bearer <api key>`; `moorage key create` makes one.",
        )


class KeyUnknown(MoorageError):
    """Unknown or somebody else's: the same answer."""

    code = "key_unknown"

    def __init__(self, key_id: str, known: Collection[str] = ()) -> None:
        super().__init__(
            f"There is no API key {key_id[:64]!r}.{did_you_mean(key_id, known)}",
            help="GET /keys and `moorage key list` show the ids of all keys.",
        )


class KeyInactive(MoorageError):
    """A key that has ended gets no new secret."""

    code = "key_inactive"

    def __init__(self, key_id: str, state: str) -> None:
        super().__init__(f"The API key {key_id} is {state}.", help="Make a new one.")


class ScopeMissing(MoorageError):
    """The key is valid, and was not made for this. `scope` would be enough, and not much more."""

    code = "scope_missing"

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"This needs an API key with the scope {scope}.",
            help=f"Use another key, or make one: `moorage key create --scope {scope}`.",
        )


class ScopeUnknown(MoorageError):
    code = "scope_unknown"

    def __init__(self, text: str, apps: Collection[str] | None = None) -> None:
        known = f" Known apps: {', '.join(sorted(apps))}." if apps is not None else ""
        control = [
            f"{what}:{end}" for what in ("connections", "keys", "organisations") for end in ("read", "write")
        ]
        plain = [*control, "proxy"]
        narrow = [f"proxy:{app}{end}" for app in apps or () for end in ("", ":read")]
        super().__init__(
            f"There is no scope {text[:80]!r}.{did_you_mean(text, [*plain, *narrow])}",
            help="Use connections:read, connections:write, keys:read, keys:write, organisations:read,"
            " organisations:write or proxy, which may be narrowed: "
            f"proxy:<app> or proxy:<connection id>, and :read at the end of each.{known}",
        )


class RightsExceeded(MoorageError):
    """A key was to be made, or to get a new secret, that may do more or for longer than the key that asks for it."""

    code = "rights_exceeded"


class RateLimited(MoorageError):
    """`retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, retry_after: float) -> None:
        super().__init__(
            "Too many requests.", help="Wait as long as Retry-After says, then go on more slowly."
        )
        self.retry_after = retry_after
