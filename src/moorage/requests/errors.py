"""The errors of the request log."""

from moorage.errors import MoorageError


class RequestUnknown(MoorageError):
    """Unknown, another account's, or no longer kept: callers can't tell which."""

    code = "request_unknown"

    def __init__(self, request_id: str) -> None:
        super().__init__(
            f"The request log has no request {request_id[:64]!r}.",
            help="GET /requests and `moorage requests` show the newest. A request appears a second after its end.",
        )


class RequestsOff(MoorageError):
    code = "requests_off"

    def __init__(self) -> None:
        super().__init__(
            "This server keeps no request log.",
            help="Set MOORAGE_REQUESTS_KEPT to more than 0, and start it again.",
        )


class TailsExhausted(MoorageError):
    """`retry_after` is in seconds."""

    code = "tails_exhausted"
    retry_after = 30

    def __init__(self, most: int, whose: str = "") -> None:
        super().__init__(
            f"{most} programs follow the request log of this process already{whose}.",
            help="End one of them, or try later.",
        )
