"""Records that are one and the same become one, with all that belongs to them."""

import pytest

from moorage.crm.api.mass import merge
from tests.crm.uploads import upload

NOT_ALLOWED = "This record id is not allowed to be merged"


def merged(crm, module, master, *gone, fields=(), own=()):
    """`fields` are those that the first record gives, and `own` those of the master."""
    data = [{"id": record} for record in gone]
    if data:
        data[0]["_fields"] = [each if isinstance(each, dict) else {"api_name": each} for each in fields]
    body = {"merge": [{"data": data, "master_record_fields": list(own)}]}
    return crm.post(f"{module}/{master}/actions/merge", body)


def refusal(answer):
    (element,) = answer.json.get("merge", [answer.json])
    assert answer.status == 400
    return element["code"], element["message"], element["details"]


@pytest.fixture
def contacts(crm):
    return crm.insert(
        "Contacts",
        {"Last_Name": "Gill", "Phone": "1", "Tag": [{"name": "a"}]},
        {"Last_Name": "Gil", "Phone": "2", "Email": "gil@acme.example", "Tag": [{"name": "b"}]},
        {"Last_Name": "Ghill", "Phone": "3"},
    )


@pytest.mark.every_storage
def test_the_master_gets_what_was_chosen_and_what_belongs_to_the_others(crm, contacts):
    gill, gil, ghill = contacts
    (deal,) = crm.insert(
        "Deals", {"Deal_Name": "Boat", "Stage": "Qualification", "Contact_Name": {"id": gil}}
    )
    (task,) = crm.insert("Tasks", {"Subject": "Call", "Who_Id": {"id": ghill}})
    (spring, autumn) = crm.insert("Campaigns", {"Campaign_Name": "Spring"}, {"Campaign_Name": "Autumn"})
    for contact, campaign in ((gill, spring), (gil, spring), (gil, autumn)):
        crm.put(f"Contacts/{contact}/Campaigns", {"data": [{"id": campaign, "Member_Status": contact[-1]}]})
    crm.post(f"Contacts/{gil}/Notes", {"data": [{"Note_Content": "hello"}]})
    crm.put("Contacts", {"data": [{"id": gill, "Reporting_To": {"id": gil}}]})
    answer = merged(crm, "Contacts", gill, gil, ghill, fields=["Email", "Phone"])
    done = {"code": "SUCCESS", "details": {"id": gill}, "status": "success"}
    assert answer.status == 201, answer.body
    assert answer.json["merge"] == [{**done, "message": "The records has been merged successfully"}]
    record = crm.only(f"Contacts/{gill}")
    assert (record["Last_Name"], record["Phone"], record["Email"]) == ("Gill", "2", "gil@acme.example")
    assert [tag["name"] for tag in record["Tag"]] == ["a", "b"] and record["Reporting_To"] is None
    assert crm.only(f"Deals/{deal}")["Contact_Name"]["id"] == gill
    assert crm.only(f"Tasks/{task}")["Who_Id"]["id"] == gill
    assert crm.only(f"Contacts/{gill}/Notes", fields="Note_Content")["Note_Content"] == "hello"
    campaigns = crm.get(f"Contacts/{gill}/Campaigns", fields="Campaign_Name,Member_Status", sort_order="asc")
    members = [(each["Campaign_Name"], each["Member_Status"]) for each in campaigns.data]
    assert sorted(members) == [("Autumn", gil[-1]), ("Spring", gill[-1])]
    assert {each["id"] for each in crm.get("Contacts/deleted", type="recycle").data} == {gil, ghill}
    changes = crm.get(f"Contacts/{gill}/__timeline").json["__timeline"]
    assert {each["api_name"] for change in changes for each in change["field_history"] or []} >= {"Email"}


def test_what_can_not_be_merged_is_refused_and_nothing_happens(crm, contacts):
    gill, gil, ghill = contacts
    place = {"api_name": "id", "json_path": "$.merge[0].data[0].id"}
    name = {"api_name": "api_name", "json_path": "$.merge[0].data[0]._fields[0].api_name"}
    of_data = {"api_name": "data", "json_path": "$.merge[0].data"}
    expected = [
        (merged(crm, "Contacts", gill, gill), ("DUPLICATE_DATA", place)),
        (merged(crm, "Contacts", gill), ("INVALID_DATA", {**of_data, "minimum_length": 1})),
        (merged(crm, "Contacts", gill, gil, ghill, "1"), ("INVALID_DATA", {**of_data, "maximum_length": 2})),
        (merged(crm, "Contacts", gill, "7243485000000999999"), ("INVALID_DATA", place)),
        (merged(crm, "Contacts", "7243485000000999999", gil), ("INVALID_DATA", {"resource_path_index": 1})),
        (merged(crm, "Contacts", gill, gil, fields=["Nothing"]), ("INVALID_DATA", name)),
        (merged(crm, "Contacts", gill, gil, fields=[{}]), ("MANDATORY_NOT_FOUND", name)),
        (merged(crm, "Contacts", gill, gil, fields=["Reporting_To"]), ("INVALID_DATA", name)),
        (
            merged(crm, "Contacts", gill, gil, fields=["Phone"], own=[{"api_name": "Phone"}]),
            ("DUPLICATE_DATA", name),
        ),
    ]
    for answer, (code, details) in expected:
        assert (refusal(answer)[0], refusal(answer)[2]) == (code, details), answer.body
    assert refusal(crm.post(f"Contacts/{gill}/actions/merge", {"merge": [{}, {}]})) == (
        "INVALID_DATA", "invalid data", {},
    )  # fmt: skip
    assert crm.post(f"Contacts/{gill}/actions/merge", {}).json["code"] == "MANDATORY_NOT_FOUND"
    assert crm.get("Contacts", fields="id").json["info"]["count"] == 3


def test_only_open_deals_are_merged_and_a_stage_comes_with_its_pipeline(crm):
    deals = crm.insert(
        "Deals",
        {"Deal_Name": "A", "Stage": "Qualification", "Amount": 10},
        {"Deal_Name": "B", "Stage": "Negotiation/Review", "Amount": 50},
        {"Deal_Name": "C", "Stage": "Closed Won"},
    )
    assert refusal(merged(crm, "Deals", deals[2], deals[0])) == (
        "NOT_ALLOWED", "Only Open Deals can be merged", {"api_name": "record", "resource_path_index": 1},
    )  # fmt: skip
    for field in ("Closing_Date", "Probability", "Expected_Revenue"):
        assert refusal(merged(crm, "Deals", deals[0], deals[1], fields=[field]))[0] == "NOT_ALLOWED"
    assert merged(crm, "Deals", deals[0], deals[1], fields=["Amount", "Stage"]).status == 201
    deal = crm.only(f"Deals/{deals[0]}")
    assert (deal["Stage"], deal["Expected_Revenue"]) == ("Negotiation/Review", deal["Probability"] / 2)


def test_records_that_are_locked_or_of_other_modules_are_not_merged(crm, contacts, caller_of):
    gill, gil, _ = contacts
    crm.post(f"Contacts/{gil}/Locking_Information__s", {"data": [{"Locked_Reason__s": "mine"}]})
    other = caller_of("acme", user=2)
    assert refusal(merged(other, "Contacts", gill, gil))[0] == "RECORD_LOCKED"
    tasks = crm.insert("Tasks", {"Subject": "a"}, {"Subject": "b"})
    assert merged(crm, "Tasks", *tasks).json["code"] == "INVALID_MODULE"


def test_the_files_that_are_kept_are_named_one_by_one(crm):
    field = {"field_label": "Papers", "data_type": "fileupload", "length": 5}
    assert crm.post("settings/fields", {"fields": [field]}, module="Leads").status == 201
    files = [upload(crm, "files", filename=f"{n}.txt".encode())["id"] for n in range(3)]
    rows = [[{"File_Id__s": file} for file in files[:2]], [{"File_Id__s": files[2]}]]
    a, b = crm.insert("Leads", *({"Last_Name": "L", "Papers": each} for each in rows))
    (first, _), (third,) = (crm.only(f"Leads/{record}")["Papers"] for record in (a, b))
    assert refusal(merged(crm, "Leads", a, b, fields=["Papers"]))[0] == "DEPENDENT_FIELD_MISSING"
    chosen = [{"api_name": "Papers", "_data": [{"id": row["id"]}]} for row in (first, third)]
    assert merged(crm, "Leads", a, b, fields=chosen[1:], own=chosen[:1]).status == 201
    kept = crm.only(f"Leads/{a}")["Papers"]
    assert [row["File_Name__s"] for row in kept] == ["0.txt", "2.txt"]


def test_a_merge_with_very_much_is_a_job(crm, contacts, monkeypatch):
    monkeypatch.setattr(merge, "MOST_AT_ONCE", 2)
    gill, gil, ghill = contacts
    crm.insert("Tasks", *({"Subject": f"{number}", "Who_Id": {"id": gil}} for number in range(4)))
    answer = merged(crm, "Contacts", gill, gil, fields=["Email"])
    (element,) = answer.json["merge"]
    assert (answer.status, element["code"]) == (201, "SCHEDULED")
    again = merged(crm, "Contacts", ghill, gil)
    assert refusal(again)[:2] == ("NOT_ALLOWED", NOT_ALLOWED)
    path, job = f"Contacts/{gill}/actions/merge", element["details"]["job_id"]
    assert crm.get(path, job_id=job).json["merge"][0]["job_id"] == job
    assert crm.get(path).status == 204
    run(crm, int(job))
    assert crm.get(path, job_id=job).json == {"merge": [{"job_id": job, "status": "COMPLETED"}]}
    assert crm.get(f"Contacts/{gill}/Tasks", fields="id").json["info"]["count"] == 4
    assert crm.only(f"Contacts/{gill}")["Email"] == "gil@acme.example"
    assert crm.get(f"Contacts/{gil}").status == 204


def run(crm, job):
    async def main():
        await crm.service.wrapped.bulk_jobs.run(crm.organisation, job)

    crm.service._run(main())
