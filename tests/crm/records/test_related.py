"""Related lists of a record: which records they show, and who may read them."""

import pytest

from moorage.crm.records.related import related_list
from tests.crm.settings.making_fields import field, made

PARENT = "7243485000000999999"


def names(crm, path, name, **params):
    """What the records of a list are called, latest first."""
    answer = crm.get(path, fields=name, **params)
    assert answer.status in {200, 204}, answer.body
    return [record[name] for record in answer.data] if answer.body else []


@pytest.fixture
def account(crm):
    return crm.insert("Accounts", {"Account_Name": "Acme"}, {"Account_Name": "Other"})[0]


def test_a_list_shows_the_records_that_point_to_its_record(crm, account):
    contacts = [{"Last_Name": name, "Account_Name": account} for name in "abc"]
    *_, last = crm.insert("Contacts", *contacts, {"Last_Name": "d"})
    path = f"Accounts/{account}/Contacts"
    assert names(crm, path, "Last_Name") == ["c", "b", "a"]
    assert names(crm, path, "Last_Name", sort_by="Created_Time", sort_order="asc") == ["a", "b", "c"]
    first = crm.get(path, fields="Last_Name", per_page=2)
    info = first.json["info"]
    assert (info["count"], info["more_records"], info["page"]) == (2, True, 1)
    rest = crm.get(path, fields="Last_Name", per_page=2, page_token=info["next_page_token"])
    assert ([c["Last_Name"] for c in rest.data], rest.json["info"]["more_records"]) == (["a"], False)
    assert [c["Last_Name"] for c in crm.get(path, fields="Last_Name", per_page=2, page=2).data] == ["a"]
    shown = crm.only(f"{path}/{rest.data[0]['id']}")
    assert (shown["Account_Name"]["id"], "Owner" in shown) == (account, True)
    assert crm.get(f"{path}/{last}").status == 204


def test_a_record_of_several_modules_is_found_through_each(crm, account):
    (contact,) = crm.insert("Contacts", {"Last_Name": "Quill", "Account_Name": account})
    (lead,) = crm.insert("Leads", {"Last_Name": "Quill"})
    crm.insert(
        "Tasks",
        {"Subject": "both", "What_Id": account, "$se_module": "Accounts", "Who_Id": contact},
        {"Subject": "lead", "What_Id": lead, "$se_module": "Leads"},
    )
    shown = [names(crm, f"{of}/Tasks", "Subject") for of in (f"Accounts/{account}", f"Contacts/{contact}")]
    assert shown == [["both"], ["both"]]
    assert names(crm, f"Leads/{lead}/Tasks", "Subject") == ["lead"]


def test_activities_are_open_or_history(crm, caller_of, clock, account):
    about = {"What_Id": account, "$se_module": "Accounts"}
    crm.insert("Tasks", about | {"Subject": "todo"}, about | {"Subject": "done", "Status": "Completed"})
    hours = [
        {"Start_DateTime": f"2026-02-0{day}T10:00:00Z", "End_DateTime": f"2026-02-0{day}T11:00:00Z"}
        for day in (5, 7)
    ]
    crm.insert("Events", *(about | {"Event_Title": str(n)} | times for n, times in enumerate(hours)))
    held = {"Call_Type": "Outbound", "Call_Start_Time": "2026-02-05T10:00:00Z"}
    planned = held | {"Outgoing_Call_Status": "Scheduled"}
    crm.insert(
        "Calls",
        about | held | {"Subject": "held", "Call_Duration": "5"},
        about | planned | {"Subject": "planned"},
    )
    of = f"Accounts/{account}"
    for module, name, open_, history in (
        ("Tasks", "Subject", "todo", "done"),
        ("Events", "Event_Title", "1", "0"),
        ("Calls", "Subject", "planned", "held"),
    ):
        assert names(crm, f"{of}/{module}", name) == [open_]
        assert names(crm, f"{of}/{module}_History", name) == [history]
    clock.advance(3 * 86_400)
    later = caller_of("acme")  # Its token is new.
    assert names(later, f"{of}/Events_History", "Event_Title") == ["1", "0"]


def test_a_contact_shows_the_meetings_to_which_it_is_invited(crm):
    guest, other = crm.insert("Contacts", {"Last_Name": "a"}, {"Last_Name": "b"})
    times = {"Start_DateTime": "2026-02-07T10:00:00Z", "End_DateTime": "2026-02-07T11:00:00Z"}
    invited = [[{"type": "contact", "participant": who}] for who in (guest, int(guest), other)]
    crm.insert(
        "Events", *({"Event_Title": str(n), "Participants": who} | times for n, who in enumerate(invited))
    )
    assert names(crm, f"Contacts/{guest}/Invited_Events", "Event_Title") == ["1", "0"]


def test_a_product_shows_the_quotes_that_have_it_in_a_line(crm):
    rope, sail = crm.insert("Products", {"Product_Name": "Rope"}, {"Product_Name": "Sail"})
    quote, _ = crm.insert(
        "Quotes",
        {"Subject": "q", "Quoted_Items": [{"Product_Name": rope, "Quantity": n} for n in (1, 2)]},
        {"Subject": "other", "Quoted_Items": [{"Product_Name": sail, "Quantity": 1}]},
    )
    assert names(crm, f"Products/{rope}/Quotes", "Subject") == ["q"]
    assert crm.only(f"Products/{rope}/Quotes/{quote}")["Quoted_Items"][1]["Quantity"] == 2
    assert names(crm, f"Products/{sail}/Quotes", "Subject") == ["other"]
    assert names(crm, f"Products/{rope}/Invoices", "Subject") == []


def test_lists_of_fields_of_your_own_show_who_points_there(crm):
    lookup = {"module": {"api_name": "Products"}, "display_label": "Fans"}
    links = {"connected_module": {"api_name": "Products"}, "display_label": "Wanted by"}
    made(crm, field("Boat", "lookup", lookup=lookup))
    made(crm, field("Likes", "multiselectlookup", multiselectlookup=links))
    (rope,) = crm.insert("Products", {"Product_Name": "Rope"})
    (lead,) = crm.insert("Leads", {"Last_Name": "a", "Boat": rope, "Likes": [{"Likes": {"id": rope}}]})
    assert names(crm, f"Products/{rope}/Fans", "Last_Name") == ["a"]
    (link,) = crm.get(f"Products/{rope}/Wanted_by", fields="Leads,Likes").data
    assert (link["Leads"]["id"], link["Likes"]["id"]) == (lead, rope)


def test_what_the_path_names_wrongly_is_told(crm, account):
    for path, index in ((f"Accounts/{PARENT}/Contacts", 1), (f"Accounts/{account}/Nothing", 2)):
        refused = crm.get(path, fields="id")
        assert (refused.status, refused.json["details"]) == (400, {"resource_path_index": index})
    assert crm.get(f"Accounts/abc/Contacts/{PARENT}").json == {
        "code": "INVALID_DATA", "details": {"resource_path_index": 1},
        "message": "The related id given seems to be invalid", "status": "error",
    }  # fmt: skip
    assert crm.get(f"Accounts/{account}/Contacts/abc").json["details"] == {"resource_path_index": 3}
    assert crm.get(f"Accounts/{account}/Contacts").json["code"] == "REQUIRED_PARAM_MISSING"
    assert crm.get(f"Accounts/{account}/Contacts", fields="id").status == 204
    crm.insert("Contacts", {"Last_Name": "a", "Account_Name": account})
    assert crm.delete(f"Accounts/{account}").status == 200
    assert crm.get(f"Accounts/{account}/Contacts", fields="id").status == 400


def test_a_list_of_a_deleted_record_shows_who_still_points_there(crm, account):
    crm.insert("Contacts", {"Last_Name": "a", "Account_Name": account})
    assert crm.delete(f"Accounts/{account}").status == 200
    assert names(crm, f"Accounts/deleted/{account}/Contacts", "Last_Name") == ["a"]
    assert crm.get(f"Accounts/deleted/{account}/Deals", fields="id").status == 204


def test_both_modules_have_to_be_in_the_scopes(crm, caller_of, account):
    crm.insert("Contacts", {"Last_Name": "Secret", "Account_Name": account})
    path = f"Accounts/{account}/Contacts"
    for scope in ("ZohoCRM.modules.accounts.READ", "ZohoCRM.modules.contacts.READ"):
        assert caller_of("acme", scope).get(path, fields="Last_Name").status == 401
    both = caller_of("acme", "ZohoCRM.modules.accounts.READ,ZohoCRM.modules.contacts.READ")
    assert names(both, path, "Last_Name") == ["Secret"]


def test_older_versions_show_a_list_in_their_own_way(crm, account):
    (lead,) = crm.insert("Leads", {"Last_Name": "Quill"})
    crm.insert("Tasks", {"Subject": "t", "What_Id": lead, "$se_module": "Leads"})
    answer = crm.call("GET", f"/crm/v2/leads/{lead}/Tasks", {"per_page": 999})
    assert answer.json["info"].keys() == {"per_page", "count", "page", "more_records"}
    assert (answer.data[0]["Subject"], answer.data[0]["$approved"]) == ("t", True)


# Lists that others answer, or nobody yet.
ELSEWHERE = {"Emails", "Invitees"}


def test_every_standard_list_has_a_way_to_its_records(service, crm):
    organisation = service.organisations.open(crm.organisation)
    without = {
        (parents.api_name, document.name)
        for parents in organisation.catalog.modules.values()
        for document in organisation.metadata.all("related_list", parents.id)
        if document.name not in ELSEWHERE and related_list(organisation, parents, document.name) is None
    }
    assert without == set()


def test_all_activities_are_in_one_list(crm, clock, account):
    about = {"What_Id": account, "$se_module": "Accounts"}
    for number in range(3):
        crm.insert("Tasks", about | {"Subject": f"task {number}"})
        clock.advance(1)
        times = {"Start_DateTime": "2026-02-07T10:00:00Z", "End_DateTime": "2026-02-07T11:00:00Z"}
        crm.insert("Events", about | times | {"Event_Title": f"event {number}"})
        clock.advance(1)
    crm.insert("Tasks", about | {"Subject": "done", "Status": "Completed"})
    path = f"Accounts/{account}/Activities_Chronological_View"
    every = [(module, n) for n in (2, 1, 0) for module in ("Events", "Tasks")]

    def shown(answer):
        titles = [record.get("Subject") or record["Event_Title"] for record in answer.data]
        return [
            (record["$module"], int(title[-1])) for record, title in zip(answer.data, titles, strict=True)
        ]

    for order in ({}, {"sort_by": "Created_Time"}):
        asked = {"fields": "Subject,Event_Title", "per_page": 4, **order}
        first = crm.get(path, **asked)
        info = first.json["info"]
        assert (shown(first), info["more_records"]) == (every[:4], True)
        assert "Created_Time" not in first.data[0]
        second = crm.get(path, **asked, page=2)
        rest = crm.get(path, **asked, page_token=info["next_page_token"])
        assert (shown(rest), shown(second), rest.json["info"]["more_records"]) == (
            every[4:],
            every[4:],
            False,
        )
        back = crm.get(path, **asked, page_token=rest.json["info"]["previous_page_token"])
        assert shown(back) == every[:4]
    assert names(crm, f"{path}_History", "Subject") == ["done"]
    assert crm.get(f"Accounts/{PARENT}/Activities_Chronological_View", fields="id").status == 400
    assert crm.get(f"{path}_Nothing", fields="id").json["details"] == {"resource_path_index": 2}


def test_lists_are_counted(crm, account):
    crm.insert("Contacts", *({"Last_Name": name, "Account_Name": account} for name in "abc"))
    path = f"Accounts/{account}/actions/get_related_records_count"
    field_is = {"comparator": "equal", "field": {"api_name": "Last_Name"}, "value": "b"}
    lists = crm.get("settings/related_lists", module="Accounts").json["related_lists"]
    contacts = {"api_name": "Contacts", "id": next(e["id"] for e in lists if e["api_name"] == "Contacts")}
    asked = [
        {"related_list": {"api_name": "Contacts"}},
        {"related_list": {"id": contacts["id"]}, "params": {"filters": field_is}},
        {"related_list": {"api_name": "Contacts"}, "params": {"approved": False}},
        {"related_list": {"api_name": "Nothing"}},
    ]
    answer = crm.post(path, {"get_related_records_count": asked})
    *counts, refused = [element for (element,) in answer.json["get_related_records_count"]]
    assert (answer.status, counts) == (
        207, [{"count": count, "related_list": contacts} for count in (3, 1, 0)],
    )  # fmt: skip
    assert refused["details"]["json_path"] == "$.get_related_records_count[3].related_list.api_name"
    assert crm.post(path, {}).json["code"] == "MANDATORY_NOT_FOUND"
    gone = crm.post(
        f"Accounts/{PARENT}/actions/get_related_records_count", {"get_related_records_count": asked}
    )
    assert gone.json["details"] == {"resource_path_index": 1}
