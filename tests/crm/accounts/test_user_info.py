"""`/oauth/user/info` tells who a token stands for."""

import pytest

PROFILE = "AaaServer.profile.READ"


def ask(caller, method="GET"):
    answer = caller.call(method, "/oauth/user/info")
    return answer.status, answer.json


def test_it_names_the_user(crm, caller_of):
    user = caller_of("acme").get("users", type="CurrentUser").json["users"][0]
    assert ask(caller_of("acme", PROFILE)) == (
        200,
        {
            "First_Name": "Ana",
            "Last_Name": "Moreira",
            "Email": "ana@harbourpine.example",
            "Display_Name": "Ana Moreira",
            "ZUID": int(user["zuid"]),
        },
    )


def test_a_stranger_is_told_of_themselves(crm, stranger, caller_of):
    assert ask(caller_of("other", PROFILE))[1]["ZUID"] != ask(caller_of("acme", PROFILE))[1]["ZUID"]


def test_it_needs_its_scope(crm):
    assert ask(crm) == (401, {"error": "INVALID_OAUTHSCOPE"})


def test_it_needs_a_token(crm, nobody, caller_of, clock):
    assert ask(nobody) == (401, {"error": "INVALID_OAUTHTOKEN"})
    caller = caller_of("acme", PROFILE)
    clock.advance(3600)
    assert ask(caller) == (401, {"error": "INVALID_OAUTHTOKEN"})


def test_with_its_organisation_a_token_ends(crm, caller_of, service):
    caller = caller_of("acme", PROFILE)
    assert ask(caller)[0] == 200
    service.organisations.delete("acme")
    assert ask(caller) == (401, {"error": "INVALID_OAUTHTOKEN"})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_is_read_only(kept_crm, method):
    assert ask(kept_crm, method)[0] == 405
