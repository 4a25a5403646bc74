"""`/actions/watch`: channels are enabled, listed, changed and disabled, each by its own user."""

import pytest

from tests.crm.events.receiver import watch

PATH, URL = "actions/watch", "https://hooks.example.com/crm?key=1"
CHANNEL = {"channel_id": "1000000068001", "notify_url": URL, "events": ["Leads.create"]}


def change(caller, method, *channels):
    return caller.call(method, PATH, body={"watch": list(channels)})


def entries(caller, **params):
    answer = caller.get(PATH, **params)
    return answer.json["watch"] if answer.status == 200 else []


def events(caller):
    return [event for entry in entries(caller) for event in entry["events"]]


def test_a_channel_is_enabled_and_shown(crm):
    leads = crm.service.organisations.open(crm.organisation).catalog.modules["Leads"]
    channel = {**CHANNEL, "token": "t", "events": ["Leads.create", "Deals.all", "Leads.edit"]}
    answer = change(crm, "POST", channel)
    assert answer.status == 201
    (outcome,) = answer.json["watch"]
    assert outcome["message"] == "Successfully subscribed for actions-watch of the given module"
    event = outcome["details"]["events"][0]
    assert event == {
        "channel_expiry": "2026-02-06T02:10:56-08:00",
        "resource_uri": event["resource_uri"],
        "resource_id": str(leads.id),
        "resource_name": "Leads",
        "channel_id": "1000000068001",
    }
    assert event["resource_uri"].endswith("/crm/v8/Leads")
    shown, deals = entries(crm)
    assert shown == {
        "notify_on_related_action": True,
        "channel_expiry": "2026-02-06T02:10:56-08:00",
        "return_affected_field_values": False,
        "resource_uri": event["resource_uri"],
        "resource_id": str(leads.id),
        "resource_name": "Leads",
        "notify_url": URL,
        "fields": None,
        "notification_condition": None,
        "channel_id": "1000000068001",
        "events": ["Leads.create", "Leads.edit"],
        "token": "t",
    }
    assert deals["events"] == ["Deals.create", "Deals.edit", "Deals.delete"]


def test_channels_are_listed_by_module_by_id_and_in_pages(crm):
    assert crm.get(PATH).status == 204
    watch(crm, URL, "Leads.create", "Deals.edit", channel_id=1)
    watch(crm, URL, "Leads.delete", channel_id="2")
    assert [entry["channel_id"] for entry in entries(crm, module="Leads")] == ["1", "2"]
    assert [entry["resource_name"] for entry in entries(crm, channel_id="1")] == ["Leads", "Deals"]
    answer = crm.get(PATH, page=1, per_page=2)
    assert answer.json["info"] == {"per_page": 2, "page": 1, "count": 2, "more_records": True}
    assert [entry["channel_id"] for entry in entries(crm, page=2, per_page=2)] == ["2"]
    assert crm.get(PATH, channel_id="3").status == 204
    assert crm.get(PATH, module="Nowhere").json["details"] == {"param_name": "module"}


def test_a_channel_belongs_to_its_user(crm, caller_of, stranger):
    watch(crm, URL, "Leads.create")
    other = caller_of("acme", user=1)
    for caller in (other, stranger):
        assert caller.get(PATH).status == 204
        assert caller.delete(PATH, channel_ids="1").json["watch"][0]["code"] == "NOT_SUBSCRIBED"
        answer = change(caller, "PATCH", {"channel_id": "1", "token": "x"})
        assert (answer.status, answer.json["watch"][0]["code"]) == (400, "NOT_SUBSCRIBED")
    assert len(entries(crm)) == 1


def test_put_replaces_patch_adds_and_delete_events_takes_away(crm):
    watch(crm, URL, "Leads.create", "Deals.edit", channel_id="1", token="t", notify_on_related_action=False)
    answer = change(crm, "PATCH", {"channel_id": "1", "events": ["Leads.delete"]})
    assert answer.json["watch"][0]["message"] == "Successfully updated the subscribe details"
    assert events(crm) == ["Leads.create", "Leads.delete", "Deals.edit"]
    assert [entry["token"] for entry in entries(crm)] == ["t", "t"]
    gone = {"channel_id": "1", "events": ["Leads.create"], "_delete_events": True}
    answer = change(crm, "PATCH", gone)
    assert answer.json["watch"][0]["message"] == "Successfully removed the subscribe details"
    assert events(crm) == ["Leads.delete", "Deals.edit"]
    assert change(crm, "PATCH", gone).json["watch"][0]["code"] == "NOT_SUBSCRIBED"
    answer = change(crm, "PUT", {"channel_id": "1", "events": ["Contacts.create"]})
    assert answer.status == 200
    (entry,) = entries(crm)
    assert (entry["events"], entry["token"], entry["notify_url"]) == (["Contacts.create"], None, URL)
    change(crm, "PATCH", {"channel_id": "1", "events": ["Contacts.all"], "_delete_events": False})
    change(crm, "PATCH", {"channel_id": "1", "events": ["Contacts.all"], "_delete_events": True})
    assert crm.get(PATH).status == 204


def test_channels_are_disabled(crm):
    watch(crm, URL, "Leads.create", channel_id="1")
    watch(crm, URL, "Leads.create", channel_id="2")
    answer = crm.delete(PATH, channel_ids="1,9")
    assert answer.status == 207
    done, unknown = answer.json["watch"]
    assert set(done["details"]) == {"resource_uri", "resource_id", "channel_id"}
    assert done["message"] == "Successfully un-subscribed from actions-watch"
    assert (unknown["code"], unknown["details"]) == ("NOT_SUBSCRIBED", {"channel_id": "9"})
    assert crm.delete(PATH).json["code"] == "REQUIRED_PARAM_MISSING"
    assert [entry["channel_id"] for entry in entries(crm)] == ["2"]


def test_an_expiry_is_kept_up_to_a_week_else_it_is_an_hour(crm):
    def expiry(value, path=PATH):
        body = {"watch": [CHANNEL | {"channel_expiry": value}]}
        return crm.call("POST", path, body=body).json["watch"][0]["details"]["events"][0]["channel_expiry"]

    assert expiry("2026-02-13T09:10:56Z") == "2026-02-13T01:10:56-08:00"
    assert expiry("2026-02-13T09:10:57Z") == "2026-02-06T02:10:56-08:00"
    assert expiry("2026-02-08T09:10:56Z", "/crm/v4/actions/watch") == "2026-02-08T01:10:56-08:00"
    assert expiry("2026-02-08T09:10:56Z", "/crm/v3/actions/watch") == "2026-02-06T02:10:56-08:00"
    for wrong in ("tomorrow", 7, "2026-02-06T09:10:56Z"):
        answer = change(crm, "POST", CHANNEL | {"channel_expiry": wrong})
        assert answer.json["watch"][0]["details"]["api_name"] == "channel_expiry"


def selection(**members):
    module = {"api_name": "Leads"}
    return [{"type": "field_selection", "module": module, "field_selection": members}]


CITY = {"field": {"api_name": "City"}}


@pytest.mark.parametrize(
    ("members", "code", "details"),
    [
        ({"channel_id": None}, "MANDATORY_NOT_FOUND", {"api_name": "channel_id"}),
        ({"channel_id": "a"}, "INVALID_DATA", {"expected_data_type": "bigint"}),
        ({"notify_url": None}, "MANDATORY_NOT_FOUND", {"api_name": "notify_url"}),
        ({"notify_url": "ftp://a"}, "INVALID_DATA", {"api_name": "notify_url"}),
        ({"notify_url": "http://a\nb"}, "INVALID_DATA", {"api_name": "notify_url"}),
        ({"events": None}, "MANDATORY_NOT_FOUND", {"api_name": "events"}),
        ({"events": "Leads.all"}, "INVALID_DATA", {"expected_data_type": "jsonarray"}),
        (
            {"events": ["Leads.create", "Nowhere.create"]},
            "INVALID_DATA",
            {"json_path": "$.watch[0].events[1]"},
        ),
        ({"events": ["Leads.sing"]}, "INVALID_DATA", {"api_name": "events"}),
        ({"events": ["Quoted_Items.edit"]}, "INVALID_DATA", {"api_name": "events"}),
        ({"token": "x" * 51}, "INVALID_DATA", {"maximum_length": 50}),
        ({"return_affected_field_values": 1}, "INVALID_DATA", {"expected_data_type": "boolean"}),
        ({"notification_condition": selection()}, "EXPECTED_FIELD_MISSING", {}),
        ({"notification_condition": selection(group=[CITY], **CITY)}, "AMBIGUITY_DURING_PROCESSING", {}),
        (
            {"notification_condition": selection(group=[CITY])},
            "DEPENDENT_FIELD_MISSING",
            {"api_name": "group_operator"},
        ),
        (
            {"notification_condition": selection(group=[CITY], group_operator="xor")},
            "INVALID_DATA",
            {"supported_values": ["or", "and"]},
        ),
        (
            {"notification_condition": selection(group=[CITY] * 11, group_operator="or")},
            "INVALID_DATA",
            {"maximum_length": 10},
        ),
        (
            {"notification_condition": selection(field={"api_name": "Nothing"})},
            "INVALID_DATA",
            {"api_name": "api_name"},
        ),
    ],
)
def test_what_is_wrong_with_a_channel_is_said_and_the_others_are_enabled(crm, members, code, details):
    answer = change(crm, "POST", CHANNEL | members, CHANNEL | {"channel_id": "2"})
    assert answer.status == 207
    wrong, right = answer.json["watch"]
    assert wrong["code"] == code
    assert details.items() <= wrong["details"].items()
    assert right["status"] == "success"
    assert [entry["channel_id"] for entry in entries(crm)] == ["2"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[", "UNABLE_TO_PARSE_DATA_TYPE"),
        ([], "INVALID_DATA"),
        ({}, "MANDATORY_NOT_FOUND"),
        ({"watch": 7}, "INVALID_DATA"),
        ({"watch": [7]}, "INVALID_DATA"),
    ],
)
def test_a_body_without_channels_is_refused(kept_crm, body, code):
    answer = kept_crm.call("POST", PATH, body=body)
    assert (answer.status, answer.json["code"]) == (400, code)


def test_an_organisation_has_a_limited_number_of_channels(crm):
    answer = change(crm, "POST", *[CHANNEL | {"channel_id": n + 1} for n in range(100)])
    assert answer.status == 201
    answer = change(crm, "POST", CHANNEL | {"channel_id": "900"}, CHANNEL | {"channel_id": "7"})
    assert answer.status == 207
    assert answer.json["watch"][0]["code"] == "LIMIT_EXCEEDED"


def test_values_of_records_need_the_scope_to_read_them(caller_of, crm):
    caller = caller_of("acme", "ZohoCRM.notifications.ALL")
    answer = change(caller, "POST", CHANNEL | {"return_affected_field_values": True})
    assert answer.json["watch"][0]["code"] == "OAUTH_SCOPE_MISMATCH"
    assert change(caller, "POST", CHANNEL).status == 201


def test_values_of_all_notes_are_for_administrators(caller_of, crm):
    notes = CHANNEL | {"events": ["Notes.all"], "return_affected_field_values": True}
    (outcome,) = change(caller_of("acme", user=2), "POST", notes).json["watch"]
    assert outcome["code"] == "NOT_SUPPORTED"
    assert change(crm, "POST", notes).status == 201


def test_a_condition_is_shown_with_ids(crm):
    group = [{"field": {"api_name": "City"}}]
    watch(crm, URL, "Leads.edit", notification_condition=selection(group=group, group_operator="and"))
    (condition,) = entries(crm)[0]["notification_condition"]
    (field,) = condition["field_selection"]["group"]
    assert field["field"]["api_name"] == "City"
    again = selection(field={"id": field["field"]["id"]})
    watch(crm, URL, "Leads.edit", notification_condition=again)
    assert entries(crm)[0]["notification_condition"][0]["field_selection"]["group"] == [field]
