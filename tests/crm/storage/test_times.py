"""Times are kept in UTC and shown in the organisation's zone, the same by SQLite and by Python, whatever the year."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import apsw
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moorage.crm.metadata.times import instant, zoned
from moorage.crm.storage.sqlite.projection import time_expression

AROUND = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)
FIRST, LAST = -62_135_596_800, 253_402_300_799  # Of the years 1 and 9999 in UTC.
# Lord Howe changes its clock by half an hour, at half past an hour of UTC; Casablanca back and forth within weeks.
ZONES = (
    "America/Los_Angeles",
    "Asia/Kolkata",
    "UTC",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Kiritimati",
    "Asia/Tokyo",
)


class Shown:
    """How SQLite shows times in a zone."""

    def __init__(self, name: str) -> None:
        self._zone = ZoneInfo(name)
        self._connection = apsw.Connection("")
        self._connection.create_scalar_function("zoned", lambda t: zoned(self._zone, t), 1)
        self._sql = f"SELECT {time_expression(self._zone, AROUND)('v.t')} FROM (SELECT ? AS t) v"

    def __call__(self, timestamp: int | None) -> str | None:
        return self._connection.execute(self._sql, (timestamp,)).get


SHOWN = {name: Shown(name) for name in ZONES}


@given(zone=st.sampled_from(ZONES), timestamp=st.integers(FIRST, LAST))
@example(zone="America/Los_Angeles", timestamp=FIRST)
@example(zone="Asia/Tokyo", timestamp=FIRST)
@example(zone="America/Los_Angeles", timestamp=LAST)
@example(zone="Asia/Tokyo", timestamp=LAST)
@example(zone="America/Los_Angeles", timestamp=-2_745_446_400)
def test_both_ways_show_the_same_and_it_reads_back_as_the_same_time(zone, timestamp):
    shown = SHOWN[zone](timestamp)
    assert shown == zoned(ZoneInfo(zone), timestamp)
    assert instant(shown) == timestamp


@given(zone=st.sampled_from(ZONES), seconds=st.integers(-3 * 365 * 86_400, 2 * 365 * 86_400))
def test_around_now_it_is_what_python_shows(zone, seconds):
    moment = AROUND + timedelta(seconds=seconds)
    assert SHOWN[zone](int(moment.timestamp())) == moment.astimezone(ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize("zone", ZONES)
def test_every_change_of_a_clock_is_met_to_the_second(zone):
    offset, changes = None, []
    for half_hour in range(-730 * 48, 365 * 48):
        moment = AROUND.replace(minute=0, second=0) + timedelta(minutes=30 * half_hour)
        if (now := moment.astimezone(ZoneInfo(zone)).utcoffset()) != offset:
            offset = now
            changes.append(moment)
    for change in changes:
        for seconds in (-1, 0, 1):
            moment = change + timedelta(seconds=seconds)
            assert SHOWN[zone](int(moment.timestamp())) == moment.astimezone(ZoneInfo(zone)).isoformat()


def test_no_time_is_shown_as_none():
    assert SHOWN["UTC"](None) is None is zoned(ZoneInfo("UTC"), None)


def test_a_time_that_utc_has_no_date_for_is_refused(crm):
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        answer = crm.post("Calls", {"data": [{"Call_Start_Time": text}]})
        assert answer.data[0]["code"] == "INVALID_DATA", text


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_the_first_and_the_last_times_there_are_can_be_listed(make_organisation, caller_of, zone):
    make_organisation("edge", time_zone=zone)
    caller = caller_of("edge")
    call = {"Subject": "x", "Call_Type": "Inbound", "Call_Duration": "00:10"}
    times = ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "1969-12-31T23:59:59+00:00"]
    caller.insert("Calls", *({**call, "Call_Start_Time": moment} for moment in times))
    listed = caller.get("Calls", fields="Call_Start_Time", sort_order="asc").data
    assert [instant(moment["Call_Start_Time"]) for moment in listed] == [instant(moment) for moment in times]
