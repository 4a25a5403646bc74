"""Why a caller is turned away."""

from moorage.errors import MoorageError


class KeyInvalid(MoorageError):
    """No key, a malformed one, an unknown one or a revoked one: told apart to nobody."""

    code = "key_invalid"

    def __init__(self) -> None:
        super().__init__(
            "A valid API key is needed.",
            help="Send it as `Authorization: Bearer <api key>`; `moorage key create` makes one.",
        )


class KeyUnknown(MoorageError):
    code = "key_unknown"


class RateLimited(MoorageError):
    """`retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, retry_after: float) -> None:
        super().__init__(
            "Too many requests.", help="Wait as long as Retry-After says, then go on more slowly."
        )
        self.retry_after = retry_after
