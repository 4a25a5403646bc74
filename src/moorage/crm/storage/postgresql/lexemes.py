"""The words of records as lexemes of PostgreSQL, and the searches for them.

Only `query/words.py` says what a word is: PostgreSQL's parser, dictionaries and locale have no part in it. Two kinds of
lexemes stand for the words of a field with the code `f`:

    word.f     a word, with its places
    ^f.word    the first word of the field, with its place

A word has neither signs nor spaces, so no lexeme can be taken for another. Places count on from one field to the next,
and leave one out between, so that no phrase begins in one field and ends in another.

A vector has limits: 2,046 bytes for a lexeme, 255 places for each, none above 16,383, and a megabyte for everything
[https://www.postgresql.org/docs/current/textsearch-limits.html]. The text of nearly every record fits into one vector.
A long text gets several. Each begins with the last words of the one before, so that phrases are whole in one of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.words import words_of

MOST_PLACES = 250  # Of one lexeme.
LAST_PLACE = 16_000
MOST_BYTES = 900_000
MOST_WORD_BYTES = 1_900  # Longer words are cut: they are the same if they begin with the same so many bytes.
OVERLAP = 30  # Words that two vectors of one text share.

_NUMBERS = [number.to_bytes(2, "big") for number in range(LAST_PLACE + MOST_PLACES)]
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class TextQuery(msgspec.Struct, frozen=True):
    """A search of the full text. `whole` is the tsquery for texts in one vector.

    A text in several vectors has to match each of `pieces`, in any of its vectors.
    """

    whole: str
    pieces: tuple[str, ...]


def phrase_query(field: Field, text: str, *, start: bool) -> TextQuery:
    """The query for a `Phrase`. The text has a word."""
    code, words = field_code(field.column), _words(text)
    lexemes = [f"'{word}.{code}'" for word in words]
    if start:
        lexemes[-1] = f"'{words[-1]}':*"
        lexemes[0] = f"'^{code}.{words[0]}'" + (":*" if len(words) == 1 else "")
    return TextQuery(_phrase(lexemes), tuple(_pieces(lexemes)))


def word_starts_query(phrases: Sequence[str]) -> TextQuery:
    """The query for a `WordStarts`. Each phrase has a word."""
    in_any_field = [_beginning(_words(phrase)) for phrase in phrases]
    whole = " & ".join(f"({_phrase(lexemes)})" for lexemes in in_any_field)
    return TextQuery(whole, tuple(piece for lexemes in in_any_field for piece in _pieces(lexemes)))


def vectors(module: Module, row: Mapping[str, Any]) -> list[bytes]:
    """The text of a record as a vector in PostgreSQL's binary form; several for a long text.

    `row` has columns and values.
    """
    fields = [
        (field_code(field.column), _words(row[field.column]))
        for field in module.full_text
        if row.get(field.column)
    ]
    if sum(len(words) for _, words in fields) <= MOST_PLACES:
        return [_encoded(_short(fields))]
    parts = [_Part()]
    for code, words in fields:
        _add_field(parts, code, words)
    return [_encoded(part.places) for part in parts]


def _short(fields: Sequence[tuple[str, list[str]]]) -> dict[str, bytes]:
    """The places of each lexeme, of so few words that no limit can be met."""
    places: dict[str, bytes] = {}
    place = 1
    for code, words in fields:
        if words:
            places[f"^{code}.{words[0]}"] = _NUMBERS[place]
        for word in words:
            lexeme = f"{word}.{code}"
            if lexeme in places:
                places[lexeme] += _NUMBERS[place]
            else:
                places[lexeme] = _NUMBERS[place]
            place += 1
        place += 1
    return places


def _encoded(places: Mapping[str, bytes]) -> bytes:
    """Which lexemes there are, and the places of each. PostgreSQL puts them into its own order.

    It reads this form in half the time of the text (measured on leads).
    """
    lexemes = [b"%b\0%b%b" % (name.encode(), _NUMBERS[len(at) // 2], at) for name, at in places.items()]
    return len(lexemes).to_bytes(4, "big") + b"".join(lexemes)


class _Part:
    """One of the vectors of a text."""

    def __init__(self) -> None:
        self.places: dict[str, bytes] = {}
        self._bytes = 0
        self.place = 1

    def has_room(self, lexeme: str) -> bool:
        used = len(self.places.get(lexeme, b"")) // 2
        return used < MOST_PLACES and self.place <= LAST_PLACE and self._bytes <= MOST_BYTES

    def add(self, lexeme: str) -> None:
        if lexeme not in self.places:
            self.places[lexeme] = b""
            self._bytes += len(lexeme.encode()) + 4
        self.places[lexeme] += _NUMBERS[self.place]
        self._bytes += 2


def _add_field(parts: list[_Part], code: str, words: list[str]) -> None:
    for index, word in enumerate(words):
        if not parts[-1].has_room(f"{word}.{code}"):
            parts.append(_Part())
            for earlier in range(max(0, index - OVERLAP), index):
                _add_word(parts[-1], code, words, earlier)
        _add_word(parts[-1], code, words, index)
    parts[-1].place += 1


def _add_word(part: _Part, code: str, words: list[str], index: int) -> None:
    if index == 0:
        part.add(f"^{code}.{words[0]}")
    part.add(f"{words[index]}.{code}")
    part.place += 1


def _beginning(words: list[str]) -> list[str]:
    """The lexemes of words in any field, the last of which may begin a longer word."""
    return [*(f"'{word}.':*" for word in words[:-1]), f"'{words[-1]}':*"]


def _phrase(lexemes: Sequence[str]) -> str:
    return " <-> ".join(lexemes)


def _pieces(lexemes: Sequence[str]) -> Iterator[str]:
    """A phrase in pieces that two vectors of a text share as a whole, each with the last word of the one before."""
    for begin in range(0, max(1, len(lexemes) - 1), OVERLAP):
        yield _phrase(lexemes[begin : begin + OVERLAP + 1])


def _words(text: str) -> list[str]:
    words = words_of(text)
    if len(text) > MOST_WORD_BYTES // 4:
        return [_cut(word) for word in words]
    return words


def _cut(word: str) -> str:
    return word.encode()[:MOST_WORD_BYTES].decode(errors="ignore")


@lru_cache(maxsize=10_000)
def field_code(column: str) -> str:
    """A short name for the field of a column, such as 7m for c274."""
    number, code = int(column[1:]), ""
    while number:
        number, digit = divmod(number, 36)
        code = _DIGITS[digit] + code
    return code or "0"
