"""What an expression can't be: the sentence says what is wrong and what would be right, and the position where."""

import pytest

from moorage.crm.metadata.formulas.errors import FormulaInvalid
from moorage.crm.metadata.formulas.tokens import LONGEST
from tests.crm.metadata.formulas.made import of

# By expression: the position, the word that is wrong, and a part of the sentence.
CASES = {
    "": (1, None, "A value should stand here, and the expression ends."),
    "1 +": (4, None, "A value should stand here, and the expression ends."),
    "1 + * 2": (5, "*", "A value should stand here, and not *."),
    "1 2": (3, "2", "The expression could end here, and not 2."),
    "(1 + 2": (7, None, "A parenthesis is not closed"),
    "1 + 2)": (6, ")", "could end here, and not )."),
    "Abs(1": (6, None, "The parenthesis of Abs() is not closed"),
    "Abs(1 2)": (7, "2", "The parenthesis of Abs() is not closed, and not 2."),
    "1 < 2 < 3": (7, "<", "Comparisons can't follow each other. Join them by And()."),
    "'abc": (1, "'", "The text has no end."),
    "1 + ${Amount": (5, "$", "A field is written ${Name}."),
    "1 ; 2": (3, ";", "The character ; means nothing in an expression."),
    "\u0661": (1, "\u0661", "means nothing"),
    "1" * 31: (1, "1" * 31, "at most 30 digits"),
    "Amount * 2": (
        1, "Amount", "Amount is neither a field, as ${Amount}, nor a function, as Amount(), nor a text, as 'Amount'.",
    ),
    "1 + ${Price}": (5, "Price", "There is no field Price."),
    "abs(1)": (1, "abs", "There is no function abs(). Did you mean Abs?"),
    "if(1 < 2, 1, 2)": (1, "if", "There is no function if(). Did you mean If?"),
    "Zzz()": (1, "Zzz", "There is no function Zzz()."),
    "Abs()": (1, "Abs", "Abs() takes 1 argument, and not 0."),
    "Round(1,2,3)": (1, "Round", "Round() takes 1 or 2 arguments, and not 3."),
    "Max()": (1, "Max", "Max() takes at least 1 argument, and not 0."),
    "If(true, 1)": (1, "If", "If() takes 3 arguments, and not 2."),
    "Abs('a')": (5, None, "Argument 1 of Abs() has to be a number, and not a text."),
    "Concat('a', 1)": (13, None, "of Concat() has to be a text, and not a number. Tostring() makes a text of it."),
    "Max(1, 2, ${Day})": (11, None, "Argument 3 of Max() has to be a number, and not a date or time."),
    "If(1, 2, 3)": (4, None, "Argument 1 of If() has to be true or false, and not a number."),
    "If(true, 2, '3')": (13, None, "like argument 2, a number, and not a text."),
    "'a' + 'b'": (1, None, "On each side of + stands a number, and not a text. Concat() joins texts."),
    "${Time} - ${Day}": (1, None, "Datecomp() gives the minutes between two times"),
    "-'a'": (2, None, "A sign stands before a number, and not a text."),
    "1 && 2": (1, None, "On each side of && stands true or false, and not a number."),
    "1 == '1'": (6, None, "== can't compare a number with a text."),
    "'a' < 'b'": (1, None, "< compares numbers, dates and times, and not a text."),
    "Adddate(Now(), 1, 'WEEK')": (19, "WEEK", "is one of YEAR, MONTH, DAY, HOUR, MIN, MINUTE."),
    "'a'": (1, None, "The expression gives a text, and the field is to hold a number."),
    "(" * 41 + "1": (42, None, "At most 40"),
    "-" * 41 + "1": (42, None, "At most 40"),
    "Abs(" * 41 + "1": (165, None, "At most 40"),
    "2^" * 41 + "1": (83, None, "At most 40"),
    "1" + " " * LONGEST: (LONGEST + 1, None, "An expression has at most 5000 characters."),
}  # fmt: skip


@pytest.mark.parametrize("expression", CASES, ids=lambda expression: expression[:40])
def test_what_is_wrong_is_said_with_its_place(expression):
    position, name, words = CASES[expression]
    with pytest.raises(FormulaInvalid) as caught:
        of(expression)
    assert words in caught.value.reason
    assert (caught.value.position, caught.value.name) == (position, name)


def test_what_is_long_and_not_deep_is_possible():
    long_sum = "+".join(["1"] * (LONGEST // 2))
    assert of(long_sum).value({}, None, 0) == LONGEST // 2
    assert of("(" * 40 + "1" + ")" * 40).value({}, None, 0) == 1
