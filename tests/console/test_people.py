"""The screens of people, of one's own, and of programs, on a whole server."""

import json
import re

import pytest

from tests.flows.storages import each_storage

HOSTILE = "<img src=x onerror=alert(1)> {{7*7}}"


@each_storage
def test_an_owner_invites_somebody_by_a_link_that_is_shown_once(owner):
    owner.open("/console/people")
    page = owner.send("/people", email="eve.hostile@example.com", name=HOSTILE, role="support")
    assert (page.status, "<img" in page.text) == (200, False)
    assert len(re.findall(r"/welcome\?token=[\w-]+", page.text)) == 1
    listed = owner.open("/console/people")
    assert HOSTILE in listed.words
    assert "<img" not in listed.text
    assert "token=" not in json.dumps(owner.twin("/console/people"))
    [eve] = [one for one in owner.twin("/console/people")["people"] if one["name"] == HOSTILE]
    shown = owner.open(f"/console/people/{eve['id']}")
    assert ("invited" in shown.words, "<img" in shown.text) == (True, False)
    owner.open("/console/people")
    again = owner.send("/people", email="EVE.hostile@example.com", role="owner", name="")
    assert (again.status, 'value="EVE.hostile@example.com"' in again.text) == (409, True)
    owner.open(f"/console/people/{eve['id']}")
    assert "is removed." in owner.send("/remove").words


def test_everybody_has_a_page_of_their_own_and_old_addresses_lead_there(owner):
    page = owner.open("/me")
    assert page.at == "/console/me"
    assert "This browser" in page.words
    twin = owner.twin("/console/me")
    assert [session["is_here"] for session in twin["sessions"]] == [True]
    assert owner.cookie.partition("=")[2] not in json.dumps(twin)
    assert owner.open("/people").at == "/console/people"
    assert owner.open("/grants").at == "/console/grants"


@pytest.mark.parametrize("role", ["operator", "support"])
def test_who_manages_nobody_sees_themselves(join, role):
    visitor = join(role)
    assert visitor.open("/console/people").at == "/console/me"
    assert ("Programs" in visitor.page.words) == (role == "operator")
    assert visitor.open("/console/grants").status == (200 if role == "operator" else 403)
    assert visitor.open("/console/people/person_x").status == 403


def test_owners_and_operators_see_the_settings_and_where_they_come_from(member):
    for role in ("owner", "operator"):
        found = {row["name"]: row for row in member(role).twin("/console/settings")["settings"]}
        assert found["home"]["value"] == str(member(role).server.home)
        assert (found["rate_limit"]["source"], found["vault_key"]["value"]) == ("default", None)
        assert found["rate_limit"]["meaning"]
        assert "MOORAGE_RATE_LIMIT" in member(role).open("/console/settings").words


def test_others_see_no_settings(member):
    for role in ("approver", "support"):
        assert member(role).open("/console/settings").status == 403
        assert "Settings" not in member(role).open("/console/me").words


def test_what_a_form_about_somebody_can_not_do_is_told_at_the_form(owner):
    owner.open("/console/people")
    owner.send("/people", email="mallory@example.com", name="Mallory", role="support")
    [person] = [one for one in owner.twin("/console/people")["people"] if one["name"] == "Mallory"]
    page = owner.open(f"/console/people/{person['id']}")
    assert "The link stops working." in page.words and "End all sessions" not in page.words
    refused = owner.send("/role", role="king")
    assert (refused.status, refused.at.endswith("/role"), 'id="fault"' in refused.text) == (400, True, True)
    assert "is removed." in owner.send("/remove").words
    [me] = [one for one in owner.twin("/console/people")["people"] if one["name"] == owner.name]
    assert "This is you." in owner.open(f"/console/people/{me['id']}").words
