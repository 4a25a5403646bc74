"""Users made, changed, deactivated and deleted, and what becomes of their records and their calls."""

import pytest

from moorage.crm.jobs import mass
from tests.crm.settings.changes import outcomes, work


@pytest.fixture
def users(crm):
    """All users by their first names."""
    return {
        user["first_name"]: user
        for kind in ("AllUsers", "DeletedUsers")
        for user in crm.get("users", type=kind).json["users"]
    }


def person(users, **members):
    reference = {name: users["Priya"][name]["id"] for name in ("role", "profile")}
    return {
        "first_name": "Nia",
        "last_name": "Okoye",
        "email": "nia@harbourpine.example",
        **reference,
        **members,
    }


def change(crm, user, **members):
    return crm.put(f"users/{user['id']}", {"users": [members]})


def one(crm, user):
    return crm.get(f"users/{user['id']}").json["users"][0]


def test_a_new_user_owns_records_and_is_changed(crm, users):
    answer = crm.post("users", {"users": [person(users, phone="+1 5", language="de_DE")]})
    assert (answer.status, outcomes(answer, "users")) == (201, [("SUCCESS", "User added")])
    new = answer.json["users"][0]["details"]
    shown = one(crm, new)
    assert (shown["full_name"], shown["status"], shown["confirm"], shown["phone"], shown["language"]) == (
        "Nia Okoye", "active", False, "+1 5", "de_DE",
    )  # fmt: skip
    [record] = crm.insert("Leads", {"Last_Name": "A", "Owner": new})
    members = {
        "last_name": "Obi",
        "email": "obi@harbourpine.example",
        "Reporting_To": {"id": users["Priya"]["id"]},
    }
    assert outcomes(change(crm, new, **members), "users") == [("SUCCESS", "User updated")]
    assert crm.put("users", {"users": [{**new, "first_name": "Ngozi"}]}).status == 200
    assert one(crm, new)["Reporting_To"]["name"] == "Priya Raman"
    assert crm.only(f"Leads/{record}")["Owner"]["name"] == "Ngozi Obi"
    # A user may be sent back as it was read.
    assert crm.put("users", {"users": [one(crm, new)]}).status == 200


def test_a_wrong_user_is_refused(crm, users, caller_of):
    wrong = [
        ({"last_name": None}, "Last Name is required"),
        ({"email": "ana@HARBOURPINE.example"}, "Failed to add user since same email id is already present"),
        ({"email": "nobody"}, "Invalid Email Id. Please choose a different email id"),
        ({"email": None}, "required field not found"),
        ({"role": "12"}, "INVALID_DATA"),
        ({"time_zone": "Moon"}, "Give a proper time zone value"),
        ({"first_name": "<b>"}, "Special Characters Found"),
        ({"time_format": "h"}, "Pattern not matched"),
    ]  # fmt: skip
    for members, message in wrong:
        answer = crm.post("users", {"users": [person(users, **members)]})
        assert (answer.status, answer.json["users"][0]["message"]) == (400, message)
    two = crm.post("users", {"users": [person(users)] * 2})
    assert two.json["details"] == {"maximum_length": 1, "api_name": "users", "json_path": "$.users"}
    other = caller_of("acme", user=2)
    for answer in (
        other.post("users", {"users": [person(users)]}),
        change(other, users["Callum"], phone="1"),
        other.delete(f"users/{users['Callum']['id']}"),
    ):
        assert (answer.status, answer.body.count(b"Crm_Implied_Manage_Users")) == (403, 1)
    assert change(other, users["Priya"], phone="1", time_zone="Europe/Berlin").status == 200
    assert one(crm, users["Priya"])["offset"] == 3_600_000
    assert (
        outcomes(change(other, users["Priya"], profile=users["Ana"]["profile"]["id"]), "users")[0][0]
        == "INVALID_REQUEST"
    )


@pytest.mark.parametrize(
    ("name", "members", "status", "code"),
    [
        ("Priya", {"email": "priya@other.example"}, 400, "EMAIL_UPDATE_NOT_ALLOWED"),
        ("Priya", {"status": "active"}, 400, "ID_ALREADY_ACTIVE"),
        ("Helena", {"status": "inactive"}, 400, "ID_ALREADY_DEACTIVATED"),
        ("Priya", {"time_zone": "Europe/Berlin"}, 415, "INVALID_DATA"),
        ("Priya", {"type__s": "Lite"}, 400, "NOT_SUPPORTED"),
        ("Omar", {"phone": "1"}, 400, "CANNOT_UPDATE_DELETED_USER"),
        ("Ana", {"status": "inactive"}, 400, "INVALID_REQUEST"),
    ],
)  # fmt: skip
def test_what_can_not_change(crm, users, name, members, status, code):
    answer = change(crm, users[name], **members)
    assert (answer.status, answer.json["users"][0]["code"]) == (status, code)


def test_who_is_not_active_any_more_calls_in_vain(crm, users, caller_of, stranger):
    priya = caller_of("acme", user=2)
    [record] = priya.insert("Leads", {"Last_Name": "A"})
    assert change(crm, users["Priya"], status="inactive").status == 200
    assert (priya.get("Leads", fields="id").status, priya.get("Leads", fields="id").json["code"]) == (
        401,
        "INVALID_TOKEN",
    )
    assert change(crm, users["Priya"], status="active").status == 200
    assert priya.get("Leads", fields="id").status == 200
    assert stranger.delete(f"users/{users['Priya']['id']}").json["details"] == {"resource_path_index": 1}
    deleted = crm.delete(f"users/{users['Priya']['id']}")
    assert (outcomes(deleted, "users"), deleted.json["users"][0]["details"]) == (
        [("SUCCESS", "User deleted")],
        {"id": users["Priya"]["id"]},
    )
    assert outcomes(crm.delete(f"users/{users['Priya']['id']}"), "users") == [
        ("ID_ALREADY_DELETED", "User is already deleted")
    ]
    assert outcomes(crm.delete(f"users/{users['Ana']['id']}"), "users")[0][0] == "INVALID_REQUEST"
    assert priya.post("Leads", {"data": [{"Last_Name": "B"}]}).status == 401
    assert crm.only(f"Leads/{record}")["Owner"]["name"] == "Priya Raman"


def test_the_records_of_a_user_who_leaves_go_to_another_one(crm, users, monkeypatch):
    monkeypatch.setattr(mass, "AT_ONCE", 2)
    priya, callum = ({"id": users[name]["id"]} for name in ("Priya", "Callum"))
    leads = crm.insert(
        "Leads", *({"Last_Name": f"L{n}", "Owner": priya} for n in range(3)), {"Last_Name": "Own"}
    )
    [deal] = crm.insert("Deals", {"Deal_Name": "D", "Stage": "Qualification", "Owner": priya})
    change(crm, users["Yuki"], Reporting_To=priya)
    leaving = {**priya, "transfer": {"records": True, **callum}, "move_subordinate": callum}
    path = "users/actions/transfer_and_delete"
    wrong = crm.post(path, {"transfer_and_delete": [{**leaving, "transfer": {"records": True, **priya}}]})
    assert (
        wrong.json["transfer_and_delete"][0]["details"]["json_path"] == "$.transfer_and_delete[0].transfer.id"
    )
    answer = crm.post(path, {"transfer_and_delete": [leaving]})
    job = answer.json["transfer_and_delete"][0]["details"]["job_id"]
    assert crm.get(path, job_id=job).json == {"transfer_and_delete": [{"status": "SCHEDULED"}]}
    work(crm, job)
    assert crm.get(path, job_id=job).json == {"transfer_and_delete": [{"status": "COMPLETED"}]}
    owners = {lead["id"]: lead["Owner"]["name"] for lead in crm.get("Leads", fields="Owner").data}
    assert owners == dict.fromkeys(leads[:3], "Callum Reid") | {leads[3]: "Ana Moreira"}
    assert crm.only(f"Deals/{deal}")["Owner"]["name"] == "Callum Reid"
    assert one(crm, users["Yuki"])["Reporting_To"]["name"] == "Callum Reid"
    assert crm.get("users", type="DeletedUsers", ids=priya["id"]).json["users"][0]["status"] == "deleted"
    assert (
        crm.post(
            f"users/{callum['id']}/actions/transfer_and_delete", {"transfer_and_delete": [{"transfer": {}}]}
        ).status
        == 200
    )
