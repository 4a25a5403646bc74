"""Whatever an expression is, it is read or refused; and whatever a record holds, a formula gives a value that fits."""

import re
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.crm.metadata.formulas.errors import FormulaInvalid
from moorage.crm.metadata.formulas.functions import FUNCTIONS
from moorage.crm.metadata.formulas.moments import HALVES, UNITS
from moorage.crm.metadata.formulas.parser import parse
from moorage.crm.metadata.formulas.tree import (
    Chain,
    FieldName,
    FunctionCall,
    Number,
    Opposite,
    Text,
    Truth,
)
from tests.crm.metadata.formulas.made import LENGTHS, STORAGES, of

MANY = settings(max_examples=150, deadline=None)
PIECES = [
    *FUNCTIONS, "If", "true", "false", "(", ")", ",", "+", "-", "*", "/", "%", "^", "=", "==", "!=", "<", "<=", "&&",
    "||", "'a'", '"b"', "'", "${", "}", "${Amount}", "${No_Number}", "${Nothing}", "1", ".5", "2.", " ", "\n",
    "é", "\0",
]  # fmt: skip
RETURNED = {"number": "double", "text": "text", "boolean": "boolean", "moment": "datetime"}


def refusal(expression):
    try:
        of(expression)
    except FormulaInvalid as invalid:
        return invalid
    return None


@MANY
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=60).map("".join)))
def test_an_expression_is_a_formula_or_it_is_refused_by_a_sentence(expression):
    invalid = refusal(expression)
    if invalid is not None:
        assert invalid.reason.endswith((".", "?"))
        assert 1 <= invalid.position <= len(expression) + 1


# Trees of every kind, with the fields of `made.py`.
KINDS = {
    "real": "number", "integer": "number", "bigint": "number", "text": "text", "boolean": "boolean",
    "date": "moment", "datetime": "moment",
}  # fmt: skip


def leaves(kind):
    fields = st.sampled_from(
        [FieldName(name) for name, storage in STORAGES.items() if KINDS[storage] == kind]
    )
    constants = {
        "number": st.decimals(0, 10**20, places=3).map(lambda value: Number(abs(value))),
        "text": st.text(st.characters(exclude_characters="'"), max_size=20).map(Text),
        "boolean": st.booleans().map(Truth),
        "moment": st.just(FunctionCall("Now", ())),
    }
    return fields | constants[kind]


@st.composite
def trees(draw, kind, depth=3):
    if depth == 0:
        return draw(leaves(kind))

    def deeper(kind):
        return draw(trees(kind, draw(st.integers(0, depth - 1))))

    shapes = ["leaf", "call", "if", "chain"]
    match draw(st.sampled_from(shapes)):
        case "call":
            return _call(draw, kind, deeper)
        case "if":
            return FunctionCall("If", (deeper("boolean"), deeper(kind), deeper(kind)))
        case "chain" if kind in {"number", "boolean"}:
            return _chain(draw, kind, deeper)
    return draw(leaves(kind))


def _call(draw, kind, deeper):
    name = draw(st.sampled_from([name for name, function in FUNCTIONS.items() if function.gives == kind]))
    function = FUNCTIONS[name]
    kinds = list(function.takes[: len(function.takes) - draw(st.integers(0, function.optional))])
    if function.repeats:
        kinds += kinds[-1:] * draw(st.integers(0, 3))
    arguments = [deeper(draw(st.sampled_from(sorted(RETURNED))) if k == "any" else k) for k in kinds]
    if function.choices and isinstance(arguments[-1], Text):
        arguments[-1] = Text(draw(st.sampled_from(HALVES if function.choices == HALVES else UNITS)))
    return FunctionCall(name, tuple(arguments))


def _chain(draw, kind, deeper):
    if kind == "number" and draw(st.booleans()):
        return Opposite(deeper("number"))
    if kind == "boolean" and draw(st.booleans()):
        compared = draw(st.sampled_from(sorted(RETURNED)))
        signs = ["==", "!="] if compared in {"text", "boolean"} else ["==", "!=", "<", "<=", ">", ">="]
        return Chain((deeper(compared), deeper(compared)), (draw(st.sampled_from(signs)),))
    ranks = [["&&"], ["||"]] if kind == "boolean" else [["+", "-"], ["*", "/", "%"], ["^"]]
    rank = draw(st.sampled_from(ranks))
    count = 1 if rank == ["^"] else draw(st.integers(1, 4))
    operators = tuple(draw(st.sampled_from(rank)) for _ in range(count))
    return Chain(tuple(deeper(kind) for _ in range(count + 1)), operators)


def printed(tree):
    """An expression that says the same as the tree."""
    match tree:
        case Number(value):
            return f"{value:f}"
        case Text(value):
            return f"'{value}'"
        case Truth(value):
            return "true" if value else "false"
        case FieldName(name):
            return f"${{{name}}}"
        case Opposite(operand):
            return f"-({printed(operand)})"
        case FunctionCall(function, arguments):
            return f"{function}({', '.join(map(printed, arguments))})"
    parts = [f"({printed(operand)})" for operand in tree.operands]
    return parts[0] + "".join(f" {o} {part}" for o, part in zip(tree.operators, parts[1:], strict=True))


@MANY
@given(st.sampled_from(sorted(RETURNED)).flatmap(trees))
def test_what_a_tree_says_is_read_into_the_same_tree(tree):
    assert parse(printed(tree)) == tree


stored = {
    "real": st.floats(-(10**16), 10**16),
    "integer": st.integers(-(10**9), 10**9),
    "bigint": st.integers(-(10**18), 10**18),
    "text": st.text(min_size=1, max_size=50),
    "boolean": st.integers(0, 1),
    "date": st.dates().map(date.isoformat),
    "datetime": st.integers(-62135596800, 253402300799),
}
rows = st.fixed_dictionaries({name: st.none() | stored[storage] for name, storage in STORAGES.items()})
zones = st.sampled_from(["UTC", "America/Los_Angeles", "Pacific/Kiritimati", "Africa/Monrovia"]).map(ZoneInfo)


def fits(value, return_type):
    match return_type:
        case "boolean":
            return value in {0, 1}
        case _ if value is None:
            return True
        case "double":
            return abs(value) < 10**16 and Decimal(repr(value)) == round(Decimal(repr(value)), 9)
        case "text":
            return 1 <= len(value) <= LENGTHS["text"]
        case "date":
            return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None
    return -62135596800 <= value <= 253402300799


@MANY
@given(st.data(), rows, zones, st.booleans())
def test_a_formula_always_gives_the_same_value_that_fits(data, row, zone, empty_is_zero):
    kind = data.draw(st.sampled_from(sorted(RETURNED)))
    return_type = "date" if kind == "moment" and data.draw(st.booleans()) else RETURNED[kind]
    expression = printed(data.draw(trees(kind)))
    formula = of(expression, return_type, empty_is_zero=empty_is_zero)
    value = formula.value(row, zone, 1_770_369_056)
    assert fits(value, return_type)
    assert formula.value(row, zone, 1_770_369_056) == value
    only = {column: row[column] for column in formula.columns}
    assert formula.value(only, zone, 1_770_369_056) == value
