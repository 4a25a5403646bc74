"""An expression split into numbers, texts, names of fields, words and signs."""

import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from moorage.crm.metadata.formulas.errors import FormulaInvalid

LONGEST = 5000  # Characters of an expression, as at Zoho [Z formula-fields].

TokenKind: TypeAlias = Literal["number", "text", "field", "word", "sign", "end"]

_TOKEN = re.compile(
    r"""
      (?P<number> [0-9]+ (?:\.[0-9]*)? | \.[0-9]+ )
    | (?P<text> '[^']*' | "[^"]*" )
    | \$\{ (?P<field> [^{}]* ) \}
    | (?P<word> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<sign> \|\| | && | == | != | <= | >= | [-+*/%^()<>=,] )
    """,
    re.VERBOSE,
)
_SPACE = re.compile(r"\s*")
_UNENDED = {"'": "The text has no end.", '"': "The text has no end.", "$": "A field is written ${Name}."}


class Token(msgspec.Struct, frozen=True):
    """`text` is without quotes, and without `${` and `}`. `start` and `end` count from 0."""

    kind: TokenKind
    text: str
    start: int
    end: int

    @property
    def position(self) -> int:
        return self.start + 1


def tokens(expression: str) -> Iterator[Token]:
    """The tokens of an expression; the last one is its end. Raises FormulaInvalid."""
    if len(expression) > LONGEST:
        raise FormulaInvalid(f"An expression has at most {LONGEST} characters.", LONGEST + 1)
    place = _after_space(expression, 0)
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None:
            sign = expression[place]
            reason = _UNENDED.get(sign, f"The character {sign} means nothing in an expression.")
            raise FormulaInvalid(reason, place + 1, sign)
        yield _token(match)
        place = _after_space(expression, match.end())
    yield Token("end", "", place, place)


def _after_space(expression: str, place: int) -> int:
    match = _SPACE.match(expression, place)
    assert match is not None
    return match.end()


def _token(match: re.Match[str]) -> Token:
    groups = {kind: text for kind, text in match.groupdict().items() if text is not None}
    ((kind, text),) = groups.items()
    if kind == "text":
        text = text[1:-1]
    elif kind == "field":
        text = text.strip()
    return Token(kind, text, match.start(), match.end())  # type: ignore[arg-type] # The groups are its kinds.
