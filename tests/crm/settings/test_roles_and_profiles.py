"""Roles and profiles made, changed and deleted, and what becomes of their users."""

import pytest

from tests.crm.settings.changes import made, outcomes


@pytest.fixture
def roles(crm):
    return {role["name"]: role["id"] for role in crm.get("settings/roles").json["roles"]}


@pytest.fixture
def profiles(crm):
    return {profile["name"]: profile["id"] for profile in crm.get("settings/profiles").json["profiles"]}


def role(crm, identity):
    return crm.get(f"settings/roles/{identity}").json["roles"][0]


def clone(crm, profile, **spec):
    return crm.post(f"settings/profiles/{profile}/actions/clone", {"profiles": [spec]})


def person(crm, name):
    return next(user for user in crm.get("users").json["users"] if user["first_name"] == name)


def test_a_role_is_made_renamed_and_deleted_with_its_users_elsewhere(crm, roles, stranger):
    specs = {"name": "Lead", "reporting_to": roles["Manager"], "share_with_peers": True}, {"name": "Junior"}
    lead, junior = made(crm, "roles", "roles", *specs)
    assert (role(crm, lead)["reporting_to"]["name"], role(crm, junior)["reporting_to"]["name"]) == (
        "Manager",
        "CEO",
    )
    below = {"id": junior, "reporting_to": {"id": lead}}
    answer = crm.put("settings/roles", {"roles": [below, {"id": "12", "name": "X"}]})
    assert (answer.status, [code for code, _ in outcomes(answer, "roles")]) == (
        207,
        ["SUCCESS", "INVALID_DATA"],
    )
    priya = person(crm, "Priya")["id"]
    crm.put(f"users/{priya}", {"users": [{"role": lead}]})
    renamed = crm.put(f"settings/roles/{lead}", {"roles": [{"name": "Head", "description": "of sales"}]})
    assert outcomes(renamed, "roles") == [("SUCCESS", "Role updated")]
    assert (person(crm, "Priya")["role"]["name"], role(crm, junior)["reporting_to"]["name"]) == (
        "Head",
        "Head",
    )
    assert stranger.delete(f"settings/roles/{lead}", transfer_to_id=junior).status == 400
    deleted = crm.delete(f"settings/roles/{lead}", transfer_to_id=junior)
    assert outcomes(deleted, "roles") == [("SUCCESS", "Role Deleted")]
    assert (person(crm, "Priya")["role"]["name"], role(crm, junior)["reporting_to"]["name"]) == (
        "Junior",
        "Manager",
    )


def test_a_wrong_role_is_refused(crm, roles, caller_of):
    above = {"reporting_to": roles["Manager"]}
    for members, code in (
        ({"name": "ceo"}, "DUPLICATE_DATA"), ({"name": None}, "MANDATORY_NOT_FOUND"),
        ({"name": "R" * 201}, "INVALID_DATA"),
        ({"reporting_to": "12"}, "INVALID_DATA"), ({"share_with_peers": 1}, "INVALID_DATA"),
    ):  # fmt: skip
        answer = crm.post("settings/roles", {"roles": [{"name": "New", **members}]})
        assert (answer.status, answer.json["roles"][0]["code"]) == (400, code)
    for name in ("CEO", "Manager"):  # Nobody is above the first role, and no role is above itself.
        assert crm.put(f"settings/roles/{roles[name]}", {"roles": [above]}).status == 400
    assert crm.delete(f"settings/roles/{roles['Manager']}").json["code"] == "REQUIRED_PARAM_MISSING"
    wrong = crm.delete(f"settings/roles/{roles['Manager']}", transfer_to_id="12")
    assert outcomes(wrong, "roles") == [("INVALID_DATA", "invalid transferToId")]
    assert crm.delete(f"settings/roles/{roles['CEO']}", transfer_to_id=roles["Manager"]).status == 400
    assert caller_of("acme", user=2).post("settings/roles", {"roles": [{"name": "New"}]}).status == 403


def test_a_profile_is_cloned_changed_and_deleted(crm, profiles, caller_of, stranger):
    answer = clone(crm, profiles["Standard"], name="Sales", description="who sell")
    assert (answer.status, outcomes(answer, "profiles")) == (
        201,
        [("SUCCESS", "profile created successfully")],
    )
    sales = answer.json["profiles"][0]["details"]["id"]
    shown = crm.get(f"settings/profiles/{sales}").json["profiles"][0]
    assert (shown["name"], shown["custom"], shown["description"]) == ("Sales", True, "who sell")
    permissions = {each["name"]: each["id"] for each in shown["permissions_details"]}
    callum = person(crm, "Callum")["id"]
    crm.put(f"users/{callum}", {"users": [{"profile": sales}]})
    # A permission that a profile is given is worth something.
    seller = caller_of("acme", user=3)
    assert seller.post("settings/roles", {"roles": [{"name": "Own"}]}).status == 403
    given = [{"id": permissions["Crm_Implied_Customize_Zoho_CRM"], "enabled": True}]
    change = {"name": "Sellers", "permissions_details": given}
    changed = crm.put(f"settings/profiles/{sales}", {"profiles": [change]})
    assert outcomes(changed, "profiles") == [("SUCCESS", "profile updated successfully")]
    assert seller.post("settings/roles", {"roles": [{"name": "Own"}]}).status == 201
    assert person(crm, "Callum")["profile"]["name"] == "Sellers"
    assert seller.put(f"settings/profiles/{sales}", {"profiles": [change]}).json["code"] == "NO_PERMISSION"
    assert stranger.put(f"settings/profiles/{sales}", {"profiles": [change]}).status == 400
    missing = crm.delete(f"settings/profiles/{sales}").json
    assert (missing["code"], missing["details"]) == ("MANDATORY_NOT_FOUND", {"param": "transfer_to"})
    assert crm.delete(f"settings/profiles/{sales}", transfer_to="12").json["code"] == "INVALID_DATA"
    deleted = crm.delete(f"settings/profiles/{sales}", transfer_to=profiles["Standard"]).json
    assert (deleted["message"], deleted["details"]) == ("Profile deleted", {"id": sales})
    assert person(crm, "Callum")["profile"]["name"] == "Standard"


def test_a_wrong_profile_is_refused(crm, profiles):
    for members, code in (
        ({"name": "standard"}, "DUPLICATE_DATA"), ({}, "MANDATORY_NOT_FOUND"), ({"name": "a#b"}, "INVALID_DATA"),
        ({"name": "P" * 51}, "INVALID_DATA"), ({"name": "P", "description": "d" * 251}, "INVALID_DATA"),
    ):  # fmt: skip
        answer = clone(crm, profiles["Standard"], **members)
        assert (answer.status, answer.json["profiles"][0]["code"]) == (400, code)
    system = f"settings/profiles/{profiles['Administrator']}"
    assert (
        crm.put(system, {"profiles": [{"name": "Boss"}]}).json["message"]
        == "System profile cannot be updated"
    )
    assert (
        crm.delete(system, transfer_to=profiles["Standard"]).json["message"]
        == "System profile cannot be deleted"
    )
    [outcome] = clone(crm, profiles["Standard"], name="Sales").json["profiles"]
    wrong = [{"permissions_details": [{"id": "12", "enabled": True}]}]
    refused = crm.put(f"settings/profiles/{outcome['details']['id']}", {"profiles": wrong}).json["profiles"][
        0
    ]
    assert (refused["message"], refused["details"]["json_path"]) == (
        "Invalid permission ID", "$.profiles[0].permissions_details[0].id",
    )  # fmt: skip
