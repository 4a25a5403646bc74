"""What formulas give. Most of the values are those that Zoho's help page has as examples."""

from zoneinfo import ZoneInfo

import pytest

from tests.crm.metadata.formulas.made import NOW, ROW, of, value

NUMBERS = {
    "Abs(-42)": 42, "Abs(+33)": 33, "Ceil(3.4)": 4, "Ceil(-3.4)": -3, "Floor(3.8)": 3, "Floor(-3.4)": -4,
    "Naturallog(1)": 0, "Round(Naturallog(10), 3)": 2.303, "Base10log(10)": 1, "Max(3,1,5,2)": 5,
    "Max(0,-4,-3,2)": 2,
    "Min(5,-3,0,1)": -3, "Min(5,0,.01,0.5)": 0, "Sqrt(4)": 2, "Sqrt(9)": 3, "Round(3.8)": 4,
    "Round(-3.5)": -3,
    "Round(3.417,2)": 3.42, "Round(1250,-2)": 1300,
    "1 + 2 * 3": 7, "(1 + 2) * 3": 9, "2 - 3 - 4": -5, "12 / 4 / 3": 1, "7 % 4": 3, "-7 % 4": -3,
    "2 ^ 10": 1024,
    "2 ^ 3 ^ 2": 512, "-2 ^ 2": -4, "2 ^ -1": 0.5, "- - 3": 3, "0.1 + 0.2": 0.3, "1 / 3 * 3": 1, "5.": 5,
    "2 / 3": 0.666666667,
    "${Amount} * ${Count}": 37.5, "${ Amount }": 12.5,
    "Len('abc')": 3, "Len(' abc ')": 5, "Find('greenery','n',1)": 5, "Find('greenery','e',3)": 6,
    "Find('abc','d',1)": 0, "Find('abc','a',2)": 0, "Find('abc','',1)": 0, "Find('aaaa','aa',2)": 3,
    "Find('abc','a',0)": 0,
    "If(8>7,1,0)": 1, "If(false, 1, 2)": 2,
    "Datecomp(Newdate(2009,05,19,11,30,'AM'), Newdate(2009,05,19,12,30,'AM'))": 660,
    "Dayofmonth(Newdate(2009,05,19,11,30,'AM'))": 19, "Hour(Newdate(2009,05,19,11,30,'AM'))": 11,
    "Hour(Newdate(2009,05,19,11,30,'PM'))": 23, "Hour(Newdate(2009,05,19,12,30,'PM'))": 12,
    "Hour(Newdate(2009,05,19,0,30,'am'))": 0, "Minute(Newdate(2009,05,19,11,30,'AM'))": 30,
    "Month(Newdate(2009,05,19,11,30,'AM'))": 5, "Year(Newdate(2009,05,19,11,30,'AM'))": 2009,
    "Weekday(Newdate(2009,05,19,11,30,'AM'))": 3, "Weekday(Newdate(2026,11,29,1,0,'AM'))": 1,
    "Hour(${Time})": 1, "Dayofmonth(${Day})": 31, "Hour(${Day})": 0,
    "Datecomp(${Time}, ${Day}) / 1440": 6.049259259,
    "Datecomp(Adddate(${Time}, 1, 'DAY'), ${Time})": 1440,
}  # fmt: skip
TEXTS = {
    "Concat('First','  ','Last')": "First  Last", 'Concat("it\'s ", \'"so"\')': "it's \"so\"",
    "Lower('APPLES')": "apples", "Upper('APPles')": "APPLES", "Trim(' abcd ')": "abcd",
    "Substring('abcdefg',4,7)": "defg", "Substring('abc',0,2)": "ab", "Substring('abc',2,99)": "bc",
    "Substring('abc',3,2)": None, "Replace('abcabc','b','x')": "axcaxc", "Replace('abc','','x')": "abc",
    "Tostring(3.4)": "3.4", "Tostring(3.0)": "3", "Tostring(-0.50)": "-0.5", "Tostring(100)": "100",
    "Tostring(10^20)": "1" + "0" * 20, "Tostring('a')": "a", "Tostring(1<2)": "true",
    "Tostring(${Day})": "2026-01-31",
    "Tostring(${Time})": "2026-02-06T01:10:56-08:00", "Tostring(${No_Time})": None, "Tostring(-0*1)": "0",
    "Timepart(Newdate(2007,12,21,06,30,'AM'))": "06:30 AM",
    "Timepart(Newdate(2007,12,21,12,5,'PM'))": "12:05 PM",
    "Timepart(${Day})": "12:00 AM", "Timepart(${No_Time})": None,
    "If(${Amount} > 10, 'large', 'small')": "large", "${Name}": "Quay 7", "Concat(${No_Text}, 'x')": "x",
    "''": None, "${No_Text}": None,
}  # fmt: skip
TRUTHS = {
    "Contains('abcdef','cd')": True, "Startswith('abcdef','cd')": False, "Startswith('abcdef','abc')": True,
    "Endswith('abcdef','ab')": False, "Endswith('abcdef','ef')": True,
    "IsPositive(-345)": False, "IsNegative(-345)": True, "IsPositive(0)": False, "And(2>1,5>3,7<8)": True,
    "And(2>1,5>3,7>8)": False, "Or(2>1,3>5,7>8)": True,
    "Or(1>2,3>5,7>8)": False, "Not(false)": True, "Not(true)": False, "'abc' == 'abc'": True,
    "'abc' = 'ABC'": False,
    "'a' != 'b'": True, "1 < 2 && 2 <= 2": True, "false || 3 >= 4": False, "true || false && false": True,
    "${Ticked}": True, "${Ticked} == true": True, "0.1 + 0.2 == 0.3": True,
    "${Day} < ${Time}": True, "${Day} == Newdate(2026,1,31,0,0,'AM')": True,
    "Datepart(Now()) == Datepart(${Time})": True, "Now() == ${Time}": True,
}  # fmt: skip
MOMENTS = {
    "Newdate(2007,12,21,06,30,'AM')": "2007-12-21T06:30:00-08:00", "Now()": "2026-02-06T01:10:56-08:00",
    "Adddate(Newdate(2007,12,21,06,30,'AM'),2,'YEAR')": "2009-12-21T06:30:00-08:00",
    "Subdate(Newdate(2007,12,21,06,30,'AM'),2,'YEAR')": "2005-12-21T06:30:00-08:00",
    "Adddate(${Day},1,'MONTH')": "2026-02-28T00:00:00-08:00",
    "Subdate(${Day},14,'MONTH')": "2024-11-30T00:00:00-08:00",
    "Adddate(${Day},3,'HOUR')": "2026-01-31T03:00:00-08:00",
    "Adddate(${Time},90,'min')": "2026-02-06T02:40:56-08:00",
    "FromTimestamp(1581066895)": "2020-02-07T01:14:55-08:00",
    "Datepart(${Time})": "2026-02-06T00:00:00-08:00",
    # The clocks of the zone go forward on 8 March: a day later is the same hour, 24 hours later is not.
    "Adddate(Newdate(2026,3,7,3,0,'AM'),1,'DAY')": "2026-03-08T03:00:00-07:00",
    "Adddate(Newdate(2026,3,7,3,0,'AM'),24,'HOUR')": "2026-03-08T04:00:00-07:00",
}  # fmt: skip


@pytest.mark.parametrize("expression", NUMBERS)
def test_a_number(expression):
    assert value(expression) == NUMBERS[expression]


@pytest.mark.parametrize("expression", TEXTS)
def test_a_text(expression):
    assert value(expression, "text") == TEXTS[expression]


@pytest.mark.parametrize("expression", TRUTHS)
def test_true_or_false(expression):
    assert value(expression, "boolean") == int(TRUTHS[expression])


@pytest.mark.parametrize("expression", MOMENTS)
def test_a_time_in_the_zone_of_the_organisation(expression):
    assert (
        value(f"Tostring(If(true, {expression}, Now()))", "text").ljust(25, "T")[:10]
        == MOMENTS[expression][:10]
    )
    seconds = value(expression, "datetime")
    assert value("Tostring(${Time})", "text", row={"Time": seconds}) == MOMENTS[expression]


def test_a_date_of_a_time_is_the_day_that_the_zone_has_then():
    late = {"Time": NOW - 2 * 3600}  # 07:10 in UTC, 23:10 of the day before in the zone.
    assert value("${Time}", "date", row=late) == "2026-02-05"
    assert value("${Time}", "date", row=late, zone=ZoneInfo("UTC")) == "2026-02-06"
    assert value("Adddate(${Day},1,'DAY')", "date") == "2026-02-01"


# No value, and no error either.
NOTHING = {
    "double": ["1 / 0", "1 % 0", "0 ^ -1", "0 ^ 0 / 0", "(-8) ^ 0.5", "Sqrt(-1)", "Naturallog(0)",
    "Base10log(-1)",
               "10 ^ 16", "10 ^ 10 ^ 10", "1 / 0 + 5", "Round(1, 31)", "${No_Number}", "${No_Number} * 2",
               "2 / ${No_Number}",
               "-${No_Number}", "Abs(${No_Number})", "${No_Number} + ${No_Number}", "Max(${No_Number})",
               "Max(3, ${No_Number} * 2)", "Datecomp(Now(), ${No_Time})", "Year(${No_Day})",
               "If(true, ${No_Number}, 1) + 1"],
    "text": ["Replace('a', 'a', '" + "b" * 300 + "')"],
    "date": ["${No_Day}", "Newdate(2026,2,29,1,0,'AM')", "Newdate(2026,1,1,13,0,'PM')",
    "Newdate(0,1,1,1,0,'AM')",
             "Newdate(99999,1,1,1,0,'AM')", "Adddate(Now(), 9999, 'YEAR')", "Subdate(${Day}, 10^9, 'DAY')",
             "Adddate(Now(), 10^30, 'DAY')", "Adddate(Now(), 10^9, 'HOUR')", "Adddate(Now(), 1, ${Name})",
             "FromTimestamp(10^15)", "FromTimestamp(10^12)", "Datepart(${No_Time})"],
    "datetime": ["${No_Time}", "Adddate(${No_Day}, 1, 'DAY')"],
}  # fmt: skip


@pytest.mark.parametrize(("return_type", "expression"), [(t, e) for t, many in NOTHING.items() for e in many])
def test_what_has_no_result_or_does_not_fit_is_empty(return_type, expression):
    assert value(expression, return_type) is None


# With nothing in `No_…`: what a sum, the largest and smallest number, a comparison and a text make of it.
EMPTY = {
    "double": {"${Amount} + ${No_Number}": 12.5, "${No_Number} - ${Amount}": -12.5, "1 + -${No_Number}": 1,
               "Max(${No_Number}, 3)": 3, "Min(${No_Number}, ${Amount}, 3)": 3, "Len(${No_Text})": 0},
    "boolean": {"${No_Number} == 0": 0, "${No_Number} != 0": 1, "${No_Number} < 1": 0, "${No_Number} >= 0": 0,
                "${No_Number} == ${No_Number}": 1, "${No_Text} == ''": 1, "${No_Day} == ${No_Time}": 1,
                "${No_Day} < ${Time}": 0, "IsNegative(${No_Number})": 0, "Not(${No_Number} > 1)": 1},
    "text": {"Concat('<', Tostring(${No_Number}), '>')": "<>", "Substring('abc', ${No_Number}, 2)": None},
}  # fmt: skip


@pytest.mark.parametrize(
    ("return_type", "expression"), [(t, expression) for t, many in EMPTY.items() for expression in many]
)
def test_a_field_without_a_value(return_type, expression):
    assert value(expression, return_type) == EMPTY[return_type][expression]


def test_a_number_that_is_missing_counts_as_zero_if_the_field_says_so():
    assert value("${No_Number} * 2", empty_is_zero=True) == 0
    assert value("${No_Number} == 0", "boolean", empty_is_zero=True) == 1
    assert value("${No_Day}", "date", empty_is_zero=True) is None


def test_a_number_is_rounded_to_the_decimals_of_its_field_and_a_half_goes_away_from_zero():
    assert value("1.265", decimals=2) == 1.27
    assert value("-1.265", "currency", decimals=2) == -1.27
    assert value("-0.001", decimals=2) == 0
    assert str(value("-0.001", decimals=2)) == "0.0"


def test_a_number_is_exact_up_to_the_digits_that_json_can_hold():
    assert value("${Big} / 100") == 10**15
    assert value("${Big}") is None  # 18 digits, and the field has 16.


def test_texts_and_work_are_limited():
    row = ROW | {"Name": "a" * 50_000}
    assert value("Len(Concat(${Name}, ${Name}))", row=row) == 100_000
    assert value("Len(Replace(${Name}, 'a', ${Name}))", row=ROW | {"Name": "a" * 2_000}) is None
    many = ", ".join(["${Name}"] * 21)
    assert value(f"Len(Concat({many}))", row=row) is None
    assert value(f"Contains(Concat({many}), 'b') || true", "boolean", row=row) == 0


@pytest.mark.parametrize("power", ["1.1^0.5", "Naturallog(2)", "Base10log(2)"])
def test_powers_and_logarithms_are_limited(power):
    assert value("+".join([power] * 50)) == pytest.approx(50 * value(power))
    assert value("+".join([power] * 51)) is None


def test_a_formula_knows_the_columns_that_it_reads():
    assert of("If(${Ticked}, ${Amount}, ${Amount} + ${Count})").columns == {"Ticked", "Amount", "Count"}
    assert of("Year(Now())").columns == set()
