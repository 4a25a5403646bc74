"""Reads a query into its syntax tree. It has the grammar of [Z coql]; the case of keywords does not matter.

A condition joins two others at most, each in parentheses or a comparison: `((A and B) and C)`.
"""

from collections.abc import Callable
from typing import TypeVar

from moorage.bounded import Bounded
from moorage.crm.faults import Fault
from moorage.crm.query.coql.faults import (
    missing_clause,
    syntax,
    too_complex,
    unexpected_token,
    unparsable,
)
from moorage.crm.query.coql.syntax import (
    Call,
    Comparison,
    Condition,
    Item,
    Joined,
    Name,
    Operator,
    Ordering,
    Query,
)
from moorage.crm.query.coql.tokens import Token, tokens

T = TypeVar("T")

DEEPEST = 50  # Parentheses and subqueries within each other.
FUNCTIONS = frozenset({"COUNT", "SUM", "MIN", "MAX", "AVG"})

_CLAUSES = frozenset({"from", "where"})  # Every query has these.
_SIGNS: dict[str, Operator] = {"=": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_WORDS: dict[tuple[str, bool], Operator] = {
    ("like", False): "like",
    ("like", True): "not like",
    ("in", False): "in",
    ("in", True): "not in",
    ("between", False): "between",
    ("between", True): "not between",
}


# Programs ask the same again and again.
_parsed: Bounded[str, Query] = Bounded(500)
_LONGEST_KEPT = 2_000  # Characters.


def parse(text: str) -> Query:
    """The tree of a query. Raises the Fault SYNTAX_ERROR, and nothing else."""
    query = _parsed.get(text)
    if query is None:
        query = _Parser(text).whole()
        if len(text) <= _LONGEST_KEPT:
            _parsed[text] = query
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._place = 0
        self._token = self._tokens[0]
        self._depth = 0

    def whole(self) -> Query:
        if self._token.keyword != "select":
            raise syntax("given coql query not supported")
        query = self._query()
        if self._token.kind != "end":
            raise self._unexpected()
        return query

    def _query(self) -> Query:
        self._take("select")
        items = [self._item()]
        while self._skip(","):
            items.append(self._item())
        self._take("from")
        module = self._word()
        view = self._view() if self._skip("#") else None
        self._take("where")
        condition = self._condition()
        groups = self._groups()
        orders = self._orders()
        limit, offset = self._limits()
        return Query(tuple(items), module, view, condition, groups, orders, limit, offset)

    def _item(self) -> Item:
        value = self._value()
        if self._token.keyword != "as":
            return Item(value, None)
        self._step()
        if self._token.kind == "text" or (self._token.kind == "word" and self._token.keyword is None):
            return Item(value, self._step().text)
        raise self._unexpected()

    def _value(self) -> Name | Call:
        """A column or an aggregate."""
        following = self._tokens[min(self._place + 1, len(self._tokens) - 1)]
        if self._token.kind != "word" or following.text != "(" or following.kind != "sign":
            return self._name()
        word = self._step()
        if word.text.upper() not in FUNCTIONS:
            raise self._unexpected(word)
        self._take("(")
        column = self._name()
        end = self._take(")")
        written = self._text[word.start : end.end]
        return Call(word.text.upper(), column, "".join(written.split()))

    def _name(self) -> Name:
        if self._token.kind == "text" and self._token.text:
            return Name(self._step().text)
        return Name(self._word())

    def _word(self) -> str:
        if self._token.kind != "word" or self._token.keyword is not None:
            raise self._unexpected()
        return self._step().text

    def _view(self) -> str:
        if self._token.kind not in {"word", "number"}:
            raise self._unexpected()
        return self._step().text

    def _condition(self) -> Condition:
        """A condition, or two that are joined. A third one needs parentheses, so it is left to be unexpected."""
        first = self._part()
        if not (is_and := self._skip_keyword("and")) and not self._skip_keyword("or"):
            return first
        return Joined("and" if is_and else "or", (first, self._part()))

    def _part(self) -> Condition:
        if not self._skip("("):
            return self._comparison()
        with_parentheses = self._deeper(self._condition)
        self._take(")")
        return with_parentheses

    def _comparison(self) -> Comparison:
        column, operator = self._name(), self._operator()
        match operator:
            case "is null" | "is not null":
                return Comparison(column, operator, ())
            case "in" | "not in":
                return Comparison(column, operator, self._list())
            case "between" | "not between":
                low = self._literal()
                self._take("and")
                return Comparison(column, operator, (low, self._literal()))
        if self._is_sign("("):
            return Comparison(column, operator, self._subquery())
        return Comparison(column, operator, (self._literal(),))

    def _operator(self) -> Operator:
        token = self._token
        if token.kind == "sign" and token.text not in {"(", ")", ",", "#"}:
            self._step()
            if token.text not in _SIGNS:
                raise syntax("operator not supported", operator=token.text)
            return _SIGNS[token.text]
        if token.kind != "word":
            raise self._unexpected()
        if self._token.keyword == "is":
            self._step()
            negated = self._skip_keyword("not")
            self._take("null")
            return "is not null" if negated else "is null"
        negated = self._skip_keyword("not")
        operator = _WORDS.get((self._token.text.lower(), negated))
        if self._token.kind != "word" or (operator is None and self._token.keyword is not None):
            raise self._unexpected()
        if operator is None:
            raise syntax("operator not supported", operator=self._token.text)
        self._step()
        return operator

    def _list(self) -> tuple[str, ...] | Query:
        if not self._is_sign("("):
            raise self._unexpected()
        following = self._tokens[self._place + 1]
        if following.kind == "word" and following.text.lower() == "select":
            return self._subquery()
        self._step()
        values = [self._literal()]
        while self._skip(","):
            values.append(self._literal())
        self._take(")")
        return tuple(values)

    def _subquery(self) -> Query:
        self._take("(")
        if self._token.keyword != "select":
            raise self._unexpected()
        query = self._deeper(self._query)
        self._take(")")
        return query

    def _literal(self) -> str:
        token = self._token
        if token.kind in {"text", "number"} or (token.kind == "word" and self._token.keyword is None):
            return self._step().text
        raise self._unexpected()

    def _groups(self) -> tuple[Name, ...]:
        if not self._skip_keyword("group"):
            return ()
        self._take("by")
        groups = [self._name()]
        while self._skip(","):
            groups.append(self._name())
        return tuple(groups)

    def _orders(self) -> tuple[Ordering, ...]:
        if not self._skip_keyword("order"):
            return ()
        self._take("by")
        orders = [self._ordering()]
        while self._skip(","):
            orders.append(self._ordering())
        return tuple(orders)

    def _ordering(self) -> Ordering:
        value = self._value()
        if self._skip_keyword("desc"):
            return Ordering(value, descending=True)
        self._skip_keyword("asc")
        return Ordering(value, descending=False)

    def _limits(self) -> tuple[str | None, str | None]:
        """Limit and offset. `LIMIT 10, 20` begins behind ten records."""
        limit = offset = None
        if self._skip_keyword("limit"):
            limit = self._literal()
            if self._skip(","):
                return self._literal(), limit
        if self._skip_keyword("offset"):
            offset = self._literal()
        return limit, offset

    def _deeper(self, read: Callable[[], T]) -> T:
        self._depth += 1
        if self._depth > DEEPEST:
            raise too_complex(f"at most {DEEPEST} parentheses can stand within each other")
        result = read()
        self._depth -= 1
        return result

    def _is_sign(self, sign: str) -> bool:
        return self._token.kind == "sign" and self._token.text == sign

    def _skip(self, sign: str) -> bool:
        if not self._is_sign(sign):
            return False
        self._step()
        return True

    def _skip_keyword(self, keyword: str) -> bool:
        if self._token.keyword != keyword:
            return False
        self._step()
        return True

    def _step(self) -> Token:
        token = self._token
        if token.kind != "end":
            self._place += 1
            self._token = self._tokens[self._place]
        return token

    def _take(self, word: str) -> Token:
        """Go on behind a keyword or a sign that has to stand here."""
        if self._token.keyword == word or self._is_sign(word):
            return self._step()
        ends = self._token.kind == "end" or self._is_sign(")") or self._token.keyword is not None
        if word in _CLAUSES and ends:
            raise missing_clause(word)
        raise self._unexpected()

    def _unexpected(self, token: Token | None = None) -> Fault:
        token = token or self._token
        if token.kind == "end":
            last = self._tokens[-2]
            return unparsable(self._text[last.start : last.end])
        written = self._text[token.start : token.end]
        return (
            unparsable(written)
            if token.keyword is not None
            else unexpected_token(self._text, token.start, written)
        )
