"""Search criteria as text, such as ((Last_Name:equals:Burns\\,B)and(City:starts_with:Par)), read into a frozen tree.

The grammar is that of [Z search-records]:

    criteria  = term { "or" term }          term = factor { "and" factor }      so `and` binds tighter than `or`
    factor    = "(" criteria ")" | "(" condition ")"
    condition = api_name ":" operator ":" value

A single condition needs no parentheses. In values ( ) , and \\ are escaped by a backslash.
"""

import re
from typing import Any, Literal, TypeAlias

import msgspec

from moorage.crm.faults import Fault

LENGTH_LIMIT = 3000
CONDITION_LIMIT = 15
VALUE_LIMIT = 100
DEPTH_LIMIT = 20

LIST_OPERATORS = frozenset({"in", "between"})  # Their values are separated by commas.

_SPACE = re.compile(r"\s*")
_KEYWORD = re.compile(r"(and|or)\b", re.IGNORECASE)
_BODY = re.compile(r"(?:[^()\\]|\\.)*", re.DOTALL)
_ESCAPED = re.compile(r"\\([(),\\])")
_ITEM = re.compile(r"(?:[^,\\]|\\.)*", re.DOTALL)


class Condition(msgspec.Struct, frozen=True):
    """`values` has one element, except for the operators that take a list."""

    field: str
    operator: str
    values: tuple[str, ...]


class Group(msgspec.Struct, frozen=True):
    """Two or more parts joined by one keyword."""

    keyword: Literal["and", "or"]
    parts: "tuple[Criteria, ...]"


Criteria: TypeAlias = Condition | Group


def parse(text: str) -> Criteria:
    """The tree of the criteria. Raises Fault INVALID_QUERY, or CRITERIA_LIMIT_EXCEEDED for more than 15 conditions."""
    if len(text) > LENGTH_LIMIT:
        raise invalid_query(f"criteria can have at most {LENGTH_LIMIT} characters")
    if not storable(text):
        raise invalid_query("criteria must be text without null characters or lone surrogates")
    reader = _Reader(text.strip())
    tree = reader.whole()
    if reader.conditions > CONDITION_LIMIT:
        message = f"no of criterium that can be given exceed the limit {CONDITION_LIMIT}"
        raise Fault(400, "CRITERIA_LIMIT_EXCEEDED", message)
    return tree


def invalid_query(reason: str, **details: Any) -> Fault:
    return Fault(400, "INVALID_QUERY", "Invalid query formed", {"reason": reason, **details})


def storable(text: str) -> bool:
    """Whether the database can hold the text and JSON can show it."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self.conditions = 0

    def whole(self) -> Criteria:
        if not self._text:
            raise invalid_query("criteria must not be empty")
        tree = self._alternatives(0) if self._text.startswith("(") else self._condition()
        if self._at < len(self._text):
            raise self._unexpected()
        return tree

    def _alternatives(self, depth: int) -> Criteria:
        parts = [self._conjunction(depth)]
        while self._skip_keyword("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else Group("or", tuple(parts))

    def _conjunction(self, depth: int) -> Criteria:
        parts = [self._factor(depth)]
        while self._skip_keyword("and"):
            parts.append(self._factor(depth))
        return parts[0] if len(parts) == 1 else Group("and", tuple(parts))

    def _factor(self, depth: int) -> Criteria:
        self._open()
        self._skip_space()
        if self._peek() != "(":
            tree: Criteria = self._condition()
        elif depth == DEPTH_LIMIT:
            raise invalid_query(f"parentheses can be nested at most {DEPTH_LIMIT} deep")
        else:
            tree = self._alternatives(depth + 1)
        self._close()
        return tree

    def _condition(self) -> Condition:
        self.conditions += 1
        body = _BODY.match(self._text, self._at)
        assert body is not None
        self._at = body.end()
        if self._peek() in {"(", "\\"}:
            raise self._unexpected()
        return _condition(body[0])

    def _skip_keyword(self, keyword: str) -> bool:
        """Whether the keyword stands here; if so, go on behind it."""
        self._skip_space()
        match = _KEYWORD.match(self._text, self._at)
        if match is None or match[0].lower() != keyword:
            return False
        self._at = match.end()
        self._skip_space()
        return True

    def _open(self) -> None:
        if self._peek() != "(":
            raise self._unexpected()
        self._at += 1

    def _close(self) -> None:
        self._skip_space()
        if self._peek() != ")":
            raise self._unexpected()
        self._at += 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_space(self) -> None:
        space = _SPACE.match(self._text, self._at)
        assert space is not None
        self._at = space.end()

    def _unexpected(self) -> Fault:
        if self._at == len(self._text):
            return invalid_query("the criteria end too early; a closing parenthesis is missing or escaped")
        where = f"at character {self._at + 1}"
        if self._peek() == "\\":
            return invalid_query(f"the backslash {where} escapes nothing; double it to mean itself")
        return invalid_query(
            f'unexpected "{self._peek()}" {where}; conditions are (api_name:operator:value) joined by and/or,'
            " and parentheses inside values are escaped by a backslash"
        )


def _condition(body: str) -> Condition:
    parts = body.split(":", 2)
    if len(parts) < 3:
        raise invalid_query("a condition must be written as (api_name:operator:value)", value=body)
    name, operator, value = parts[0].strip(), parts[1].strip(), parts[2]
    if not name or not operator:
        raise invalid_query("a condition must be written as (api_name:operator:value)", value=body)
    items = _items(value) if operator in LIST_OPERATORS else [value]
    if operator == "in" and len(items) > VALUE_LIMIT:
        message = f'Only {VALUE_LIMIT} values are allowed in "IN" criteria'
        raise Fault(400, "INVALID_QUERY", message, {"api_name": name})
    return Condition(name, operator, tuple(_ESCAPED.sub(r"\1", item) for item in items))


def _items(text: str) -> list[str]:
    """The parts of a text between commas, except commas that a backslash escapes."""
    items, start = [], 0
    while True:
        item = _ITEM.match(text, start)
        assert item is not None
        items.append(item[0])
        start = item.end() + 1
        if item.end() == len(text):
            return items
