"""The rules for a password that a person chooses."""

import unicodedata

from moorage.people.errors import PersonInvalid
from moorage.web.passwords import LONGEST_PASSWORD

SHORTEST_PASSWORD = 12
_FEWEST_CHARACTERS = 5  # Different ones, so that a password is not one key held down.


def read_password(text: str, repeated: str) -> str:
    """The password as it is hashed. Raises PersonInvalid, which never quotes it."""
    if text != repeated:
        raise PersonInvalid("The two passwords differ.", help="Type the same password twice.")
    password = normal(text)
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or len(set(password)) < _FEWEST_CHARACTERS:
        raise PersonInvalid(
            "The password can't be used.",
            help=f"Use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, {_FEWEST_CHARACTERS} of them different."
            " Some words that only you would put together are good.",
        )
    return password


def normal(password: str) -> str:
    """The password in one form of Unicode, as keyboards differ in how they write one letter."""
    return unicodedata.normalize("NFKC", password[: 4 * LONGEST_PASSWORD])
