"""Owners, values and deletion of many records: at once by their ids, and as jobs by a view."""

import pytest

from moorage.crm.jobs import mass

UNKNOWN = ("INVALID_DATA", "the id given seems to be invalid", {"id": "12"})


@pytest.fixture
def users(crm):
    return {
        user["status"]: user["id"] for user in reversed(crm.get("users", type="AllUsers").json["users"][1:])
    }


@pytest.fixture
def view(crm):
    views = crm.get("settings/custom_views", module="Leads").json["custom_views"]
    return {view["system_name"]: view["id"] for view in views}["ALLVIEWS"]


@pytest.fixture
def work(crm):
    """Do a job that an answer names, to its end."""

    def run(answer):
        job = int(answer.data[0]["details"]["job_id"])

        async def main():
            await crm.service.wrapped.bulk_jobs.run(crm.organisation, job)

        crm.service._run(main())
        return str(job)

    return run


def leads(crm, count=3, **values):
    return crm.insert("Leads", *({"Last_Name": f"L{n}", **values} for n in range(count)))


def told(answer):
    return [(each["code"], each["message"], each["details"]) for each in answer.data]


class TestOwners:
    def test_each_record_gets_the_owner_or_a_reason(self, crm, users):
        one, two = leads(crm, 2)
        body = {"ids": [one, 12, two, one], "owner": {"id": users["active"]}, "notify": True}
        answer = crm.post("Leads/actions/change_owner", body)
        given = ("SUCCESS", "owner is successfully updated")
        assert answer.status == 207
        assert told(answer) == [(*given, {"id": one}), UNKNOWN, (*given, {"id": two})]
        assert crm.only(f"Leads/{two}")["Owner"]["id"] == users["active"]
        single = crm.post(f"Leads/{one}/actions/change_owner", {"owner": {"id": users["active"]}})
        assert (single.status, told(single)) == (200, [(*given, {"id": one})])
        assert told(crm.post("Leads/12/actions/change_owner", {"owner": {"id": users["active"]}})) == [
            UNKNOWN
        ]

    @pytest.mark.every_storage
    def test_related_records_of_the_same_owner_go_along(self, crm, users):
        (account,) = crm.insert("Accounts", {"Account_Name": "A"})
        link = {"Account_Name": {"id": account}}
        mine, theirs = crm.insert(
            "Contacts",
            {"Last_Name": "M", **link},
            {"Last_Name": "T", **link, "Owner": {"id": users["active"]}},
        )
        other = crm.get("users", type="ActiveUsers").json["users"][-1]["id"]
        body = {"owner": {"id": other}, "related_modules": [{"api_name": "Contacts"}]}
        assert crm.post(f"Accounts/{account}/actions/change_owner", body).status == 200
        owners = [crm.only(path)["Owner"]["id"] for path in (f"Accounts/{account}", f"Contacts/{mine}")]
        assert owners == [other, other]
        assert crm.only(f"Contacts/{theirs}")["Owner"]["id"] == users["active"]

    def test_what_is_wrong_is_named(self, crm, users):
        (lead,) = leads(crm, 1)
        owner = {"owner": {"id": users["active"]}}
        for path, body, code, place in (
            ("Leads", owner, "MANDATORY_NOT_FOUND", "$.ids"),
            ("Leads", {"ids": "x", **owner}, "INVALID_DATA", "$.ids"),
            ("Leads", {"ids": [lead, "x"], **owner}, "INVALID_DATA", "$.ids[1]"),
            ("Leads", {"ids": [lead] * 501, **owner}, "INVALID_DATA", "$.ids"),
            (f"Leads/{lead}", {}, "MANDATORY_NOT_FOUND", "$.owner"),
            (f"Leads/{lead}", {"owner": {}}, "MANDATORY_NOT_FOUND", "$.owner.id"),
            (f"Leads/{lead}", {"owner": {"id": []}}, "INVALID_DATA", "$.owner.id"),
            (f"Leads/{lead}", owner | {"related_modules": [{"api_name": "Vendors"}]}, "INVALID_DATA",
             "$.related_modules[0].api_name"),
            (f"Leads/{lead}", owner | {"related_modules": [{"id": {}}]}, "INVALID_DATA", "$.related_modules[0].id"),
            (f"Leads/{lead}", owner | {"related_modules": [{}]}, "EXPECTED_FIELD_MISSING", None),
        ):  # fmt: skip
            answer = crm.post(f"{path}/actions/change_owner", body)
            assert (answer.status, answer.json["code"], answer.json["details"].get("json_path")) == (
                400,
                code,
                place,
            )
        gone = crm.post(f"Leads/{lead}/actions/change_owner", {"owner": {"id": users["inactive"]}})
        assert gone.json["details"]["owner_status"] == "inactive"
        assert (
            gone.json["message"] == "The user to whom you are trying to transfer the records is not active."
        )


class TestIds:
    def test_one_value_for_many(self, crm):
        one, two = leads(crm, 2)
        answer = crm.post("Leads/actions/mass_update", {"data": [{"City": "Kiel"}], "ids": [one, "12", two]})
        assert (answer.status, answer.data[0]["message"], told(answer)[1]) == (207, "record updated", UNKNOWN)
        assert crm.only(f"Leads/{two}")["City"] == "Kiel"

    def test_what_has_a_value_can_keep_it(self, crm):
        one, two = crm.insert("Leads", {"Last_Name": "A", "City": "Bonn"}, {"Last_Name": "B"})
        body = {"data": [{"City": "Kiel"}], "ids": [one, two], "over_write": False}
        answer = crm.post("Leads/actions/mass_update", body)
        assert [each["message"] for each in answer.data] == ["record not updated", "record updated"]
        assert [crm.only(f"Leads/{key}")["City"] for key in (one, two)] == ["Bonn", "Kiel"]

    @pytest.mark.parametrize(
        ("data", "message", "place"),
        [
            ([], "required field not found", "$.data"),
            ([{}], "No field found", "$.data"),
            ([{"Nope": 1}], "No field found", "$.data[0].Nope"),
            ([{"City": "A", "State": "B"}], "Max field limit exceeded", "$.data"),
            ([{"Email": "a@b.example"}], "invalid data", "$.data[0].Email"),
            ([{"Converted_Account": {"id": "1"}}], "invalid data", "$.data[0].Converted_Account"),
            ([{"City": 5}], "invalid data", "$.data[0].City"),
        ],
    )
    def test_what_many_can_not_have(self, crm, data, message, place):
        answer = crm.post("Leads/actions/mass_update", {"data": data, "ids": leads(crm, 1)})
        assert (answer.status, answer.json["message"], answer.json["details"]["json_path"]) == (
            400,
            message,
            place,
        )

    def test_they_are_deleted(self, crm):
        one, two = leads(crm, 2)
        answer = crm.post("Leads/actions/mass_delete", {"ids": [one, 12]})
        assert (answer.status, [each["message"] for each in answer.data]) == (
            207, ["record is deleted", "record not deleted"],
        )  # fmt: skip
        assert [lead["id"] for lead in crm.get("Leads", fields="id").data] == [two]

    def test_ids_and_a_view_are_too_much(self, crm, view):
        answer = crm.post("Leads/actions/mass_delete", {"ids": ["1"], "cvid": view})
        assert answer.json["code"] == "AMBIGUITY_DURING_PROCESSING"


class TestViews:
    @pytest.mark.every_storage
    def test_a_job_takes_each_record_once(self, crm, view, work, monkeypatch):
        monkeypatch.setattr(mass, "AT_ONCE", 2)
        old = leads(crm, 5, City="Bonn")
        (stays,) = leads(crm, 1)
        criteria = {"comparator": "equal", "field": {"api_name": "City"}, "value": "Bonn"}
        body = {"data": [{"City": "Kiel"}], "cvid": view, "criteria": criteria}
        answer = crm.post("Leads/actions/mass_update", body)
        assert (answer.status, answer.data[0]["message"]) == (200, "mass update scheduled successfully")
        job = answer.data[0]["details"]["job_id"]
        status = crm.get("Leads/actions/mass_update", job_id=job).data[0]
        assert status == {
            "Status": "SCHEDULED", "Failed_Count": 0, "Updated_Count": 0, "Not_Updated_Count": 0, "Total_Count": 5,
        }  # fmt: skip
        again = crm.post("Leads/actions/mass_delete", {"cvid": view})
        assert (again.status, again.json["code"]) == (202, "ALREADY_SCHEDULED")
        (late,) = leads(crm, 1, City="Bonn")
        work(answer)
        status = crm.get("Leads/actions/mass_update", job_id=job).data[0]
        assert (status["Status"], status["Updated_Count"]) == ("COMPLETED", 5)
        cities = {lead["id"]: lead["City"] for lead in crm.get("Leads", fields="City").data}
        assert cities == dict.fromkeys(old, "Kiel") | {stays: None, late: "Bonn"}

    def test_a_job_that_was_broken_off_goes_on_where_it_was(self, crm, view, work, users, monkeypatch):
        monkeypatch.setattr(mass, "AT_ONCE", 2)
        leads(crm, 5)
        answer = crm.post("Leads/actions/mass_change_owner", {"cvid": view, "owner": {"id": users["active"]}})
        assert (answer.status, answer.data[0]["message"]) == (202, "change owner is successfully scheduled")
        real, calls = mass._following, []

        async def break_off(*arguments):
            calls.append(arguments)
            if len(calls) == 2:
                raise ConnectionError("gone")
            return await real(*arguments)

        monkeypatch.setattr(mass, "_following", break_off)
        with pytest.raises(ConnectionError):
            work(answer)
        job = work(answer)
        status = crm.get("Leads/actions/mass_change_owner", job_id=job).data[0]
        assert (status["Status"], status["Updated_Count"], status["Failed_Count"]) == ("COMPLETED", 5, 0)
        assert len(calls) == 4  # Two records, the break, two records, and the last.

    def test_a_view_is_deleted(self, crm, view, work):
        leads(crm, 3)
        job = work(crm.post("Leads/actions/mass_delete", {"cvid": view}))
        assert crm.get("Leads/actions/mass_delete", job_id=job).data == [
            {"Status": "COMPLETED", "Failed_Count": 0, "Deleted_Count": 3, "Total_Count": 3}
        ]
        assert crm.get("Leads", fields="id").status == 204

    def test_what_is_wrong_is_named(self, crm, view):
        empty = crm.post("Leads/actions/mass_delete", {"cvid": view})
        assert (empty.status, empty.json["code"], empty.json["message"]) == (
            400, "NO_RECORDS_FOUND", "no record found to update",
        )  # fmt: skip
        wrong = crm.post("Leads/actions/mass_delete", {"cvid": "12"})
        assert (wrong.json["message"], wrong.json["details"]) == (
            "the cvid given seems to be invalid", {"api_name": "cvid", "json_path": "$.cvid"},
        )  # fmt: skip
        condition = {"comparator": "equal", "field": {"api_name": "City"}, "value": "A"}
        many = {"group_operator": "OR", "group": [condition] * 26}
        assert crm.post("Leads/actions/mass_delete", {"cvid": view, "criteria": many}).json["details"] == {
            "limit": 25
        }
        for params in ({}, {"job_id": "12"}, {"job_id": "x"}):
            answer = crm.get("Leads/actions/mass_delete", **params)
            assert (answer.status, answer.json["details"]) == (400, {"param_name": "job_id"})


def test_a_stranger_sees_no_job(crm, view, stranger):
    leads(crm, 1)
    job = crm.post("Leads/actions/mass_delete", {"cvid": view}).data[0]["details"]["job_id"]
    assert stranger.get("Leads/actions/mass_delete", job_id=job).status == 400
