"""What a word is: the same for a text that is indexed and for a text that is searched for, in every storage.

A word is a run of letters and digits. Its case does not count, nor how its letters are composed, nor accents of Latin
letters: `É` is `e`. Accents of other letters count: `й` is not `и`. Limits count words, because each one makes the
storage load a list of records, also one that was given before.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from moorage.crm.query.search_criteria import invalid_query

WORD_SEARCH_WORDS = 20  # Of the parameter `word`, where each may begin many words.
CRITERIA_WORDS = 500  # Of all conditions together: a hundred values of `in` with five words each.


# The accents that part no word where they could not be composed with the letter before.
_ACCENTS = frozenset(
    "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u030f\u0311"
    "\u031b\u0323\u0324\u0325\u0326\u0327\u0328\u032d\u032e\u0330\u0331"
)
# Small letters with a second form: the long s, the final sigma, Greek letters as symbols, old Cyrillic ones.
_SECOND_FORMS = (
    0xB5,
    0x17F,
    0x3C2,
    0x3D0,
    0x3D1,
    0x3D5,
    0x3D6,
    0x3F0,
    0x3F1,
    0x3F5,
    0x1E9B,
    *range(0x1C80, 0x1C89),
)
_USUAL_FORMS = {code: chr(code).casefold() for code in _SECOND_FORMS}
_MOST_KNOWN = 10_000  # Characters that are remembered: callers may send any.
_NO_LETTER = re.compile(r"[^\w\x00-\x7f]")


def has_words(text: str) -> bool:
    return any(map(is_word_character, text))


def plain_text(text: str) -> str:
    """The text as a storage splits it into words: in lower case, its letters composed, a space for any other sign.

    Storages do the rest alike: they split it at spaces and signs of ASCII, and take accents from Latin letters.
    """
    if text.isascii():
        return text.lower()
    composed = unicodedata.normalize("NFC", text.lower().translate(_USUAL_FORMS))
    return _NO_LETTER.sub(_accent_or_space, composed)


def _accent_or_space(match: re.Match[str]) -> str:
    character = match[0]
    return character if character in _ACCENTS or is_word_character(character) else " "


def words_of(text: str) -> list[str]:
    """The words of a text, without case, and without the accents of Latin letters."""
    return plain_text(text).translate(_LETTERS).split()


class _Letters(dict[int, int | None]):
    """By code: a letter or digit as it counts, None for an accent, a space for every other sign."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        letter: int | None = ord(" ")
        if character in _ACCENTS:
            letter = None
        elif is_word_character(character):
            letter = ord(_without_accents(character))
        if len(self) < _MOST_KNOWN:
            self[code] = letter
        return letter


_LETTERS = _Letters()


def _without_accents(character: str) -> str:
    """The letter itself, if it is not Latin."""
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character


def count_words(text: str) -> int:
    return len(words_of(text))


def is_word_character(character: str) -> bool:
    """Whether it is a letter or a digit. What this Python's Unicode does not know yet may be one."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category in {"Co", "Cn"}


def distinct(words: Iterable[str]) -> list[str]:
    """The words, except those that are the beginning of another: text that has the longer word has the shorter, too."""
    known = {word.lower(): word for word in words}
    in_order = sorted(known)
    # In this order, all words that begin with a word come right after it.
    implied = {word for word, following in pairwise(in_order) if following.startswith(word)}
    return [word for lowered, word in known.items() if lowered not in implied]


def require_few(count: int, limit: int) -> None:
    """Raise Fault INVALID_QUERY, which names the limit, for more words than that."""
    if count > limit:
        raise invalid_query(f"a search can have at most {limit} different words", limit=limit)
