"""The functions of formulas [Z formula-fields]: what each takes and gives, and how it is worked out.

A text that is empty is '', never None. A number or a moment that is missing is None: a function that gets one gives
nothing, unless it `takes_empty` or `skips_empty` ones.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import msgspec

from moorage.crm.metadata.formulas import arithmetic, moments
from moorage.crm.metadata.formulas.run import Run

Kind: TypeAlias = Literal["number", "text", "boolean", "moment"]

_NOTHING: dict[Kind, Any] = {"text": "", "boolean": False}


class Function(msgspec.Struct, frozen=True):
    """`takes` are the kinds of the arguments; the last `optional` ones may be left out, and with `repeats` the last one
    may come again and again. `choices` are the words that a text argument, by its place, can be.

    `work` gets the values of the arguments, and before them the run if it `needs_run`.
    """

    takes: tuple[Kind | Literal["any"], ...]
    gives: Kind
    work: Callable[..., Any]
    optional: int = 0
    repeats: bool = False
    choices: tuple[str, ...] = ()
    needs_run: bool = False
    takes_empty: bool = False
    skips_empty: bool = False

    @property
    def counts(self) -> tuple[int, int | None]:
        """The least and the most arguments; None for any number."""
        return len(self.takes) - self.optional, None if self.repeats else len(self.takes)

    @property
    def nothing(self) -> Any:
        """What it gives where it can't give anything."""
        return _NOTHING.get(self.gives)


def _natural_logarithm(run: Run, number: Decimal) -> Decimal | None:
    run.spend_on_power()
    return arithmetic.natural_logarithm(number)


def _decimal_logarithm(run: Run, number: Decimal) -> Decimal | None:
    run.spend_on_power()
    return arithmetic.decimal_logarithm(number)


def _found(text: str, wanted: str, number: Decimal) -> Decimal:
    """The place, from 1, of the number-th occurrence; 0 if there are fewer."""
    place, begin = -1, 0
    for _ in range(arithmetic.whole(number, len(text)) or 0 if wanted else 0):
        place = text.find(wanted, begin)
        if place < 0:
            break
        begin = place + len(wanted)
    return Decimal(place + 1)


def _part_of_text(text: str, first: Decimal, last: Decimal) -> str:
    """From the first to the last place, both counted from 1 and both included."""
    begin, end = (max(0, min(len(text) + 1, int(place))) for place in (first, last))
    return text[max(0, begin - 1) : end]


def _replaced(run: Run, text: str, wanted: str, new: str) -> str:
    if not wanted:
        return text
    count = text.count(wanted)
    run.spend(len(text) + count * (len(new) - len(wanted)))
    return text.replace(wanted, new)


def _written(run: Run, value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return arithmetic.written(value)
        case str():
            return value
    return moments.written(run.zone, value)


def _moved(run: Run, moment: moments.Moment, number: Decimal, unit: str) -> moments.Moment | None:
    return moments.moved(run.zone, moment, number, unit.upper())


def _moved_back(run: Run, moment: moments.Moment, number: Decimal, unit: str) -> moments.Moment | None:
    return moments.moved(run.zone, moment, arithmetic.opposite(number), unit.upper())


def _new_moment(run: Run, *numbers_and_half: Any) -> moments.Moment | None:
    *numbers, half = numbers_and_half
    return moments.new_moment(run.zone, *numbers, half=half.upper())


def _part(name: str) -> Function:
    return Function(
        ("moment",), "number", lambda run, moment: moments.part(run.zone, moment, name), needs_run=True
    )


_MOVES: tuple[Kind, ...] = ("moment", "number", "text")

FUNCTIONS = {
    # Numbers
    "Abs": Function(("number",), "number", arithmetic.absolute),
    "Ceil": Function(("number",), "number", arithmetic.ceiling),
    "Floor": Function(("number",), "number", arithmetic.floor),
    "Naturallog": Function(("number",), "number", _natural_logarithm, needs_run=True),
    "Base10log": Function(("number",), "number", _decimal_logarithm, needs_run=True),
    "Max": Function(("number",), "number", lambda *numbers: max(numbers), repeats=True, skips_empty=True),
    "Min": Function(("number",), "number", lambda *numbers: min(numbers), repeats=True, skips_empty=True),
    "Sqrt": Function(("number",), "number", arithmetic.square_root),
    "Round": Function(("number", "number"), "number", arithmetic.rounded, optional=1),
    "IsPositive": Function(("number",), "boolean", lambda number: number > 0),
    "IsNegative": Function(("number",), "boolean", lambda number: number < 0),
    "FromTimestamp": Function(("number",), "moment", moments.from_timestamp),
    # Texts
    "Len": Function(("text",), "number", lambda text: Decimal(len(text))),
    "Find": Function(("text", "text", "number"), "number", _found),
    "Concat": Function(("text",), "text", lambda *texts: "".join(texts), repeats=True),
    "Contains": Function(("text", "text"), "boolean", lambda text, wanted: wanted in text),
    "Startswith": Function(("text", "text"), "boolean", str.startswith),
    "Endswith": Function(("text", "text"), "boolean", str.endswith),
    "Lower": Function(("text",), "text", str.lower),
    "Upper": Function(("text",), "text", str.upper),
    "Trim": Function(("text",), "text", str.strip),
    "Substring": Function(("text", "number", "number"), "text", _part_of_text),
    "Replace": Function(("text", "text", "text"), "text", _replaced, needs_run=True),
    "Tostring": Function(("any",), "text", _written, needs_run=True, takes_empty=True),
    # Dates and times
    "Newdate": Function(
        ("number", "number", "number", "number", "number", "text"), "moment", _new_moment,
        choices=moments.HALVES, needs_run=True,
    ),
    "Datepart": Function(
        ("moment",), "moment", lambda run, moment: moments.day(run.zone, moment), needs_run=True
    ),
    "Timepart": Function(
        ("moment",), "text", lambda run, moment: moments.clock_time(run.zone, moment), needs_run=True
    ),
    "Adddate": Function(_MOVES, "moment", _moved, choices=moments.UNITS, needs_run=True),
    "Subdate": Function(_MOVES, "moment", _moved_back, choices=moments.UNITS, needs_run=True),
    "Now": Function((), "moment", lambda run: run.now, needs_run=True),
    "Datecomp": Function(
        ("moment", "moment"), "number",
        lambda run, left, right: moments.minutes_between(run.zone, left, right), needs_run=True,
    ),
    "Dayofmonth": _part("day"),
    "Hour": _part("hour"),
    "Minute": _part("minute"),
    "Month": _part("month"),
    "Year": _part("year"),
    "Weekday": Function(
        ("moment",), "number", lambda run, moment: moments.weekday(run.zone, moment), needs_run=True
    ),
    # True and false. If() is in `formula.py`: it works out one of its values only.
    "And": Function(("boolean",), "boolean", lambda *truths: all(truths), repeats=True),
    "Or": Function(("boolean",), "boolean", lambda *truths: any(truths), repeats=True),
    "Not": Function(("boolean",), "boolean", lambda truth: not truth),
}  # fmt: skip
