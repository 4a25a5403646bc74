"""Reads an expression into a tree.

From the loosest to the tightest: `||`, `&&`, one comparison, `+ -`, `* / %`, a sign, `^`. As in mathematics, `-2^2`
is -4, and `2^3^2` is 2 to the power of 9.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

from moorage.crm.metadata.formulas.errors import FormulaInvalid
from moorage.crm.metadata.formulas.tokens import Token, tokens
from moorage.crm.metadata.formulas.tree import (
    Chain,
    FieldName,
    FunctionCall,
    Number,
    Opposite,
    Text,
    Tree,
    Truth,
)

DEEPEST = 40  # Parentheses, calls, signs and powers within each other.
MOST_DIGITS = 30  # Of a number that is written in an expression.
EQUAL = "=="
COMPARISONS = frozenset({EQUAL, "!=", "<", "<=", ">", ">="})

_RANKS: tuple[frozenset[str], ...] = (
    frozenset({"||"}),
    frozenset({"&&"}),
    COMPARISONS,
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
)
_TRUTHS = {"true": True, "false": False}


def parse(expression: str) -> Tree:
    """The tree of an expression. Raises FormulaInvalid, and nothing else."""
    return _Parser(tokens(expression)).whole()


class _Parser:
    def __init__(self, expression: Iterable[Token]) -> None:
        self._tokens = iter(expression)
        self._token = next(self._tokens)
        self._depth = 0

    def whole(self) -> Tree:
        tree = self._ranked(0)
        if self._token.kind != "end":
            raise self._unexpected("The expression could end here")
        return tree

    def _ranked(self, rank: int) -> Tree:
        if rank == len(_RANKS):
            return self._signed()
        position = self._token.position
        operands, operators = [self._ranked(rank + 1)], list[str]()
        while (operator := self._operator()) in _RANKS[rank]:
            if operators and operator in COMPARISONS:
                raise FormulaInvalid(
                    "Comparisons can't follow each other. Join them by And().", self._token.position, operator
                )
            self._step()
            operators.append(operator)
            operands.append(self._ranked(rank + 1))
        return operands[0] if not operators else Chain(tuple(operands), tuple(operators), position)

    def _operator(self) -> str:
        """The sign that stands here, and nothing if another token does. `=` is a second spelling of `==`."""
        token = self._token
        if token.kind != "sign":
            return ""
        return EQUAL if token.text == "=" else token.text

    def _signed(self) -> Tree:
        sign = self._token
        if self._operator() not in {"+", "-"}:
            return self._power()
        self._step()
        operand = self._deeper(self._signed)
        return Opposite(operand, sign.position) if sign.text == "-" else operand

    def _power(self) -> Tree:
        base = self._single()
        if self._operator() != "^":
            return base
        position = self._token.position
        self._step()
        return Chain((base, self._deeper(self._signed)), ("^",), position)

    def _single(self) -> Tree:
        token = self._token
        match token.kind:
            case "number":
                tree: Tree = _number(token)
            case "text":
                tree = Text(token.text, token.position)
            case "field":
                tree = FieldName(token.text, token.position)
            case "word":
                return self._word()
            case "sign" if token.text == "(":
                self._step()
                tree = self._deeper(lambda: self._ranked(0))
                if self._operator() != ")":
                    raise self._unexpected("A parenthesis is not closed")
            case _:
                raise self._unexpected("A value should stand here")
        self._step()
        return tree

    def _word(self) -> Tree:
        word = self._token
        self._step()
        if self._operator() == "(":
            self._step()
            return FunctionCall(word.text, self._arguments(word), word.position)
        if word.text in _TRUTHS:
            return Truth(_TRUTHS[word.text], word.position)
        raise FormulaInvalid(
            f"{word.text} is neither a field, as ${{{word.text}}}, nor a function, as {word.text}(), nor a text,"
            f" as '{word.text}'.",
            word.position,
            word.text,
        )

    def _arguments(self, function: Token) -> tuple[Tree, ...]:
        arguments = list[Tree]()
        if self._operator() != ")":
            arguments.append(self._deeper(lambda: self._ranked(0)))
            while self._operator() == ",":
                self._step()
                arguments.append(self._deeper(lambda: self._ranked(0)))
        if self._operator() != ")":
            raise self._unexpected(f"The parenthesis of {function.text}() is not closed")
        self._step()
        return tuple(arguments)

    def _deeper(self, read: Callable[[], Tree]) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            reason = f"At most {DEEPEST} parentheses, calls, signs and powers can stand within each other."
            raise FormulaInvalid(reason, self._token.position)
        tree = read()
        self._depth -= 1
        return tree

    def _step(self) -> None:
        self._token = next(self._tokens)

    def _unexpected(self, expected: str) -> FormulaInvalid:
        token = self._token
        if token.kind == "end":
            return FormulaInvalid(f"{expected}, and the expression ends.", token.position)
        return FormulaInvalid(f"{expected}, and not {token.text or 'this'}.", token.position, token.text)


def _number(token: Token) -> Number:
    if len(token.text) > MOST_DIGITS:
        reason = f"A number in an expression has at most {MOST_DIGITS} digits."
        raise FormulaInvalid(reason, token.position, token.text)
    return Number(Decimal(token.text), token.position)
