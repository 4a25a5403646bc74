"""A record is shared with users and roles, and it is said with whom."""

import pytest


@pytest.fixture
def lead(crm):
    return crm.insert("Leads", {"Last_Name": "Moor"})[0]


@pytest.fixture
def path(lead):
    return f"Leads/{lead}/actions/share"


@pytest.fixture
def users(crm):
    active = crm.get("users", type="ActiveUsers").json["users"]
    return [{"name": user["full_name"], "id": user["id"]} for user in active]


def to(user, permission="read_only", **more):
    return {"shared_with": {"id": user["id"], "type": "users"}, "permission": permission, **more}


def test_a_share_is_shown_changed_and_revoked(crm, lead, path, users):
    me, other, third, *_ = users
    zuid = crm.get(f"users/{other['id']}").json["users"][0]["zuid"]
    assert crm.get(path).status == 204
    done = crm.post(path, {"share": [to(other, "full_access", share_related_records=True)]})
    assert (done.status, done.json) == (
        201,
        {
            "share": [
                {
                    "code": "SUCCESS",
                    "details": {},
                    "message": "record will be shared successfully",
                    "status": "success",
                }
            ]
        },
    )
    module = crm.get("settings/modules/Leads").json["modules"][0]["id"]
    shown = crm.get(path, view="manage").json
    assert shown["share"] == [
        {
            "shared_with": {**other, "type": "users", "zuid": zuid},
            "share_related_records": True,
            "shared_through": {
                "module": {"name": "Leads", "id": module}, "name": "Moor", "id": lead, "entity_name": "Moor",
            },
            "shared_time": "2026-02-06T01:10:56-08:00",
            "permission": "full_access",
            "shared_by": me,
            "user": other,
            "type": "private",
        }
    ]  # fmt: skip
    assert shown["shareable_user"] == users[2:]
    mixed = crm.post(path, {"share": [to(other), to(third)]})
    assert (mixed.status, mixed.json["share"][0]["message"]) == (
        207,
        "record is already visible to the user.",
    )
    assert crm.put(path, {"share": [to(other, "read_write")]}).status == 201
    assert [s["permission"] for s in crm.get(path).json["share"]] == ["read_write", "read_only"]
    assert len(crm.get(path, sharedTo=third["id"]).json["share"]) == 1
    assert crm.delete(path).json == {
        "share": {
            "code": "SUCCESS",
            "details": {"id": lead},
            "message": "Sharing Revoked",
            "status": "success",
        }
    }
    again = crm.delete(path)
    assert (again.status, again.json["code"]) == (400, "CANNOT_PROCESS")


def test_roles_take_shares_too_five_at_most(crm, path):
    roles = crm.get("settings/roles").json["roles"]
    share = {
        "shared_with": {"id": roles[0]["id"], "type": "roles"},
        "permission": "read_only",
        "type": "public",
    }
    assert crm.post(path, {"share": [share]}).status == 201
    shown = crm.get(path).json["share"][0]
    assert shown["shared_with"] == {
        "name": roles[0]["name"],
        "id": roles[0]["id"],
        "type": "roles",
        "zuid": None,
    }
    assert (shown["user"], shown["type"]) == (None, "public")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"permission": None}, "required field not found"),
        ({"permission": "all"}, "Permission is invalid"),
        ({"shared_with": None}, "required field not found"),
        ({"shared_with": {"id": "5"}}, "invalid user Id"),
        ({"shared_with": {"id": "5", "type": "groups"}}, "invalid user Id"),
        ({"shared_with": {"id": "5", "type": "people"}}, "invalid data"),
        ({"share_related_records": "x"}, "invalid data"),
        ({"type": "x"}, "invalid data"),
    ],
)
def test_what_is_no_share_is_refused(crm, path, users, change, message):
    refused = crm.post(path, {"share": [to(users[1]) | change]})
    assert (refused.status, refused.json["share"][0]["message"]) == (400, message)
    assert refused.json["share"][0]["details"]["json_path"].startswith("$.share[0]")


def test_who_can_not_get_a_share_and_what_can_not_be_shared(crm, path, users):
    mine = crm.post(path, {"share": [to(users[0])]})
    assert mine.json["share"][0]["message"] == "cannot share to the user"
    unknown = crm.post("Leads/5/actions/share", {"share": [to(users[1])]})
    assert (unknown.json["message"], unknown.json["details"]) == (
        "ENTITY_ID_INVALID",
        {"resource_path_index": 1},
    )
    assert crm.get("Leads/5/actions/share").json["message"] == "ENTITY_ID_INVALID"
    notes = crm.post("Notes/5/actions/share", {"share": [to(users[1])]})
    assert (notes.status, notes.json["code"]) == (403, "NOT_ALLOWED")
    assert crm.post(path, {}).json["code"] == "MANDATORY_NOT_FOUND"
    assert crm.post(path, {"share": [to(users[1])] * 21}).json["details"]["maximum_length"] == 20


def test_more_than_ten_users_are_refused(crm, path, users, monkeypatch):
    from moorage.crm.api.records import shares

    monkeypatch.setitem(shares.MOST, "users", 1)
    refused = crm.post(path, {"share": [to(users[1]), to(users[2])]})
    assert (refused.status, refused.json["share"][1]["code"]) == (207, "LIMIT_EXCEEDED")
    assert refused.json["share"][1]["details"]["limit"] == 1
