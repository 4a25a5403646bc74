"""Suggests the word that somebody may have meant."""

from collections.abc import Iterable

LONGEST = 64  # Characters of a word that are compared: the time grows with the square of their number.


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The word of `known` that is spelled most like `word`, whatever its case and dashes; None if none is like it."""
    # Only mistakes need this module.
    from difflib import get_close_matches  # noqa: PLC0415

    by_letters = {_letters(name): name for name in known}
    matches = get_close_matches(_letters(word[:LONGEST]), by_letters, n=1, cutoff=0.65)
    return by_letters[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean …?` with the nearest word, to follow a sentence; empty if no word is near."""
    suggestion = nearest(word, known)
    return "" if suggestion is None or suggestion == word else f" Did you mean {suggestion}?"


def _letters(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalnum())
