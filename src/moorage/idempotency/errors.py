"""The errors of Idempotency-Key."""

from moorage.errors import MoorageError


class IdempotencyKeyInvalid(MoorageError):
    code = "idempotency_key_invalid"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"The Idempotency-Key has to be 1 to {most} visible characters of ASCII.",
            help="Use a random text, such as a UUID, that is new for each call and the same for each try of it.",
        )


class IdempotencyKeyReused(MoorageError):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "This API key has used this Idempotency-Key for another request within the last 24 hours.",
            help="Use a new one for a new request. Only a repeat of the same request may have the same one.",
        )


class IdempotencyKeyBusy(MoorageError):
    """The first request with this Idempotency-Key has no answer yet. `retry_after` is in seconds."""

    code = "idempotency_key_busy"
    retry_after = 2

    def __init__(self) -> None:
        super().__init__(
            "The first request with this Idempotency-Key has not been answered yet.",
            help="Try again. If this stays so for a minute, the server has ended in between, and the request may have"
            " been done: look before you send it with a new Idempotency-Key.",
        )
