"""A query that is asked again gets what is right now, and for who asks: not what was right for the call before."""

from weakref import WeakKeyDictionary

import pytest

from moorage.crm.query.coql import kept
from tests.crm.settings.making_fields import deleted, field, made

READ = "ZohoCRM.coql.READ,ZohoCRM.modules.contacts.READ"
NAMES = "select Last_Name from Contacts where"


@pytest.fixture
def other(crm, caller_of):
    """Another user of the organisation."""
    return caller_of("acme", user=2)


@pytest.fixture
def checked(monkeypatch) -> list[str]:
    """The texts of queries that were checked, and not found as they were kept."""
    monkeypatch.setattr(kept, "_kept", WeakKeyDictionary())  # Organisations of tests share metadata.
    texts = []
    keep = kept.keep

    def noted(text, *others):
        texts.append(text)
        keep(text, *others)

    monkeypatch.setattr("moorage.crm.api.coql.keep", noted)
    return texts


def ask(caller, query, path="coql"):
    answer = caller.post(path, {"select_query": query})
    assert answer.status in {200, 204}, answer.body
    return answer.data if answer.status == 200 else []


def test_a_query_is_checked_once(crm, stranger, checked):
    query = f"{NAMES} id is not null"
    assert ask(crm, query) == []
    (identity,) = crm.insert("Contacts", {"Last_Name": "Ito"})
    assert ask(crm, query) == [{"Last_Name": "Ito", "id": identity}]
    assert checked == [query]
    assert ask(stranger, query) == []
    assert checked == [query] * 2


def test_who_asks(crm, other):
    users = crm.get("users").json["users"]
    crm.insert("Contacts", *({"Last_Name": str(place), "Owner": users[place]["id"]} for place in (0, 2)))
    query = f"{NAMES} Owner = '${{CURRENTUSER}}'"
    assert [ask(caller, query)[0]["Last_Name"] for caller in (crm, other, crm)] == ["0", "2", "0"]


def test_what_the_caller_may_read(crm, caller_of):
    crm.insert("Contacts", {"Last_Name": "Ito"})
    for query in (
        "select Account_Name.Industry from Contacts where id is not null",
        f"{NAMES} Account_Name in (select id from Accounts where id is not null) or id is not null",
    ):
        assert len(ask(crm, query)) == 1
        answer = caller_of("acme", READ).post("coql", {"select_query": query})
        assert (answer.status, answer.json["code"]) == (401, "OAUTH_SCOPE_MISMATCH")


def test_a_view_of_another_user(crm, other):
    view = {"name": "Mine", "access_type": "only_to_me", "fields": [{"api_name": "Last_Name"}]}
    answer = crm.post("settings/custom_views", {"custom_views": [view]}, module="Contacts")
    query = f"select id from Contacts#{answer.json['custom_views'][0]['details']['id']} where id is not null"
    assert ask(crm, query) == []
    assert other.post("coql", {"select_query": query}).json["code"] == "INVALID_QUERY"


def test_the_time(crm, clock, caller_of):
    crm.insert("Contacts", {"Last_Name": "Ito"})
    query = f"{NAMES} Created_Time = '${{TODAY}}'"
    assert len(ask(crm, query)) == 1
    clock.advance(24 * 3600)
    assert ask(caller_of("acme"), query) == []


def test_the_values_of_a_subquery(crm):
    query = f"{NAMES} Last_Name in (select Account_Name from Accounts where id is not null limit 5)"
    crm.insert("Contacts", {"Last_Name": "Ito"})
    assert ask(crm, query) == []
    crm.insert("Accounts", {"Account_Name": "Ito"})
    assert len(ask(crm, query)) == 1


def test_the_version(crm):
    crm.insert("Contacts", {"Last_Name": "Ito"})
    query = "select Owner from Contacts where id is not null limit 201"
    assert len(ask(crm, query)) == 1
    assert crm.post("/crm/v7/coql", {"select_query": query}).json["code"] == "LIMIT_EXCEEDED"
    query = query.removesuffix(" limit 201")
    v7, v6 = (ask(crm, query, f"/crm/{version}/coql")[0]["Owner"] for version in ("v7", "v6"))
    assert (set(v7), set(v6)) == ({"name", "id"}, {"id"})


def test_a_field_that_was_deleted(crm):
    (identity,) = made(crm, field("Colour", length=20), module="Contacts")
    crm.insert("Contacts", {"Last_Name": "Ito", "Colour": "red"})
    query = "select Colour from Contacts where Colour = 'red'"
    assert len(ask(crm, query)) == 1
    assert deleted(crm, identity, "Contacts").status == 200
    assert crm.post("coql", {"select_query": query}).json["code"] == "INVALID_QUERY"
