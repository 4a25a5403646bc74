"""The word that somebody may have meant, among those that there are."""

from collections.abc import Iterable

LONGEST = 64  # Characters of a word that are looked at: to compare takes the square of them.


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is spelled most like `word`, whatever case and dashes; None if none is like it."""
    # Only who makes a mistake needs it.
    from difflib import get_close_matches  # noqa: PLC0415

    by_letters = {_letters(name): name for name in known}
    found = get_close_matches(_letters(word[:LONGEST]), by_letters, n=1, cutoff=0.65)
    return by_letters[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question that names the nearest, with a space before it, or nothing: it goes behind a sentence."""
    found = nearest(word, known)
    return "" if found is None or found == word else f" Did you mean {found}?"


def _letters(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalnum())
