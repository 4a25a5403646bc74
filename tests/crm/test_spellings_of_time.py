"""Which spellings of times and dates are taken: in records, criteria and conditional headers alike, as at Zoho."""

import pytest

# All of these are the same instant.
TAKEN = [
    "2026-08-11T10:15:30+00:00",
    "2026-08-11T10:15:30-00:00",
    "2026-08-11T10:15:30Z",
    "2026-08-11T15:45:30+05:30",
    "2026-08-11T03:15:30-07:00",
    "2026-08-12T00:15:30+14:00",
    "2026-08-10T10:16:30-23:59",
]
REFUSED = [
    "2026-08-11T10:15:30.761Z",  # What JavaScript's toISOString() gives.
    "2026-08-11T10:15:30.761+00:00",
    "2026-08-11T10:15:30.761234+00:00",  # What Python's isoformat() gives.
    "2026-08-11T10:15:30,761+00:00",
    "2026-08-11T10:15:30.Z",
    "2026-08-11T10:15:30",
    "2026-08-11T10:15:30+0000",  # What strftime("%z") gives.
    "2026-08-11T10:15:30+00",
    "2026-08-11T10:15:30+00:00:00",
    "2026-08-11T10:15:30+24:00",
    "2026-08-11T10:15:30 +00:00",
    "2026-08-11T10:15+00:00",
    "2026-08-11T10:15Z",
    "2026-08-11T10Z",
    "2026-08-11 10:15:30+00:00",
    "2026-08-11t10:15:30z",
    "2026-08-11T24:00:00Z",
    "2026-08-11T10:60:00Z",
    "2026-08-11T10:15:60Z",
    "2026-02-30T10:15:30Z",
    "2026-8-11T10:15:30Z",
    "20260811T101530Z",
    "2026-W33-2T10:15:30Z",
    "2026-223T10:15:30Z",
    "+2026-08-11T10:15:30Z",
    "Tue, 11 Aug 2026 10:15:30 GMT",
    "1786443330",
    "now",
    "2026-08-11T10:15:30Z\n",
    "٢٠٢٦-08-11T10:15:30Z",
]
NO_DATE = [
    "2026-8-11", "11/08/2026", "20260811", "2026-W33-2", "2026-223", "2026-08-32", "26-08-11", "2026-08-11T00:00:00Z",
    "2026-08-11 ", "today",
]  # fmt: skip
CALL = {"Subject": "x", "Call_Type": "Outbound", "Call_Duration": "5:00"}


@pytest.fixture
def call(crm):
    return crm.insert("Calls", CALL | {"Call_Start_Time": TAKEN[0]})[0]


@pytest.mark.parametrize("time", TAKEN)
def test_a_time_is_taken_in_records_and_in_criteria(crm, call, time):
    (other,) = crm.insert("Calls", CALL | {"Call_Start_Time": time})
    assert crm.only(f"Calls/{other}")["Call_Start_Time"] == "2026-08-11T03:15:30-07:00"
    for criteria in (f"equals:{time}", f"in:{time}", f"between:{time},{time}", f"greater_equal:{time}"):
        answer = crm.get("Calls/search", criteria=f"(Call_Start_Time:{criteria})", fields="id")
        assert {record["id"] for record in answer.data} == {call, other}


@pytest.mark.parametrize("time", TAKEN)
def test_a_time_is_taken_in_conditional_headers(crm, call, time):
    # The test's clock stands half a year before these times.
    assert crm.get("Calls", fields="id", headers={"If-Modified-Since": time}).status == 304
    assert crm.get(f"Calls/{call}", headers={"If-Modified-Since": time}).status == 304
    changed = crm.put(
        "Calls", {"data": [{"id": call, "Subject": "y"}]}, headers={"If-Unmodified-Since": time}
    )
    assert changed.status == 200


@pytest.mark.parametrize("time", REFUSED)
def test_a_time_in_another_spelling_is_refused_in_a_record(kept_crm, time):
    answer = kept_crm.post("Calls", {"data": [CALL | {"Call_Start_Time": time}]})
    details = {
        "expected_data_type": "datetime", "api_name": "Call_Start_Time", "json_path": "$.data[0].Call_Start_Time",
    }  # fmt: skip
    assert (answer.status, answer.data[0]["code"]) == (400, "INVALID_DATA")
    assert (answer.data[0]["message"], answer.data[0]["details"]) == ("invalid data", details)


@pytest.mark.parametrize("time", [spelling for spelling in REFUSED if spelling == spelling.strip()])
@pytest.mark.parametrize("operator", ["equals", "in", "greater_than", "between"])
def test_a_time_in_another_spelling_is_refused_in_criteria(kept_crm, time, operator):
    value = time.replace(",", "\\,")
    if operator == "between":
        value = f"2026-08-11,{value}"
    answer = kept_crm.get("Calls/search", criteria=f"(Call_Start_Time:{operator}:{value})")
    # An offset's plus sign that was not encoded arrives as a space, and is meant.
    assert (answer.status, answer.json) == (
        400,
        {
            "code": "INVALID_QUERY",
            "details": {
                "expected_data_type": "datetime",
                "reason": "invalid value for search",
                "api_name": "Call_Start_Time",
                "value": time,
            },
            "message": "Invalid query formed",
            "status": "error",
        },
    )


@pytest.mark.parametrize(
    "time", [spelling for spelling in REFUSED if spelling.isascii() and "\n" not in spelling]
)
@pytest.mark.parametrize("path", ["Calls", "Calls/1", "Calls/deleted", "settings/modules", "users"])
def test_a_time_in_another_spelling_is_refused_in_a_header(kept_crm, time, path):
    answer = kept_crm.get(path, fields="id", headers={"If-Modified-Since": time})
    details = {"param_name": "If-Modified-Since", "expected_data_type": "datetime"}
    assert (answer.status, answer.json["code"], answer.json["details"]) == (400, "INVALID_DATA", details)


@pytest.mark.parametrize("day", NO_DATE)
def test_a_date_in_another_spelling_is_refused(kept_crm, day):
    deal = {"Deal_Name": "x", "Stage": "Qualification", "Closing_Date": day}
    details = {
        "expected_data_type": "date",
        "api_name": "Closing_Date",
        "json_path": "$.data[0].Closing_Date",
    }
    (spelling,) = kept_crm.post("Deals", {"data": [deal]}).data
    assert (spelling["code"], spelling["message"], spelling["details"]) == (
        "INVALID_DATA",
        "invalid data",
        details,
    )


@pytest.mark.parametrize("day", [day for day in NO_DATE if day == day.strip()])
def test_a_date_in_another_spelling_is_refused_in_criteria(kept_crm, day):
    answer = kept_crm.get("Deals/search", criteria=f"(Closing_Date:equals:{day})")
    details = {
        "expected_data_type": "date", "reason": "invalid value for search", "api_name": "Closing_Date", "value": day,
    }  # fmt: skip
    assert (answer.status, answer.json["message"], answer.json["details"]) == (
        400,
        "Invalid query formed",
        details,
    )
