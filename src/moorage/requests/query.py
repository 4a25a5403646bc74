"""The language in which calls are asked for: `status:>=400 module:Leads -key:ci since:1h "some text"`.

A query is a list of terms, and a call has to fit all of them. A term is a field, a colon and what the field may be, or
a text that the call contains. A minus before a term turns it round. `Parser` knows the form of a query, not what the
values of its fields mean; that is in `fields.py`.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from moorage.errors import MoorageError
from moorage.http.errors import quoted
from moorage.near import did_you_mean

LONGEST = 1000  # Characters of a query.
MOST_TERMS = 30
MOST_VALUES = 50  # Of one term.
TEXT = "text"  # The field of a term that is only a text.

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"([A-Za-z_]+):")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_BARE = re.compile(r'[^\s",]+')
_ESCAPED = re.compile(r'\\(["\\])')


class QueryInvalid(MoorageError):
    """A query that can't be read. The message names the place, in characters from 1."""

    code = "query_invalid"

    def __init__(self, message: str, at: int, *, help: str) -> None:  # noqa: A002
        super().__init__(f"At character {at + 1} of the query: {message}", help=help)


class Value(msgspec.Struct, frozen=True):
    """One of the texts that a field may have. In a `literal` one, which was quoted, no character has a meaning."""

    text: str
    literal: bool = False
    at: int = 0

    def __str__(self) -> str:
        escaped = self.text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"' if self.literal else self.text


class Term(msgspec.Struct, frozen=True):
    """`field` has one of `values`, or none of them if the term is `negated`."""

    field: str
    values: Sequence[Value]
    negated: bool = False
    at: int = 0

    def __str__(self) -> str:
        name = "" if self.field == TEXT else f"{self.field}:"
        return f"{'-' * self.negated}{name}{','.join(map(str, self.values))}"


def parse(text: str, fields: Sequence[str]) -> list[Term]:
    """The terms of a query. Raises QueryInvalid."""
    if len(text) > LONGEST:
        raise QueryInvalid("it is too long.", LONGEST, help=f"Use at most {LONGEST} characters.")
    terms = list(_Parser(text, fields).terms())
    if len(terms) > MOST_TERMS:
        raise QueryInvalid(
            "it has too many terms.", terms[MOST_TERMS].at, help=f"Use at most {MOST_TERMS} terms."
        )
    return terms


class _Parser:
    def __init__(self, text: str, fields: Sequence[str]) -> None:
        self._text = text
        self._fields = fields
        self._at = 0

    def terms(self) -> Iterator[Term]:
        while self._skip(_SPACE) is not None and self._at < len(self._text):
            yield self._term()

    def _term(self) -> Term:
        at = self._at
        negated = self._text[at] == "-"
        self._at += negated
        field = self._field()
        values = [self._value(field)]
        while self._text.startswith(",", self._at):
            self._at += 1
            values.append(self._value(field))
        if len(values) > MOST_VALUES:
            raise QueryInvalid("the term has too many values.", at, help=f"Use at most {MOST_VALUES}.")
        if self._at < len(self._text) and not self._text[self._at].isspace():
            raise QueryInvalid("a space is missing.", self._at, help="Put a space between two terms.")
        return Term(field, values, negated, at)

    def _field(self) -> str:
        at, match = self._at, _NAME.match(self._text, self._at)
        if match is None:
            return TEXT
        name = match[1].lower()
        if name not in self._fields:
            raise QueryInvalid(
                f"there is no field {quoted(match[1])}.{did_you_mean(name, self._fields)}",
                at,
                help=f"The fields are {', '.join(self._fields)}. Put a text with a colon in quotes.",
            )
        self._at = match.end()
        return name

    def _value(self, field: str) -> Value:
        at = self._at
        if (text := self._skip(_QUOTED)) is not None:
            return Value(_ESCAPED.sub(r"\1", text[1:-1]), literal=True, at=at)
        if self._text.startswith('"', at):
            raise QueryInvalid("the quotes do not end.", at, help='Write "…", and \\" for quotes inside.')
        if (text := self._skip(_BARE)) is not None:
            return Value(text, at=at)
        what = "a text" if field == TEXT else f"a value of {field}"
        raise QueryInvalid(f"{what} is missing.", at, help='Write it as in status:404, or as "a text".')

    def _skip(self, pattern: re.Pattern[str]) -> str | None:
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[0]
