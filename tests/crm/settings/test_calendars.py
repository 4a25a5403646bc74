"""Business hours, holidays, the fiscal year and preferences of an organisation."""

import pytest

from tests.crm.settings.changes import made, outcomes

HOURS = {
    "week_starts_on": "Monday", "type": "custom", "business_days": ["Tuesday", "Monday"],
    "same_as_everyday": True, "daily_timing": ["09:00", "17:30"],
}  # fmt: skip
EPIPHANY = {"name": "Epiphany", "date": "2027-01-06", "type": "business_holiday"}


def test_business_hours_are_made_and_changed(crm, stranger):
    answer = crm.post("settings/business_hours", {"business_hours": HOURS})
    outcome = answer.json["business_hours"]
    assert (answer.status, outcome["message"]) == (201, "Business Hours saved successfully")
    shown = crm.get("settings/business_hours").json["business_hours"]
    assert shown == {
        **HOURS,
        **outcome["details"],
        "business_days": ["Monday", "Tuesday"],
        "custom_timing": [],
    }
    assert (
        crm.post("settings/business_hours", {"business_hours": HOURS}).json["business_hours"]["code"]
        == "DUPLICATE_DATA"
    )
    custom = [{"days": day, "business_timing": ["10:00", "16:00"]} for day in ("Monday", "Tuesday")]
    change = {**outcome["details"], "same_as_everyday": False, "custom_timing": custom}
    assert crm.put("settings/business_hours", {"business_hours": change}).status == 200
    shown = crm.get("settings/business_hours").json["business_hours"]
    assert (shown["custom_timing"], shown["daily_timing"]) == (custom, [])
    assert crm.put("settings/business_hours", {"business_hours": {"type": "24_by_7"}}).status == 200
    assert len(crm.get("settings/business_hours").json["business_hours"]["business_days"]) == 7
    assert stranger.get("settings/business_hours").status == 204


@pytest.mark.parametrize(
    ("members", "code", "place"),
    [
        ({"type": "always"}, "INVALID_DATA", "type"),
        ({"week_starts_on": None}, "MANDATORY_NOT_FOUND", "week_starts_on"),
        ({"business_days": ["Mon"]}, "INVALID_DATA", "business_days"),
        ({"daily_timing": ["17:00", "09:00"]}, "INVALID_DATA", "daily_timing"),
        ({"daily_timing": ["9", 5]}, "INVALID_DATA", "daily_timing"),
        ({"same_as_everyday": False}, "MANDATORY_NOT_FOUND", "custom_timing"),
        (
            {"same_as_everyday": False, "custom_timing": [{"days": "Friday"}]},
            "INVALID_DATA",
            "custom_timing[0].days",
        ),
    ],
)
def test_hours_that_are_not_whole_are_refused(kept_crm, members, code, place):
    answer = kept_crm.post("settings/business_hours", {"business_hours": {**HOURS, **members}})
    fault = answer.json["business_hours"]
    assert (answer.status, fault["code"], fault["details"]["json_path"]) == (
        400,
        code,
        f"$.business_hours.{place}",
    )


def test_holidays_are_made_listed_changed_and_deleted(crm, caller_of, stranger):
    later = {**EPIPHANY, "name": "Labour day", "date": "2026-05-01"}
    epiphany, labour = made(crm, "holidays", "holidays", EPIPHANY, later)
    listed = crm.get("settings/holidays").json
    assert [each["name"] for each in listed["holidays"]] == ["Labour day", "Epiphany"]
    assert (listed["holidays"][1]["year"], listed["info"]["count"]) == (2027, 2)
    assert [each["id"] for each in crm.get("settings/holidays", year=2026).json["holidays"]] == [labour]
    assert crm.get("settings/holidays", type="shift_holiday").status == 204
    wrong = crm.put(
        "settings/holidays",
        {"holidays": [{"id": labour, "name": "May day"}, {"id": epiphany, "date": "2026-05-01"}]},
    )
    assert (wrong.status, [code for code, _ in outcomes(wrong, "holidays")]) == (
        207,
        ["SUCCESS", "DUPLICATE_DATA"],
    )
    assert crm.put(f"settings/holidays/{labour}", {"holidays": [{"date": "2026-05-04"}]}).status == 200
    [shown] = crm.get(f"settings/holidays/{labour}").json["holidays"]
    assert (shown["name"], shown["date"]) == ("May day", "2026-05-04")
    for members, code in (
        ({"date": "2026-02-30"}, "INVALID_DATA"),
        ({"name": "H" * 81}, "INVALID_DATA"),
        ({"type": None}, "MANDATORY_NOT_FOUND"),
        ({"type": "shift_holiday"}, "DEPENDENT_FIELD_MISSING"),
        ({"type": "shift_holiday", "shift_hour": {"id": "1"}}, "INVALID_DATA"),
    ):
        answer = crm.post("settings/holidays", {"holidays": [{**EPIPHANY, "date": "2028-01-06", **members}]})
        assert (answer.status, answer.json["holidays"][0]["code"]) == (400, code)
    assert stranger.get(f"settings/holidays/{labour}").status == 204
    assert outcomes(stranger.delete(f"settings/holidays/{labour}"), "holidays") == [
        ("INVALID_DATA", "Invalid ID")
    ]
    assert caller_of("acme", user=2).delete(f"settings/holidays/{labour}").status == 403
    assert outcomes(crm.delete(f"settings/holidays/{labour}"), "holidays")[0][0] == "SUCCESS"
    assert crm.get(f"settings/holidays/{labour}").status == 204


def test_criteria_follow_the_fiscal_year(crm, stranger):
    crm.insert(
        "Deals",
        *(
            {"Deal_Name": day, "Stage": "Qualification", "Closing_Date": day}
            for day in ("2025-03-31", "2025-04-01", "2026-03-31", "2026-04-01")
        ),
    )
    criteria = {"comparator": "equal", "field": {"api_name": "Closing_Date"}, "value": "${THISFY}"}
    [view] = made(
        crm, "custom_views", "custom_views", {"name": "Fiscal", "criteria": criteria}, module="Deals"
    )

    def shown():
        return sorted(deal["Deal_Name"] for deal in crm.get("Deals", fields="Deal_Name", cvid=view).data)

    assert shown() == ["2026-03-31", "2026-04-01"]  # It is February 2026.
    assert crm.get("settings/fiscal_year").json["fiscal_year"]["start_month"] == "January"
    answer = crm.put(
        "settings/fiscal_year", {"fiscal_year": {"start_month": "April", "display_based_on": "end_month"}}
    )
    assert (answer.status, answer.json["fiscal_year"]["code"]) == (200, "SUCCESS")
    year = crm.get("settings/fiscal_year").json["fiscal_year"]
    assert (year["start_month"], year["display_based_on"]) == ("April", "end_month")
    assert shown() == ["2025-04-01", "2026-03-31"]
    wrong = crm.put("settings/fiscal_year", {"fiscal_year": {"start_month": "Ventose"}}).json["fiscal_year"]
    assert (wrong["message"], len(wrong["details"]["allowed_values"])) == ("Please give a valid month", 12)
    assert stranger.get("settings/fiscal_year").json["fiscal_year"]["start_month"] == "January"


@pytest.mark.parametrize(
    ("name", "switches"),
    [
        ("call_preferences", ("show_from_number", "show_to_number")),
        ("service_preferences", ("job_sheet_enabled",)),
    ],
)
def test_preferences_are_kept(crm, name, switches, caller_of):
    path = f"settings/{name}"
    assert crm.get(path).json == {name: dict.fromkeys(switches, False)}
    on = {name: dict.fromkeys(switches, True)}
    assert crm.put(path, on).json[name]["code"] == "SUCCESS"
    assert crm.get(path).json == on
    assert crm.put(path, {name: {}}).json[name]["code"] == "MANDATORY_NOT_FOUND"
    assert (
        crm.put(path, {name: dict.fromkeys(switches, 1)}).json[name]["details"]["expected_data_type"]
        == "boolean"
    )
    assert caller_of("acme", user=2).put(path, on).status == 403
