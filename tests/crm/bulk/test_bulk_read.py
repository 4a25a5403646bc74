"""Bulk reads: what they are asked for, their states, and what they bring."""

import re

import pytest

from moorage.crm.jobs import bulk_read
from tests.crm.bulk.conftest import rows_of

PATH = "/crm/bulk/v8/read"


def begun(caller, **query):
    query = {"module": {"api_name": "Leads"}} | query
    answer = caller.post(PATH, {"query": query})
    assert answer.status == 201, answer.body
    return answer.data[0]["details"]["id"]


@pytest.fixture
def read(work, unzipped):
    """The files that a bulk read brings, and what is shown of it."""

    def run(caller, **query):
        job = begun(caller, **query)
        work(caller, job)
        return unzipped(caller.get(f"{PATH}/{job}/result")), caller.only(f"{PATH}/{job}")

    return run


def test_a_read_goes_through_its_states_and_brings_a_zip_of_csv(crm, work, unzipped):
    ids = crm.insert(
        "Leads", {"Last_Name": 'Ñ "x", y', "Company": "a\nb"}, {"Last_Name": "Z", "Email_Opt_Out": True}
    )
    answer = crm.post(
        PATH, {"query": {"module": {"api_name": "Leads"}, "fields": ["Last_Name", "Owner.last_name"]}}
    )
    assert answer.status == 201
    (done,) = answer.data
    user = done["details"]["created_by"]
    assert done == {
        "status": "success",
        "code": "ADDED_SUCCESSFULLY",
        "message": "Added successfully.",
        "details": {
            "id": done["details"]["id"],
            "operation": "read",
            "state": "ADDED",
            "created_by": user,
            "created_time": "2026-02-06T01:10:56-08:00",
        },
    }
    job = done["details"]["id"]
    shown = crm.only(f"{PATH}/{job}")
    assert (shown["state"], shown.get("result")) == ("ADDED", None)
    missing = crm.get(f"{PATH}/{job}/result")
    assert (missing.status, missing.json["code"], missing.json["details"]) == (
        404,
        "RESOURCE_NOT_FOUND",
        {"resource": job},
    )
    work(crm, job)
    shown = crm.only(f"{PATH}/{job}")
    assert shown == {
        "id": job,
        "operation": "read",
        "state": "COMPLETED",
        "query": {
            "module": {"id": shown["query"]["module"]["id"], "api_name": "Leads"},
            "page": 1,
            "fields": ["Last_Name", "Owner.last_name"],
        },
        "created_by": user,
        "created_time": "2026-02-06T01:10:56-08:00",
        "file_type": "csv",
        "result": {
            "page": 1,
            "per_page": 200_000,
            "count": 2,
            "download_url": f"/crm/bulk/v8/read/{job}/result",
            "more_records": False,
        },
    }
    answer = crm.get(shown["result"]["download_url"])
    assert answer.headers["content-type"] == "application/zip"
    ((name, data),) = unzipped(answer).items()
    assert name == f"{job}.csv"
    owner = crm.get("users", type="CurrentUser").json["users"][0]["last_name"]
    assert rows_of(data) == [
        ["Id", "Last_Name", "Owner.last_name"],
        [ids[0], 'Ñ "x", y', owner],
        [ids[1], "Z", owner],
    ]


def test_all_fields_are_read_if_none_is_named(crm, read):
    crm.insert(
        "Leads",
        {
            "Last_Name": "a",
            "No_of_Employees": 5,
            "Email_Opt_Out": True,
            "Tag": [{"name": "t"}, {"name": "u"}],
        },
    )
    headings, row = rows_of(read(crm)[0].popitem()[1])
    shown = dict(zip(headings, row, strict=True))
    assert headings[0] == "Id"
    assert len(set(headings)) == len(headings)
    assert (shown["Last_Name"], shown["No_of_Employees"], shown["Email_Opt_Out"], shown["Tag"]) == (
        "a",
        "5",
        "true",
        "t;u",
    )
    assert shown["Created_Time"] == "2026-02-06T01:10:56-08:00"


def test_columns_lead_through_lookups(crm, read):
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme", "Industry": "Tools"})
    crm.insert("Contacts", {"Last_Name": "a", "Account_Name": {"id": account}})
    fields = ["Account_Name", "Account_Name.Industry", "Account_Name.id"]
    files, _ = read(crm, module="Contacts", fields=fields)
    assert rows_of(files.popitem()[1])[1][1:] == [account, "Tools", account]


def test_criteria_and_views_choose_records(crm, read):
    crm.insert(
        "Leads",
        *(
            {"Last_Name": name, "City": city}
            for name, city in (("a", "Paris"), ("b", "Rome"), ("c", "Paris"))
        ),
    )
    in_paris = {"field": {"api_name": "City"}, "comparator": "equal", "value": "paris"}
    not_a = {"api_name": "Last_Name", "comparator": "not_equal", "value": "a"}
    criteria = {"group_operator": "and", "group": [in_paris, not_a]}
    files, _ = read(crm, fields=["Last_Name"], criteria=criteria)
    assert [row[1] for row in rows_of(files.popitem()[1])] == ["Last_Name", "c"]
    views = crm.get("settings/custom_views", module="Leads").json["custom_views"]
    cvid = next(view["id"] for view in views if view["system_name"] == "CONVERTEDVIEWS")
    _, shown = read(crm, cvid=cvid)
    assert (shown["result"]["count"], shown["query"]["cvid"]) == (0, cvid)


def test_pages_follow_each_other_by_token_and_by_number(crm, read, monkeypatch):
    monkeypatch.setitem(bulk_read.PER_PAGE, "csv", 2)
    monkeypatch.setattr(bulk_read, "AT_ONCE", 1)
    ids = crm.insert("Leads", *({"Last_Name": f"{number}"} for number in range(5)))
    seen, token = [], {}
    for page in (1, 2, 3):
        files, shown = read(crm, fields=["Last_Name"], **token)
        seen += [row[0] for row in rows_of(files.popitem()[1])[1:]]
        assert (shown["result"]["page"], shown["result"]["more_records"]) == (page, page < 3)
        token = {"page_token": shown["result"].get("next_page_token")}
        by_number, _ = read(crm, fields=["Last_Name"], page=page)
        assert [row[0] for row in rows_of(by_number.popitem()[1])[1:]] == ids[(page - 1) * 2 : page * 2]
    assert seen == ids
    files, shown = read(crm, page=4)
    assert (shown["result"]["count"], len(rows_of(files.popitem()[1]))) == (0, 1)


def test_a_token_is_bound_to_its_query(crm, read, monkeypatch):
    monkeypatch.setitem(bulk_read.PER_PAGE, "csv", 1)
    crm.insert("Leads", {"Last_Name": "a"}, {"Last_Name": "b"})
    token = read(crm, fields=["Last_Name"])[1]["result"]["next_page_token"]
    query = {"module": {"api_name": "Leads"}, "fields": ["Company"], "page_token": token}
    assert crm.post(PATH, {"query": query}).json["code"] == "TOKEN_BOUND_DATA_MISMATCH"


def test_events_are_read_as_a_calendar(crm, read, unzipped, work):
    crm.insert(
        "Events",
        {
            "Event_Title": "Visit; Paris, " + "x" * 80,
            "Start_DateTime": "2026-03-01T10:00:00Z",
            "End_DateTime": "2026-03-01T11:30:00Z",
            "Description": "one\ntwo",
        },
    )
    job = crm.post(PATH, {"query": {"module": {"api_name": "Events"}}, "file_type": "ics"}).data[0][
        "details"
    ]["id"]
    work(crm, job)
    ((name, data),) = unzipped(crm.get(f"{PATH}/{job}/result")).items()
    assert name == f"{job}.ics"
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    lines = re.sub(r"\r\n ", "", data.decode()).split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-2] == "END:VCALENDAR"
    assert {"DTSTART:20260301T100000Z", "DTEND:20260301T113000Z", "DESCRIPTION:one\\ntwo"} <= set(lines)
    assert "SUMMARY:Visit\\; Paris\\, " + "x" * 80 in lines


REFUSED = {
    "MODULE_NOT_AVAILABLE": {"module": {"api_name": "asdf"}},
    "MODULE_NOT_SUPPORTED": {"module": {"api_name": "Quoted_Items"}},
    "FIELD_NOT_AVAILABLE": {"fields": ["Nothing"]},
    "FIELD_NOT_SUPPORTED": {"fields": ["Last_Name.x"]},
    "CVID_NOT_SUPPORTED": {"cvid": "5"},
    "PAGE_RANGE_EXCEEDED": {"page": 51},
    "PAGE_NOT_SUPPORTED": {"page": "x"},
    "TOKEN_BOUND_DATA_MISMATCH": {"page_token": "x"},
    "AMBIGUITY_DURING_PROCESSING": {"page_token": "x", "page": 1},
    "NOT_SUPPORTED_FEATURE": {"file_type": "pdf"},
    "FIELD_IN_CRITERIA_NOT_AVAILABLE": {
        "criteria": {"field": {"api_name": "No"}, "comparator": "equal", "value": 1}
    },
    "FIELD_IN_CRITERIA_NOT_SUPPORTED": {
        "criteria": {"field": "Owner.last_name", "comparator": "equal", "value": 1}
    },
    "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE": {
        "criteria": {"api_name": "Last_Name", "comparator": "between", "value": ["a", "b"]}
    },
    "FIELD_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE": {
        "criteria": {"api_name": "No_of_Employees", "comparator": "equal", "value": "x"}
    },
    "COMPARATOR_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE": {
        "criteria": {"api_name": "No_of_Employees", "comparator": "between", "value": [1]}
    },
    "VALUE_IN_CRITERIA_NOT_SUPPORTED": {
        "criteria": {"api_name": "City", "comparator": "contains", "value": ["x"]}
    },
    "VALUE_LIMIT_EXCEEDED_IN_CRITERIA": {
        "criteria": {"api_name": "City", "comparator": "in", "value": ["x"] * 501}
    },
    "VALUE_TYPE_NOT_SUPPORTED": {
        "criteria": {"api_name": "City", "comparator": "equal", "value": "x", "type": "merge_field"}
    },
    "GROUP_OPERATOR_NOT_SUPPORTED": {"criteria": {"group_operator": "xor", "group": [{}]}},
    "AMBIGUOUS_CRITERIA": {"criteria": {"group_operator": "or", "group": [{}], "field": "City"}},
    "INVALID_CRITERIA": {"criteria": {"group_operator": "or", "group": []}},
    "CRITERIA_LIMIT_EXCEEDED": {"criteria": {"group_operator": "or", "group": [{}] * 26}},
}


def test_what_can_not_be_read_is_refused_at_once(crm):
    for code, query in REFUSED.items():
        answer = crm.post(PATH, {"query": {"module": {"api_name": "Leads"}} | query})
        assert (answer.status, answer.json["code"]) == (400, code)


def test_a_body_that_is_no_request_is_refused(crm):
    bodies = {
        b" ": "REQUEST_BODY_IS_EMPTY",
        b"{": "REQUEST_BODY_NOT_READABLE",
        b"[]": "REQUEST_BODY_NOT_SUPPORTED",
        b"{}": "QUERY_NOT_SUPPORTED",
    }
    for body, code in bodies.items():
        answer = crm.post(PATH, body)
        assert (answer.status, answer.json["code"]) == (400, code)


def test_a_read_needs_the_scope_of_its_module(crm, caller_of):
    only_bulk = caller_of("acme", "ZohoCRM.bulk.ALL")
    answer = only_bulk.post(PATH, {"query": {"module": {"api_name": "Leads"}}})
    assert (answer.status, answer.json["code"]) == (401, "OAUTH_SCOPE_MISMATCH")


def test_a_read_needs_the_scopes_of_the_modules_behind_its_lookups(caller_of, crm):
    contacts = caller_of("acme", "ZohoCRM.bulk.ALL,ZohoCRM.modules.contacts.READ")
    query = {"module": {"api_name": "Contacts"}, "fields": ["Account_Name", "Owner.email"]}
    assert contacts.post(PATH, {"query": query}).status == 201
    answer = contacts.post(PATH, {"query": query | {"fields": ["Account_Name.Industry"]}})
    assert (answer.status, answer.json["code"]) == (401, "OAUTH_SCOPE_MISMATCH")


def test_a_result_is_for_those_who_may_read_its_records(crm, work, caller_of):
    job = begun(crm, module={"api_name": "Notes"})
    work(crm, job)
    assert caller_of("acme", "ZohoCRM.bulk.ALL").get(f"{PATH}/{job}/result").status == 401
    no_administrator = caller_of("acme", "ZohoCRM.bulk.ALL,ZohoCRM.modules.ALL", user=2)
    assert no_administrator.get(f"{PATH}/{job}/result").status == 403


def test_a_stranger_sees_no_job_and_no_result(crm, work, make_organisation, caller_of):
    job = begun(crm)
    work(crm, job)
    make_organisation("other", name="Other")
    other = caller_of("other", "ZohoCRM.bulk.ALL")
    for path in (f"{PATH}/{job}", f"{PATH}/{job}/result", f"{PATH}/x"):
        assert other.get(path).status == 404


def test_a_field_that_has_gone_fails_the_job(crm, work):
    fields = {"fields": [{"field_label": "Colour", "data_type": "text", "length": 10}]}
    field = crm.post("settings/fields", fields, module="Leads").json["fields"][0]["details"]["id"]
    job = begun(crm, fields=["Colour"])
    assert crm.delete(f"settings/fields/{field}", module="Leads").status == 200
    work(crm, job)
    shown = crm.only(f"{PATH}/{job}")
    assert (shown["state"], shown["result"]["error_message"]["code"]) == ("FAILURE", "FIELD_NOT_AVAILABLE")


def test_a_result_is_kept_for_a_day(crm, work, clock, caller_of):
    job = begun(crm)
    work(crm, job)
    clock.advance(25 * 3600)
    later = caller_of("acme", "ZohoCRM.bulk.ALL,ZohoCRM.modules.ALL")
    assert later.only(f"{PATH}/{job}")["state"] == "COMPLETED"
    assert later.get(f"{PATH}/{job}/result").status == 404


def test_an_older_version_names_modules_by_text(crm, work):
    answer = crm.post("/crm/bulk/v2/read", {"query": {"module": "Leads", "fields": ["Last_Name"]}})
    job = answer.data[0]["details"]["id"]
    work(crm, job)
    shown = crm.only(f"/crm/bulk/v2/read/{job}")
    assert shown["query"]["module"] == "Leads"
    assert crm.get(shown["result"]["download_url"]).status == 200
    assert shown["result"]["download_url"].startswith("/crm/bulk/v2/")
