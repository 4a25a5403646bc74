"""Composite requests: several calls in one, which refer to each other, and can be rolled back together."""

import pytest

from tests.crm.composite.parts import call, insert, part

PATH = "$.__composite_requests"
REGEX = "/crm(/.*)?/v[0-9]+([.][0-9]+)?/.*"


def responses(outcomes):
    return [outcome["details"]["response"] for outcome in outcomes]


def codes(outcomes):
    return [outcome["code"] for outcome in outcomes]


def names(caller, module="Leads", field="Last_Name"):
    answer = caller.get(module, fields=field, sort_order="asc")
    return [] if answer.status == 204 else [record[field] for record in answer.data]


def everything(caller):
    """All that can be seen of an organisation's records, and of what hangs on them."""
    lists = [
        caller.get(module, fields="id,Modified_Time,Tag,Owner")
        for module in ("Leads", "Accounts", "Contacts")
    ]
    others = [
        caller.get("Leads/deleted"),
        caller.get("settings/tags", module="Leads"),
        caller.get("Leads/search", word="Ash"),
        caller.get("Leads/search", criteria="(Last_Name:starts_with:B)"),
    ]
    return [
        (answer.status, answer.json.get("data", answer.json) if answer.body else None)
        for answer in lists + others
    ]


@pytest.mark.parametrize("modes", [{}, {"parallel_execution": False}, {"rollback_on_fail": True}])
def test_calls_refer_to_the_answers_of_others(acme, modes):
    """Whatever their order is, each is made after those that it refers to."""
    status, outcomes = call(
        acme,
        part("GET", "Contacts/@{contact:$.data[0].details.id}", params={"fields": "Last_Name,Account_Name"}),
        insert(
            "Ash",
            "Contacts",
            part_id="contact",
            Account_Name={"id": "@{account:$.data[0].details['id']}"},
            Description="made with @{account:$.data[0].details.id} now",
        ),
        insert("Acme", "Accounts", "Account_Name", "account"),
        part(
            "GET",
            "Contacts/search",
            params={
                "criteria": "(Account_Name:equals:@{account:$.data[0].details.id})"
                "and(id:equals:@{contact:$.data[0].details.id})"
            },
        ),
        **modes,
    )
    assert (status, codes(outcomes)) == (200, ["SUCCESS"] * 4)
    read, contact, account, found = responses(outcomes)
    assert [each["status_code"] for each in (read, contact, account, found)] == [200, 201, 201, 200]
    account_id = account["body"]["data"][0]["details"]["id"]
    assert read["body"]["data"][0]["Account_Name"] == {"name": "Acme", "id": account_id}
    assert found["body"]["data"][0]["Description"] == f"made with {account_id} now"
    assert read["headers"]["content-type"] == "application/json;charset=UTF-8"
    assert outcomes[0]["message"] == "composite sub request executed successfully"


def test_a_part_that_fails_leaves_the_others(acme):
    status, outcomes = call(acme, insert("Ash"), insert(None), part("GET", "Leads/1"))
    assert (status, codes(outcomes)) == (200, ["SUCCESS"] * 3)
    assert [each["status_code"] for each in responses(outcomes)] == [201, 400, 204]
    assert responses(outcomes)[2]["body"] is None
    assert names(acme) == ["Ash"]


def test_with_rollback_a_part_that_fails_undoes_all(acme):
    [lead] = acme.insert("Leads", {"Last_Name": "Ash"})
    before = everything(acme)
    status, outcomes = call(
        acme,
        insert("Birch", Tag=[{"name": "new"}]),
        part("DELETE", f"Leads/{lead}"),
        part("GET", "Leads/search", params={"word": "Birch"}),
        insert(None),
        insert("Cedar"),
        rollback_on_fail=True,
    )
    undone = ["ROLLBACK_PERFORMED"] * 3
    assert (status, codes(outcomes)) == (400, [*undone, "SUCCESS", "PROCESSING_STOPPED"])
    assert outcomes[0]["details"] == {"rollbacked_by_sub_request_index": 3}
    assert outcomes[3]["details"]["response"]["status_code"] == 400
    assert everything(acme) == before
    status, outcomes = call(acme, insert("Birch"), part("DELETE", f"Leads/{lead}"), rollback_on_fail=True)
    assert status == 200
    assert names(acme) == ["Birch"]


def test_no_part_of_a_transaction_is_made_if_one_is_wrong(acme):
    status, outcomes = call(acme, insert("Ash"), part("GET", "/elsewhere"), rollback_on_fail=True)
    assert (status, codes(outcomes)) == (400, ["PROCESSING_STOPPED", "INVALID_DATA"])
    assert names(acme) == []


def test_what_can_not_be_undone_is_no_part_of_a_transaction(acme):
    field = part(
        "POST",
        "settings/fields",
        {"fields": [{"field_label": "A", "data_type": "text"}]},
        params={"module": "Leads"},
    )
    status, outcomes = call(acme, insert("Ash"), field, rollback_on_fail=True)
    assert (status, codes(outcomes)) == (400, ["ROLLBACK_PERFORMED", "SUCCESS"])
    assert outcomes[1]["details"]["response"]["body"]["code"] == "NOT_SUPPORTED"
    assert call(acme, field)[0] == 200


def test_wrong_parts_are_refused_each_by_itself(acme):
    status, outcomes = call(
        acme,
        part("GET", "/elsewhere"),
        part("GET", "Leads/@{nobody:$.id}"),
        part("GET", "Leads/@{b:$.id}", name="a"),
        part("GET", "Leads/@{a:$.id}", name="b"),
        part("GET", "org"),
    )
    assert (status, codes(outcomes)) == (
        207,
        ["INVALID_DATA", "INVALID_REFERENCE", "LOOPING_FOUND", "LOOPING_FOUND", "SUCCESS"],
    )
    assert outcomes[0]["details"] == {
        "expected_data_type": "text",
        "regex": REGEX,
        "api_name": "uri",
        "json_path": f"{PATH}[0].uri",
    }
    place = {"api_name": "uri", "json_path": f"{PATH}[1].uri"}
    assert outcomes[1]["details"] == {**place, "reference": "@{nobody:$.id}"}
    assert outcomes[2]["details"]["dependent_data"] == [
        {"sub_request_id": "a", "referred_sub_request_ids": ["b"]},
        {"sub_request_id": "b", "referred_sub_request_ids": ["a"]},
    ]


@pytest.mark.parametrize(
    ("wrong", "code", "details"),
    [
        ({"method": "HEAD"}, "INVALID_DATA", {"supported_values": ["GET", "POST", "PUT", "PATCH", "DELETE"]}),
        ({"method": None}, "MANDATORY_NOT_FOUND", {"api_name": "method"}),
        ({"uri": None}, "MANDATORY_NOT_FOUND", {"api_name": "uri"}),
        ({"sub_request_id": "a b"}, "INVALID_DATA", {"api_name": "sub_request_id"}),
        ({"params": []}, "INVALID_DATA", {"expected_data_type": "jsonobject"}),
        ({"body": "x"}, "INVALID_DATA", {"expected_data_type": "jsonobject"}),
        ({"headers": {"Authorization": "x"}}, "INVALID_DATA", {"restricted_headers": ["authorization"]}),
        ({"uri": "/crm/v9/Leads"}, "NOT_ALLOWED", {"sub_request_version": 9, "composite_request_version": 8}),
        ({"uri": "/crm/bulk/v8/read"}, "NOT_SUPPORTED", {}),
        ({"uri": "/crm/v8/__composite_requests"}, "NOT_SUPPORTED", {}),
        ({"method": "DELETE", "params": {"ids": "1"}}, "NOT_SUPPORTED", {}),
        ({"params": {"per_page": 26}}, "LIMIT_EXCEEDED", {"limit": 25}),
        ({"method": "POST", "body": {"data": [{}, {}]}}, "LIMIT_EXCEEDED", {"limit": 1}),
    ],
)
def test_what_a_part_has_to_be(acme, wrong, code, details):
    status, [outcome] = call(acme, {"method": "GET", "uri": "/crm/v8/Leads", **wrong})
    assert (status, outcome["code"]) == (400, code), outcome
    assert details.items() <= outcome["details"].items()


@pytest.mark.parametrize("depth", [200, 450, 900])
def test_what_is_nested_too_deep_is_refused(acme, depth):
    deep = b'{"__composite_requests": [{"method": "POST", "uri": "/crm/v8/Leads", "body": {"data": [%s%s]}}]}'
    answer = acme.call("POST", "/crm/v8/__composite_requests", {}, deep % (b"[" * depth, b"]" * depth))
    assert answer.status < 500


def test_whole_requests_that_are_refused(acme):
    assert call(acme)[1]["code"] == "MANDATORY_NOT_FOUND"
    assert call(acme, *[part("GET", "org")] * 6)[1]["details"]["maximum_length"] == 5
    status, fault = call(acme, part("GET", "org"), rollback_on_fail=True, parallel_execution=True)
    assert (status, fault["code"]) == (400, "AMBIGUITY_DURING_PROCESSING")
    twice = call(acme, part("GET", "org", name="a"), part("GET", "org", name="a"))[1]
    assert codes(twice) == ["DUPLICATE_DATA"] * 2
    assert twice[0]["details"]["sub_request_indexes"] == [0, 1]


def test_a_reference_that_leads_nowhere_stops_only_what_needs_it(acme):
    status, outcomes = call(
        acme,
        insert(None, part_id="first"),
        part("GET", "Leads/@{first:$.data[0].details.id}", name="second"),
        part("GET", "Leads/@{second:$.data[0].id}"),
        part("GET", "Leads/@{first:$..id}"),
    )
    assert (status, codes(outcomes)) == (
        207,
        ["SUCCESS", "INVALID_REFERENCE", "PROCESSING_STOPPED", "INVALID_REFERENCE"],
    )
    assert outcomes[1]["details"]["json_path"] == f"{PATH}[1].uri"


def test_each_part_needs_its_own_scopes_and_speaks_its_own_version(acme, caller_of, scope, stranger):
    few = caller_of("acme", "ZohoCRM.composite_requests.CUSTOM,ZohoCRM.modules.leads.ALL")
    outcomes = call(few, insert("Ash"), insert("Acme", "Accounts", "Account_Name"))[1]
    assert [each["status_code"] for each in responses(outcomes)] == [201, 401]
    older = call(acme, part("GET", "/crm/v2/Leads"), path="/crm/v5/__composite_requests")[1]
    assert "Last_Name" in responses(older)[0]["body"]["data"][0]
    [lead] = [record["id"] for record in acme.get("Leads", fields="id").data]
    theirs = caller_of("other", scope)
    for modes in ({}, {"rollback_on_fail": True}):
        outcomes = call(theirs, part("GET", f"Leads/{lead}"), **modes)[1]
        assert responses(outcomes)[0]["status_code"] == 204
    assert stranger.call("POST", "/crm/v8/__composite_requests", {}, {}).status == 401
