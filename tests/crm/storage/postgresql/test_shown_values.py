"""Numbers and times are shown in the bytes that SQLite gives."""

from zoneinfo import ZoneInfo

import apsw
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moorage.crm.metadata.times import zoned
from moorage.crm.storage.postgresql.shown_values import ShownReals, ShownTimes

SQLITE = apsw.Connection(":memory:")
REALS = ShownReals()

decimals = st.builds(
    lambda digits, places: digits / 10**places, st.integers(-(10**18), 10**18), st.integers(0, 9)
)
binary = st.floats(-1e18, 1e18).filter(lambda number: number == 0 or abs(number) >= 1e-9)


def by_sqlite(value) -> bytes:
    return SQLITE.execute("SELECT json_array(?)", (value,)).get.encode()


@settings(max_examples=500)
@given(st.one_of(decimals, binary))
@example(0.1)
@example(-0.0)
@example(1e15)
@example(1e16)
@example(1e17)
@example(123456789012345.67)
@example(999999999999999.9)
@example(9.54e-07)
@example(93094833.96973169)
@example(0.10873730243631582)
@example(1 / 3)
def test_a_number_has_the_digits_that_sqlite_writes(number):
    assert msgspec.json.encode([REALS[number]]) == by_sqlite(number)


def test_no_number_is_null():
    assert REALS[None] is None


@pytest.mark.parametrize("number", [5e-324, 1.7976931348623157e308, -2.5e-200])
def test_a_number_beyond_all_fields_is_still_the_same_number(number):
    assert msgspec.json.decode(msgspec.json.encode(REALS[number])) == number


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
@example("\x01\x1f\b\f\n\r\t\x0b\x7f\x80\u2028\u2029\ufeff\uffff\U0001f600\"\\/'<&")
def test_text_is_escaped_as_sqlite_does(text):
    assert msgspec.json.encode([text]) == by_sqlite(text)


ZONES = ["UTC", "America/Los_Angeles", "Asia/Kolkata", "Africa/Monrovia", "Pacific/Apia", "Europe/Amsterdam"]


@settings(max_examples=300)
@given(
    zone=st.sampled_from(ZONES),
    around=st.integers(-62_135_596_800, 253_402_300_799),
    steps=st.lists(st.integers(-90, 90), max_size=5),
)
@example(zone="Africa/Monrovia", around=63_593_070, steps=[-1, 0, 1])  # The offset changed within a minute.
@example(zone="America/Los_Angeles", around=-62_135_596_800, steps=[59, 60])
@example(zone="Pacific/Apia", around=253_402_300_799, steps=[-59, -60])
def test_a_time_is_the_same_with_and_without_the_memory_of_its_minute(zone, around, steps):
    zone = ZoneInfo(zone)
    times = ShownTimes(zone)
    for step in [0, *steps, 0]:
        moment = min(max(around + step, -62_135_596_800), 253_402_300_799)
        assert times[moment] == zoned(zone, moment)
    assert times[None] is None
