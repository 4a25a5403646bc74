"""What can go wrong between a program, a person and this authorization server."""

from typing import Any

from moorage.errors import MoorageError
from moorage.http.errors import quoted


class TokenInvalid(MoorageError):
    """Malformed, unknown, expired, ended, or of another resource: callers can't tell which."""

    code = "token_invalid"

    def __init__(self) -> None:
        super().__init__(
            "The access token is not valid here.",
            help="Get a new one: sign in again in the program that uses it.",
        )


class GrantUnknown(MoorageError):
    """Unknown, or another account's: callers can't tell which."""

    code = "grant_unknown"

    def __init__(self, grant_id: str) -> None:
        super().__init__(f"There is no grant {quoted(grant_id)}.", help="The page /grants lists all.")


class AuthorizationInvalid(MoorageError):
    """A program has sent a person to the page with a request that can't be answered. The person learns of it.

    `back` is an address of the program that tells it, too, if it is known to be the program's. Nobody is sent there
    without having chosen it: whoever registers a program could otherwise lead people from here to any place.
    """

    code = "authorization_invalid"

    def __init__(self, message: str, *, help: str, back: str | None = None) -> None:  # noqa: A002
        super().__init__(message, help=help)
        self.back = back


class NothingChosen(MoorageError):
    """The person has said yes to no connection at all, or to something that the page does not offer."""

    code = "nothing_chosen"


class Refused(Exception):
    """The program learns of it, in the form of OAuth: `error` is a code of RFC 6749, 7009, 7591 or 8707."""

    status = 400
    retry_after: int | None = None  # Seconds.

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description

    def document(self) -> dict[str, Any]:
        return {"error": self.error, "error_description": self.description}


class TooManyRegistrations(Refused):
    status = 429
    retry_after = 60

    def __init__(self) -> None:
        super().__init__("temporarily_unavailable", "Too many programs were registered. Try again later.")
