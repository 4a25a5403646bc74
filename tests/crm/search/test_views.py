"""`cvid` on lists and counts: every standard view of every module, compared with its criteria asked in Python."""

import json
from datetime import date, datetime, timedelta

import pytest

TODAY = date(2026, 2, 6)  # A Friday, in the organisation's zone.
WEEK = TODAY - timedelta(5)  # Weeks begin on Sunday.
PERIODS = {
    "${TODAY}": (TODAY, TODAY),
    "${TOMORROW}": (TODAY + timedelta(1), TODAY + timedelta(1)),
    "${THISWEEK}": (WEEK, WEEK + timedelta(6)),
    "${LASTWEEK}": (WEEK - timedelta(7), WEEK - timedelta(1)),
    "${THISMONTH}": (date(2026, 2, 1), date(2026, 2, 28)),
    "${NEXTMONTH}": (date(2026, 3, 1), date(2026, 3, 31)),
    "${LAST_N_DAYS:7}": (TODAY - timedelta(7), TODAY - timedelta(1)),
}


def meets(record, criteria, user):
    if criteria is None:
        return True
    if "group" in criteria:
        every = all if criteria["group_operator"] == "AND" else any
        return every(meets(record, criterion, user) for criterion in criteria["group"])
    value, sought = record[criteria["field"]["api_name"]], criteria["value"]
    match criteria["comparator"]:
        case "equal":
            return is_equal(value, sought, user)
        case "not_equal":
            return not is_equal(value, sought, user)
        case "in":
            return any(is_equal(value, criterion, user) for criterion in sought)
        case "less_than":
            return value is not None and day(value) < PERIODS[sought][0]
    raise AssertionError(criteria)


def is_equal(value, sought, user):
    if sought == "${EMPTY}":
        return value is None
    if sought == "${NOTEMPTY}":
        return value is not None
    if sought == {"name": "${CURRENTUSER}"}:
        return value is not None and value["id"] == user
    if isinstance(sought, str) and sought.startswith("${"):
        first, last = PERIODS[sought]
        return value is not None and first <= day(value) <= last
    return value == sought


def day(text):
    """The day of a date, or of a time, which the API shows in the organisation's zone."""
    return datetime.fromisoformat(text).date()


def fields_of(criteria):
    if criteria is None:
        return set()
    if "group" in criteria:
        return set().union(*(fields_of(criterion) for criterion in criteria["group"]))
    return {criteria["field"]["api_name"]}


def views_of(crm):
    """The modules that have views, each with its views whole."""
    for module in crm.get("settings/modules").json["modules"]:
        name = module["api_name"]
        answer = crm.get("settings/custom_views", module=name)
        if answer.status == 200:
            ids = [view["id"] for view in answer.json["custom_views"]]
            yield (
                name,
                [
                    crm.get(f"settings/custom_views/{record_id}", module=name).json["custom_views"][0]
                    for record_id in ids
                ],
            )


def in_order(records, view):
    """The records of a list, which are there latest first, in the order of the view."""
    if view["sort_by"] is None:
        return records

    def place(record):
        value = record[view["sort_by"]["api_name"]]
        moment = datetime.fromisoformat(value).timestamp() if value is not None else 0
        return value is not None, moment, int(record["id"])

    return sorted(records, key=place, reverse=view["sort_order"] == "desc")


def test_every_view_of_every_module_shows_what_its_criteria_say(demo):
    user = demo.get("users", type="CurrentUser").json["users"][0]["id"]
    tried = filled = 0
    for module, views in views_of(demo):
        for view in views:
            sorts = {view["sort_by"]["api_name"]} if view["sort_by"] else set()
            fields = ",".join(sorted({"id"} | sorts | fields_of(view["criteria"])))
            everything = demo.get(module, fields=fields, converted="both")
            records = everything.data if everything.status == 200 else []
            met = [record for record in records if meets(record, view["criteria"], user)]
            expected = [record["id"] for record in in_order(met, view)]
            answer = demo.get(module, fields="id", cvid=view["id"])
            assert answer.status == (200 if expected else 204), (module, view["name"])
            assert expected == [record["id"] for record in answer.data] if expected else True, (
                module,
                view["name"],
            )
            assert demo.get(f"{module}/actions/count", cvid=view["id"]).json == {"count": len(expected)}
            tried, filled = tried + 1, filled + bool(expected)
    assert tried > 120 and filled > 60


def test_a_view_narrows_a_search(kept_demo):
    views = {
        view["name"]: view["id"]
        for view in kept_demo.get("settings/custom_views", module="Deals").json["custom_views"]
    }
    criteria = "(Amount:greater_than:0)"
    for name in ("Open Deals", "Won Deals"):
        searched = kept_demo.get("Deals/search", criteria=criteria, cvid=views[name], fields="id").data
        listed = kept_demo.get("Deals", cvid=views[name], fields="id,Amount").data
        assert [record["id"] for record in searched] == [
            record["id"] for record in listed if record["Amount"]
        ]


@pytest.mark.parametrize("cvid", ["1", "abc", "", "9" * 40, "1 OR 1=1"])
@pytest.mark.parametrize("path", ["Leads", "Leads/search", "Leads/actions/count"])
def test_an_unknown_view_is_refused(kept_demo, path, cvid):
    params = {"word": "ab"} if path.endswith("search") else {}
    answer = kept_demo.get(path, fields="id", cvid=cvid, **params)
    assert answer.status == 400
    assert (answer.json["code"], answer.json["details"]) == ("INVALID_DATA", {"param_name": "cvid"})


def test_a_view_of_another_module_is_refused(kept_demo):
    view = kept_demo.get("settings/custom_views", module="Deals").json["custom_views"][0]["id"]
    assert kept_demo.get("Leads", fields="id", cvid=view).json["details"] == {"param_name": "cvid"}


def test_a_view_and_an_order_can_not_be_given_together(kept_demo):
    view = kept_demo.get("settings/custom_views", module="Deals").json["custom_views"][0]["id"]
    answer = kept_demo.get("Deals", fields="id", cvid=view, sort_by="Created_Time")
    assert (answer.status, answer.json["code"]) == (400, "AMBIGUITY_DURING_PROCESSING")
    assert answer.json["details"] == {"ambiguity_due_to": [{"param_name": "cvid"}, {"param_name": "sort_by"}]}


def test_a_walk_through_a_view_keeps_to_its_order(kept_demo):
    views = kept_demo.get("settings/custom_views", module="Tasks").json["custom_views"]
    view = next(view["id"] for view in views if view["name"] == "Open Tasks")
    whole = kept_demo.get("Tasks", fields="Due_Date", cvid=view)
    assert (whole.json["info"]["sort_by"], whole.json["info"]["sort_order"]) == ("Due_Date", "asc")
    dates = [record["Due_Date"] or "" for record in whole.data]
    assert dates == sorted(dates) and len(dates) > 4
    size = (len(dates) + 2) // 3
    pages = [kept_demo.get("Tasks", fields="Due_Date", cvid=view, per_page=size).json]
    while (token := pages[-1]["info"]["next_page_token"]) is not None:
        pages.append(
            kept_demo.get("Tasks", fields="Due_Date", cvid=view, per_page=size, page_token=token).json
        )
    assert [record for page in pages for record in page["data"]] == whole.data
    token = pages[-1]["info"]["previous_page_token"]
    before = kept_demo.get("Tasks", fields="Due_Date", cvid=view, per_page=size, page_token=token)
    assert before.data == pages[-2]["data"]


def test_filters_narrow_a_list(kept_demo):
    def listed(filters, **params):
        return kept_demo.get("Deals", fields="Amount,Stage", filters=json.dumps(filters), **params)

    large = {"comparator": "greater_than", "field": {"api_name": "Amount"}, "value": 20000}
    won = {"comparator": "equal", "field": {"api_name": "Stage"}, "value": "Closed Won"}
    both = listed({"group_operator": "AND", "group": [large, won]}).data
    every = kept_demo.get("Deals", fields="Amount,Stage").data
    assert both == [
        record for record in every if (record["Amount"] or 0) > 20000 and record["Stage"] == "Closed Won"
    ]
    page = listed(large, per_page=2).json
    token = page["info"]["next_page_token"]
    assert listed(large, per_page=2, page_token=token).status == 200
    assert listed(won, per_page=2, page_token=token).json["code"] == "TOKEN_BOUND_DATA_MISMATCH"
    assert listed(large | {"value": 10**9}).status == 204
    unknown = listed({"comparator": "equal", "field": {"api_name": "Nope"}, "value": 1}).json
    assert (unknown["code"], unknown["details"]["api_name"]) == ("INVALID_QUERY", "Nope")
    for text in ("{", "[" * 5000, "\x00"):
        answer = kept_demo.get("Deals", fields="id", filters=text)
        details = {"param_name": "filters", "expected_data_type": "jsonobject"}
        assert (answer.status, answer.json["details"]) == (400, details)
    assert kept_demo.get("Deals", fields="id", filters="[]").status == 400
