"""A query split into names, numbers, texts and signs."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from moorage.crm.faults import Fault
from moorage.crm.query.coql.faults import too_complex, unexpected_token

# Of a query. A hundred ids in each of 25 conditions are half of both.
LONGEST = 100_000  # Characters.
MOST = 10_000  # Tokens.

TokenKind: TypeAlias = Literal["word", "number", "text", "sign", "end"]

_TOKEN = re.compile(
    r"""
      (?P<space> \s++ )
    | (?P<word> [A-Za-z_$][A-Za-z0-9_$]*+ (?: (?: \. | -> ) [A-Za-z_$][A-Za-z0-9_$]*+ )*+ )
    | (?P<number> [-+]? (?: [0-9]++ (?: \.[0-9]*+ )? | \.[0-9]++ ) (?: [eE][-+]?[0-9]++ )? )
    | '(?P<text> (?: [^'\\] | '' | \\['\\] | \\(?!') )*+ )'
    | (?P<sign> [=!<>]++ | [^\w\s'"\0] )
    """,
    re.VERBOSE,
)
_ESCAPED = re.compile(r"''|\\(['\\])")
_WHOLE_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is that of a value, without quotes. `start` and `end` are those of the token in the query."""

    kind: TokenKind
    text: str
    start: int
    end: int


def tokens(query: str) -> list[Token]:
    """The tokens of a query; the last one is its end. Raises the Fault for what is no token."""
    if len(query) > LONGEST:
        raise too_complex(f"a query has at most {LONGEST} characters")
    found, place = list[Token](), 0
    while place < len(query):
        match = _TOKEN.match(query, place)
        if match is None:
            raise _no_token(query, place)
        kind, place = match.lastgroup or "space", match.end()
        if kind != "space":
            text = match[kind] if kind != "text" else _ESCAPED.sub(_meant, match["text"])
            if "\0" in text:
                raise _no_token(query, match.start())
            if len(found) == MOST:
                raise too_complex(f"a query has at most {MOST} names, values and signs")
            found.append(Token(kind, text, match.start(), place))  # type: ignore[arg-type] # The groups are its kinds.
    found.append(Token("end", "", place, place))
    return found


def _meant(escaped: re.Match[str]) -> str:
    return escaped[1] or "'"


def _no_token(query: str, place: int) -> Fault:
    word = _WHOLE_WORD.match(query, place)
    return unexpected_token(query, place, word[0] if word is not None else query[place])
