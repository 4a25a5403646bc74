"""Which names and which texts tell that a value is a secret, for all that is written down or shown."""

import re

HIDDEN = "(not shown)"
_WORDS = (
    r"secret|passw(?:or)?d|passphrase|passcode|token|cookie|authorization|credential|assertion|api[-_ .]?key"
)
_NAME = re.compile(rf"{_WORDS}|(?:access|private|secret)[-_ .]?key|\A(?:auth|pin|otp|pwd|cvv|jwt)\Z")
# API keys, and the codes and tokens of programs.
_KEY = re.compile(r"(?:mk_(?:live|test)|mo_(?:ac|at|rt))_[0-9A-Za-z]{20,}")
# Tokens of the accounts server, JSON web tokens, and what follows the word for it in an Authorization header.
_TOKEN = re.compile(
    r"\b1000\.[0-9a-f]{32}\.[0-9a-f]{32}"
    r"|\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*)?"
    r"|\b(?:Bearer|Basic|Zoho-oauthtoken) [^\s\"'&<>]{8,}",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(rf"((?:{_WORDS})[\w.-]{{0,40}}=)[^&\s\"'<>]+", re.IGNORECASE)


def names_secret(name: str) -> bool:
    """True if a member, a field or a header with this name may hold a secret."""
    return _NAME.search(name.lower()) is not None


def without_keys(text: str) -> str:
    """The text without API keys and tokens of this gateway."""
    return _KEY.sub(HIDDEN, text)


def without_secrets(text: str) -> str:
    """The text without what looks like a key or a token, and without values that follow such a name and a `=`."""
    return _ASSIGNED.sub(rf"\1{HIDDEN}", _TOKEN.sub(HIDDEN, without_keys(text)))
