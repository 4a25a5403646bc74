"""Rules between fields of calls, meetings and deals, and rules for owners of records."""

import pytest

CALL = {"Subject": "x", "Call_Type": "Outbound", "Call_Start_Time": "2026-02-06T10:00:00Z"}
EVENT = {"Event_Title": "x", "Start_DateTime": "2026-02-06T10:00:00Z", "End_DateTime": "2026-02-06T11:00:00Z"}
DEAL = {"Deal_Name": "x", "Stage": "Qualification"}


def place(name):
    return {"api_name": name, "json_path": f"$.data[0].{name}"}


class TestCalls:
    @pytest.mark.parametrize("status", ["Scheduled", "Overdue", "Cancelled"])
    def test_a_call_that_did_not_take_place_needs_no_duration(self, crm, status):
        (call,) = crm.insert("Calls", CALL | {"Outgoing_Call_Status": status})
        assert crm.only(f"Calls/{call}")["Call_Duration"] is None

    @pytest.mark.parametrize("status", [{}, {"Outgoing_Call_Status": "Completed"}, {"Call_Duration": " "}])
    def test_a_call_that_took_place_needs_a_duration(self, kept_crm, status):
        (outcome,) = kept_crm.post("Calls", {"data": [CALL | status]}).data
        assert (outcome["code"], outcome["details"]) == ("MANDATORY_NOT_FOUND", place("Call_Duration"))

    def test_a_scheduled_one_needs_it_once_it_is_completed(self, crm):
        (call,) = crm.insert("Calls", CALL | {"Outgoing_Call_Status": "Scheduled"})
        assert crm.put(f"Calls/{call}", {"data": [{"Description": "soon"}]}).status == 200
        done = {"Outgoing_Call_Status": "Completed"}
        assert crm.put(f"Calls/{call}", {"data": [done]}).data[0]["code"] == "MANDATORY_NOT_FOUND"
        assert crm.put(f"Calls/{call}", {"data": [done | {"Call_Duration": "12:30"}]}).status == 200

    @pytest.mark.parametrize("duration", ["0", "00:00", "00:00:00"])
    def test_only_a_missed_one_took_no_time(self, crm, duration):
        (outcome,) = crm.post("Calls", {"data": [CALL | {"Call_Duration": duration}]}).data
        assert outcome == {
            "code": "DEPENDENT_MISMATCH", "message": "Call Duration can not be zero.", "status": "error",
            "details": {"dependee": place("Call_Type"), **place("Call_Duration")},
        }  # fmt: skip
        assert crm.insert("Calls", CALL | {"Call_Type": "Missed", "Call_Duration": duration})


class TestEvents:
    def test_the_end_is_not_before_the_start(self, crm):
        early = {"End_DateTime": "2026-02-06T10:59:59+01:00"}
        (event,) = crm.insert("Events", EVENT)
        for answer in (
            crm.post("Events", {"data": [EVENT | early]}),
            crm.put(f"Events/{event}", {"data": [early]}),
        ):
            (outcome,) = answer.data
            assert outcome["code"] == "DEPENDENT_MISMATCH"
            assert outcome["details"] == {"dependee": place("Start_DateTime"), **place("End_DateTime")}
        assert crm.insert("Events", EVENT | {"End_DateTime": EVENT["Start_DateTime"]})

    def test_fifty_people_may_take_part(self, crm):
        people = [{"type": "email", "participant": f"a{n}@x.example"} for n in range(51)]
        (outcome,) = crm.post("Events", {"data": [EVENT | {"Participants": people}]}).data
        assert outcome == {
            "code": "LIMIT_EXCEEDED", "message": "Only 50 participants can be added to an event.",
            "details": {"maximum_length": 50, **place("Participants")}, "status": "error",
        }  # fmt: skip
        assert crm.insert("Events", EVENT | {"Participants": people[:50]})


@pytest.mark.parametrize("probability", [-1, 101, 999])
def test_the_probability_of_a_deal_is_a_percentage(crm, probability):
    (outcome,) = crm.post("Deals", {"data": [DEAL | {"Probability": probability}]}).data
    assert (outcome["code"], outcome["message"]) == ("INVALID_DATA", "Given Probability is not valid")
    assert outcome["details"] == place("Probability")


def test_a_module_named_for_a_lookup_has_to_be_the_records(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "x"})
    (outcome,) = crm.post(
        "Tasks", {"data": [{"Subject": "x", "What_Id": lead, "$se_module": "Nothing"}]}
    ).data
    assert (outcome["message"], outcome["details"]) == ("the id given seems to be invalid", place("What_Id"))
    appointment = {"Service_Name": crm.insert("Services__s", {"Service_Name": "x", "Duration": 30})[0]}
    appointment |= {"Appointment_Start_Time": "2026-02-06T10:00:00Z"}
    wanted = {"module": {"api_name": "Leads"}, "id": lead}
    (record_id,) = crm.insert("Appointments__s", appointment | {"Appointment_For": wanted})
    assert crm.only(f"Appointments__s/{record_id}")["Appointment_For"]["module"]["api_name"] == "Leads"
    wanted["module"]["api_name"] = "Contacts"
    assert crm.post("Appointments__s", {"data": [appointment | {"Appointment_For": wanted}]}).status == 400


class TestOwners:
    @pytest.fixture
    def people(self, crm):
        return {user["status"]: user for user in crm.get("users", type="AllUsers").json["users"]}

    @pytest.mark.parametrize("form", [str, int, lambda user: {"id": user}])
    def test_an_active_user_can_be_given_a_record(self, crm, people, form):
        user = people["active"]
        (lead,) = crm.insert("Leads", {"Last_Name": "x", "Owner": form(user["id"])})
        owner = crm.only(f"Leads/{lead}")["Owner"]
        assert owner == {"name": user["full_name"], "id": user["id"], "email": user["email"]}

    def test_who_has_left_can_not(self, crm, people):
        for owner in (people["inactive"]["id"], {"id": "999"}, {"name": people["inactive"]["full_name"]}):
            (outcome,) = crm.post("Leads", {"data": [{"Last_Name": "x", "Owner": owner}]}).data
            assert (outcome["message"], outcome["details"]) == (
                "the id given seems to be invalid",
                place("Owner"),
            )

    def test_who_has_left_keeps_what_was_theirs(self, crm, people, monkeypatch):
        user = people["active"]
        (lead,) = crm.insert("Leads", {"Last_Name": "x", "Owner": user["id"]})
        (other,) = crm.insert("Leads", {"Last_Name": "x"})
        users = crm.service.organisations.open(crm.organisation).metadata.all("user")
        document = next(candidate for candidate in users if str(candidate.id) == user["id"])
        monkeypatch.setitem(document.body, "status", "inactive")
        change = {"data": [{"Owner": user["id"], "City": "Lund"}]}
        assert crm.put(f"Leads/{lead}", change).status == 200
        assert crm.put(f"Leads/{other}", change).status == 400

    def test_no_record_is_left_without_one(self, crm):
        (lead,) = crm.insert("Leads", {"Last_Name": "x", "Owner": None})
        assert crm.only(f"Leads/{lead}")["Owner"]["id"]
        (outcome,) = crm.put(f"Leads/{lead}", {"data": [{"Owner": None}]}).data
        assert (outcome["code"], outcome["details"]) == ("MANDATORY_NOT_FOUND", place("Owner") | {"id": lead})
