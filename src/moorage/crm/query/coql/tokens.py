"""A query split into names, numbers, texts and signs."""

import re
from typing import Literal, TypeAlias

from msgspec import Struct

from moorage.crm.faults import Fault
from moorage.crm.query.coql.faults import too_complex, unexpected_token

# Of a query. A hundred ids in each of 25 conditions are half of both.
LONGEST = 100_000  # Characters.
MOST = 10_000  # Tokens.

TokenKind: TypeAlias = Literal["word", "number", "text", "sign", "end"]

_TOKEN = re.compile(
    r"""
    \s*+
    (?: (?P<word> [A-Za-z_$][A-Za-z0-9_$]*+ (?: (?: \. | -> ) [A-Za-z_$][A-Za-z0-9_$]*+ )*+ )
    | (?P<number> [-+]? (?: [0-9]++ (?: \.[0-9]*+ )? | \.[0-9]++ ) (?: [eE][-+]?[0-9]++ )? )
    | '(?P<text> (?: [^'\\] | '' | \\['\\] | \\(?!') )*+ )'
    | (?P<sign> [=!<>]++ | [^\w\s'"\0] )
    | (?P<end> \Z )
    )
    """,
    re.VERBOSE,
)
_ESCAPED = re.compile(r"''|\\(['\\])")
_PLACE = re.compile(r"\s*(\S*)")
_KEYWORDS = frozenset(
    {
        "select", "from", "where", "group", "order", "by", "limit", "offset", "as", "asc", "desc", "and", "or", "not",
        "in", "like", "between", "is", "null",
    }
)  # fmt: skip
_LONGEST_KEYWORD = max(map(len, _KEYWORDS))


class Token(Struct, frozen=True, gc=False):
    """`text` is that of a value, without quotes. `keyword` is the keyword that it is, in small letters.

    `start` and `end` are those of the token in the query.
    """

    kind: TokenKind
    text: str
    start: int
    end: int
    keyword: str | None = None


def tokens(query: str) -> list[Token]:
    """The tokens of a query; the last one is its end. Raises the Fault for what is no token."""
    if len(query) > LONGEST:
        raise too_complex(f"a query has at most {LONGEST} characters")
    found, place, scanner = list[Token](), 0, _TOKEN.scanner(query)  # type: ignore[attr-defined] # It is there.
    while len(found) <= MOST:
        match: re.Match[str] | None = scanner.match()
        if match is None:
            raise _no_token(query, place)
        token = _token(match)
        if "\0" in token.text:
            raise _no_token(query, place)
        found.append(token)
        if token.kind == "end":
            return found
        place = token.end
    raise too_complex(f"a query has at most {MOST} names, values and signs")


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or "end"
    text, end = match[kind], match.end()
    if kind == "text":
        return Token("text", _ESCAPED.sub(_meant, text), match.start("text") - 1, end)
    keyword = None
    if kind == "word" and len(text) <= _LONGEST_KEYWORD and (small := text.lower()) in _KEYWORDS:
        keyword = small
    return Token(kind, text, end - len(text), end, keyword)  # type: ignore[arg-type] # The groups are its kinds.


def _meant(escaped: re.Match[str]) -> str:
    return escaped[1] or "'"


def _no_token(query: str, before: int) -> Fault:
    """What stands behind the last token."""
    place = _PLACE.match(query, before)
    assert place is not None
    return unexpected_token(query, place.start(1), place[1] or query[before : before + 1])
