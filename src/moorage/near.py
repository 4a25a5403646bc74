"""Suggests the right word for a mistyped word."""

from collections.abc import Iterable

COMPARED_CHARACTERS = 64  # Only the beginning of a word is compared, because the time grows with the square.


def nearest(word: str, vocabulary: Iterable[str]) -> str | None:
    """The word of the vocabulary that is spelled most like `word`, or None if no word is similar.

    Case and dashes do not count.
    """
    # Loaded here, because only mistakes need it.
    from difflib import get_close_matches  # noqa: PLC0415

    by_letters = {_letters(name): name for name in vocabulary}
    matches = get_close_matches(_letters(word[:COMPARED_CHARACTERS]), by_letters, n=1, cutoff=0.65)
    return by_letters[matches[0]] if matches else None


def did_you_mean(word: str, vocabulary: Iterable[str]) -> str:
    """` Did you mean …?` with the nearest word, to stand behind a sentence. Empty if no word is similar."""
    suggestion = nearest(word, vocabulary)
    return "" if suggestion is None or suggestion == word else f" Did you mean {suggestion}?"


def _letters(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalnum())
