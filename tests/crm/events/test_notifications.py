"""What channels hear of changes, in every storage."""

import msgspec
import pytest

from tests.crm.events.receiver import deliver, watch


def outline(notifications):
    return [(told["operation"], told["module"], told["ids"]) for told in notifications]


def test_inserts_updates_and_deletes_are_told_in_their_order(crm, receiver):
    watch(crm, receiver.url + "?key=a b&key2=", "Leads.all", token="secret")
    first, second = crm.insert("Leads", {"Last_Name": "Ash"}, {"Last_Name": "Birch"})
    crm.put(f"Leads/{first}", {"data": [{"Company": "Elm", "Mobile": "1"}]})
    crm.delete("Leads", ids=f"{first},{second}")
    deliver(crm.service)
    told = receiver.told()
    assert outline(told) == [
        ("insert", "Leads", [first, second]),
        ("update", "Leads", [first]),
        ("delete", "Leads", [first, second]),
    ]
    assert [each["affected_fields"] for each in told] == [[], [{first: ["Company", "Mobile"]}], []]
    assert told[0] == {
        "server_time": int(crm.service.organisations.wrapped._clock.timestamp()) * 1000,
        "query_params": {"key": "a b", "key2": ""},
        "module": "Leads",
        "resource_uri": told[0]["resource_uri"],
        "ids": [first, second],
        "affected_fields": [],
        "operation": "insert",
        "channel_id": "1",
        "token": "secret",
        "path": "/hook?key=a+b&key2=",
    }
    assert told[0]["resource_uri"].endswith("/crm/v8/Leads")
    deliver(crm.service)
    assert receiver.told() == []


def test_channels_hear_what_each_wants(crm, receiver, stranger):
    watch(crm, receiver.url, "Leads.create", channel_id="1")
    watch(crm, receiver.url, "Leads.delete", "Contacts.create", channel_id="2")
    watch(stranger, receiver.url, "Leads.all", channel_id="3")
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash"})
    (contact,) = crm.insert("Contacts", {"Last_Name": "Birch"})
    crm.delete(f"Leads/{lead}")
    deliver(crm.service)
    told = sorted((each["channel_id"], each["operation"], each["ids"][0]) for each in receiver.told())
    assert told == [("1", "insert", lead), ("2", "delete", lead), ("2", "insert", contact)]


@pytest.mark.parametrize("operator", ["or", "and"])
def test_a_condition_lets_only_edits_of_its_fields_through(crm, receiver, operator):
    fields = [{"field": {"api_name": name}} for name in ("Company", "City")]
    condition = {
        "type": "field_selection",
        "module": {"api_name": "Leads"},
        "field_selection": {"group_operator": operator, "group": fields},
    }
    watch(crm, receiver.url, "Leads.edit", notification_condition=[condition])
    one, two = crm.insert("Leads", {"Last_Name": "Ash"}, {"Last_Name": "Birch"})
    both = {"id": two, "Company": "B", "City": "C", "Fax": "1"}
    crm.put("Leads", {"data": [{"id": one, "Company": "A"}, both]})
    crm.put("Leads", {"data": [{"id": one, "Fax": "1"}]})
    deliver(crm.service)
    assert [each["ids"] for each in receiver.told()] == [[one, two] if operator == "or" else [two]]


def test_values_are_those_of_the_change_even_if_they_have_changed_since(crm, receiver):
    watch(crm, receiver.url, "Contacts.edit", return_affected_field_values=True)
    (account,) = crm.insert("Accounts", {"Account_Name": "Elm"})
    (contact,) = crm.insert("Contacts", {"Last_Name": "Ash"})
    changes = {
        "Account_Name": account,
        "Email_Opt_Out": True,
        "Tag": [{"name": "tree"}],
        "Date_of_Birth": None,
    }
    crm.put(f"Contacts/{contact}", {"data": [changes]})
    crm.put(f"Contacts/{contact}", {"data": [{"Account_Name": None, "Email_Opt_Out": False}]})
    deliver(crm.service)
    first, last = (each["affected_values"] for each in receiver.told())
    (tag,) = first[0]["values"].pop("Tag")
    assert tag["name"] == "tree"
    values = {"Account_Name": {"name": "Elm", "id": account}, "Email_Opt_Out": True}
    assert first == [{"record_id": contact, "values": values}]
    assert last[0]["values"] == {"Account_Name": None, "Email_Opt_Out": False}


def test_related_records_are_told_unless_a_channel_does_not_want_it(crm, receiver):
    watch(crm, receiver.url, "Accounts.edit", channel_id="1")
    watch(crm, receiver.url, "Accounts.edit", channel_id="2", notify_on_related_action=False)
    elm, oak = crm.insert("Accounts", {"Account_Name": "Elm"}, {"Account_Name": "Oak"})
    (contact,) = crm.insert("Contacts", {"Last_Name": "Ash", "Account_Name": elm})
    crm.put(f"Contacts/{contact}", {"data": [{"Account_Name": oak}]})
    crm.delete(f"Contacts/{contact}")
    deliver(crm.service)
    told = receiver.told()
    assert [(each["channel_id"], each["ids"]) for each in told] == [
        ("1", [elm]),
        ("1", [elm, oak]),
        ("1", [oak]),
    ]
    assert all(each["affected_fields"] == [] for each in told)


def test_what_fails_or_comes_to_an_expired_channel_is_not_told(crm, receiver, clock):
    watch(crm, receiver.url, "Leads.all", channel_expiry="2026-02-06T09:20:56Z")
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash"})
    answer = crm.put(
        "Leads", {"data": [{"id": lead, "Company": "A"}, {"id": "1"}, {"id": lead, "Company": 7}]}
    )
    assert answer.status == 207
    deliver(crm.service)
    assert outline(receiver.told())[1:] == [("update", "Leads", [lead])]
    crm.insert("Leads", {"Last_Name": "waits"})
    clock.advance(600)
    crm.insert("Leads", {"Last_Name": "late"})
    deliver(crm.service)
    assert receiver.told() == []
    assert crm.get("actions/watch").status == 204


def test_a_conversion_tells_of_what_it_makes_and_of_the_lead(crm, receiver):
    watch(crm, receiver.url, "Leads.edit", "Contacts.create", notify_on_related_action=False)
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash"})
    assert crm.post(f"Leads/{lead}/actions/convert", {"data": [{}]}).status == 200
    deliver(crm.service)
    told = receiver.told()
    assert sorted((each["operation"], each["module"]) for each in told) == [
        ("insert", "Contacts"),
        ("update", "Leads"),
    ]
    (update,) = [each for each in told if each["operation"] == "update"]
    assert "Converted__s" in update["affected_fields"][0][lead]


def test_rows_of_a_subform_count_as_the_field(crm, receiver):
    watch(crm, receiver.url, "Quotes.edit", return_affected_field_values=True)
    (product,) = crm.insert("Products", {"Product_Name": "Nail", "Unit_Price": 1})
    item = {"Product_Name": product, "Quantity": 1}
    (quote,) = crm.insert("Quotes", {"Subject": "Q", "Quoted_Items": [item]})
    crm.put(f"Quotes/{quote}", {"data": [{"Quoted_Items": [item | {"Quantity": 2}]}]})
    deliver(crm.service)
    (told,) = receiver.told()
    assert "Quoted_Items" in told["affected_fields"][0][quote]
    assert "Sub_Total" in msgspec.json.encode(told["affected_values"]).decode()
