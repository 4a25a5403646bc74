"""Meetings are cancelled once, before their end, and tell it."""

import pytest

MEETING = {
    "Event_Title": "Launch",
    "Start_DateTime": "2030-01-01T10:00:00+00:00",
    "End_DateTime": "2030-01-01T11:00:00+00:00",
}
GUEST = {"type": "email", "participant": "gil@acme.example"}


def cancel(crm, meeting, **spec):
    return crm.post(f"Events/{meeting}/actions/cancel", {"data": [spec]})


def refused(answer):
    (element,) = answer.data
    assert answer.status == 400
    return element["code"], element["details"]


@pytest.mark.every_storage
def test_a_meeting_that_is_cancelled_says_so_wherever_it_is_shown(crm):
    (contact,) = crm.insert("Contacts", {"Last_Name": "Gill", "Email": "gill@acme.example"})
    guests = [GUEST, {"type": "contact", "participant": contact}]
    first, other = crm.insert("Events", *({**MEETING, "Participants": guests} for _ in range(2)))
    answer = cancel(crm, first, send_cancelling_mail=True)
    done = {"code": "SUCCESS", "details": {"id": first}, "message": "The event is successfully cancelled"}
    assert (answer.status, answer.data) == (200, [{**done, "status": "success"}])
    fields = {"fields": "$event_cancelled"}
    told = {row["id"]: row["$event_cancelled"] for row in crm.get("Events", **fields).data}
    assert told == {first: True, other: False}
    assert crm.only(f"Events/{first}", **fields)["$event_cancelled"] is True
    found = crm.get("Events/search", criteria="(Event_Title:equals:Launch)", **fields).data
    assert {row["id"] for row in found if row["$event_cancelled"]} == {first}
    assert "$event_cancelled" not in crm.only(f"Events/{first}")
    (email,) = crm.get(f"Events/{first}/Emails").json["Emails"]
    assert [to["email"] for to in email["to"]] == ["gil@acme.example", "gill@acme.example"]
    assert refused(cancel(crm, first, send_cancelling_mail=False)) == ("NOT_ALLOWED", {"id": first})


def test_the_invitees_of_a_meeting_are_its_participants(crm):
    (contact,) = crm.insert("Contacts", {"Last_Name": "Gill"})
    guests = [GUEST, {"type": "contact", "participant": contact, "invited": True}]
    (meeting,) = crm.insert("Events", {**MEETING, "Participants": guests})
    path = f"Events/{meeting}/Invitees"
    answer = crm.get(path, fields="type,invited", per_page=1, page=2)
    assert answer.data == [{"type": "contact", "invited": True, "id": contact}]
    assert answer.json["info"] == {"per_page": 1, "count": 1, "page": 2, "more_records": False}
    assert crm.get(path, fields="type").data[0] == {"type": "email", "id": None}
    assert crm.get("Events/7243485000000999999/Invitees", fields="type").status == 400
    assert crm.get(path).json["code"] == "REQUIRED_PARAM_MISSING"


def test_meetings_that_can_not_be_cancelled(crm):
    past = {"Start_DateTime": "2020-01-01T10:00:00+00:00", "End_DateTime": "2020-01-01T11:00:00+00:00"}
    alone, over = crm.insert("Events", MEETING, {**MEETING, **past, "Participants": [GUEST]})
    place = {"api_name": "send_cancelling_mail", "json_path": "$.data[0].send_cancelling_mail"}
    assert refused(cancel(crm, alone)) == ("MANDATORY_NOT_FOUND", place)
    wrong = cancel(crm, alone, send_cancelling_mail="yes")
    assert refused(wrong) == ("INVALID_DATA", {**place, "expected_data_type": "boolean"})
    no_mail = {"send_cancelling_mail": False}
    assert refused(cancel(crm, "7243485000000999999", **no_mail))[0] == "INVALID_DATA"
    assert refused(cancel(crm, alone, **no_mail))[1]["reason"] == "no_participants_invited"
    assert refused(cancel(crm, over, **no_mail))[1]["reason"] == "completed_meeting"
