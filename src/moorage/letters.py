"""Lower case for what tells people apart."""

from string import ascii_lowercase, ascii_uppercase

_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def lowered(text: str) -> str:
    """The text with the letters of ASCII in lower case. Others stay: the Kelvin sign would be another person's k."""
    return text.translate(_LOWER)
