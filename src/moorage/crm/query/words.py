"""The words of a search as the full text's tokenizer counts them: these make up what it costs, and not its letters.

FTS5 loads the list of records of each word anew, also of one that was given before.
"""

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from moorage.crm.query.search_criteria import invalid_query

WORD_TERMS = 20  # Of the parameter `word`, where each may begin many words.
CRITERIA_TERMS = 500  # Of all conditions together: a hundred values of `in` with five words each.


def has_terms(text: str) -> bool:
    return any(map(is_of_a_term, text))


def terms(text: str) -> list[str]:
    """The words of a text, without case and accents; accents over letters don't part them."""
    words: list[str] = []
    inside = False
    for character in text:
        if is_of_a_term(character):
            if inside:
                words[-1] += character
            else:
                words.append(character)
            inside = True
        elif not "\u0300" <= character <= "\u036f":
            inside = False
    return [_plain(word) for word in words]


def _plain(word: str) -> str:
    if word.isascii():
        return word.lower()
    letters = unicodedata.normalize("NFD", word.lower())
    return unicodedata.normalize("NFC", "".join(c for c in letters if unicodedata.category(c) != "Mn"))


def count_terms(text: str) -> int:
    return len(terms(text))


def is_of_a_term(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


def distinct(words: Iterable[str]) -> list[str]:
    """The words without those that begin another one: whatever begins with the longer begins with the shorter."""
    known = {word.lower(): word for word in words}
    in_order = sorted(known)
    # In this order all that begins with a word comes right after it.
    implied = {one for one, following in pairwise(in_order) if following.startswith(one)}
    return [word for lowered, word in known.items() if lowered not in implied]


def require_few(count: int, limit: int) -> None:
    """Raises Fault INVALID_QUERY naming the limit."""
    if count > limit:
        raise invalid_query(f"a search can have at most {limit} different words", limit=limit)
