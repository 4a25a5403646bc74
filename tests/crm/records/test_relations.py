"""Relations of many records to many: made and removed from either side, with the values of each link."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UNKNOWN = "7243485000000999999"


@pytest.fixture
def leads(crm):
    return crm.insert("Leads", *({"Last_Name": name} for name in "abc"))


@pytest.fixture
def campaigns(crm):
    return crm.insert("Campaigns", {"Campaign_Name": "Spring"}, {"Campaign_Name": "Autumn"})


def relate(crm, path, *records):
    return crm.put(path, {"data": list(records)})


def told(answer):
    return [(outcome["code"], outcome["message"], outcome["details"]) for outcome in answer.data]


def listed(crm, path, *fields):
    answer = crm.get(path, fields=",".join(("id", *fields)), sort_by="id", sort_order="asc")
    assert answer.status in {200, 204}, answer.body
    return [tuple(record[name] for name in ("id", *fields)) for record in answer.data] if answer.body else []


def test_both_sides_show_a_relation_with_its_status(crm, leads, campaigns):
    (a, b, c), (spring, autumn) = leads, campaigns
    sent = [{"id": a, "Member_Status": "Invited"}, {"id": b}]
    answer = relate(crm, f"Campaigns/{spring}/Leads", *sent)
    assert (answer.status, told(answer)) == (
        200, [("SUCCESS", "relation added", {"id": a}), ("SUCCESS", "relation added", {"id": b})],
    )  # fmt: skip
    assert relate(crm, f"Leads/{c}/Campaigns/{spring}", {"Member_Status": "Came"}).status == 200
    members = [(a, "Invited"), (b, None), (c, "Came")]
    assert listed(crm, f"Campaigns/{spring}/Leads", "Member_Status") == members
    assert listed(crm, f"Leads/{a}/Campaigns", "Member_Status") == [(spring, "Invited")]
    changed = relate(crm, f"Leads/{a}/Campaigns", {"id": spring, "Member_Status": "Came"}, {"id": autumn})
    assert changed.status == 200
    assert listed(crm, f"Leads/{a}/Campaigns", "Campaign_Name", "Member_Status") == [
        (spring, "Spring", "Came"), (autumn, "Autumn", None),
    ]  # fmt: skip
    (whole,) = crm.get(f"Campaigns/{spring}/Leads/{a}").data
    assert (whole["Last_Name"], whole["Member_Status"]) == ("a", "Came")
    assert "Member_Status" not in crm.get(f"Campaigns/{spring}/Leads", fields="Last_Name").data[0]


def test_relations_are_removed_from_either_side(crm, leads, campaigns):
    (a, b, c), (spring, autumn) = leads, campaigns
    assert crm.delete(f"Campaigns/{spring}/Leads/{a}").data[0]["message"] == "relation not found"
    relate(crm, f"Campaigns/{spring}/Leads", *({"id": lead} for lead in leads))
    relate(crm, f"Leads/{a}/Campaigns", {"id": autumn})
    answer = crm.delete(f"Campaigns/{spring}/Leads", ids=f"{b},{UNKNOWN}")
    assert (answer.status, told(answer)) == (
        207,
        [
            ("SUCCESS", "relation removed", {"id": b}),
            ("INVALID_DATA", "relation not found", {"id": UNKNOWN}),
        ],
    )
    assert crm.delete(f"Leads/{c}/Campaigns/{spring}").status == 200
    assert listed(crm, f"Campaigns/{spring}/Leads") == [(a,)]
    assert listed(crm, f"Leads/{a}/Campaigns") == [(spring,), (autumn,)]


def test_what_can_not_be_related_is_told_and_the_rest_is_related(crm, leads, campaigns):
    spring = campaigns[0]
    sent = [{"id": leads[0]}, {"id": UNKNOWN}, {}, {"id": "x"}, 5, {"id": leads[1], "Member_Status": 5}]
    answer = relate(crm, f"Campaigns/{spring}/Leads", *sent)
    assert answer.status == 207
    assert [(code, details.get("json_path")) for code, _, details in told(answer)] == [
        ("SUCCESS", None),
        ("INVALID_DATA", "$.data[1].id"),
        ("MANDATORY_NOT_FOUND", "$.data[2].id"),
        ("INVALID_DATA", "$.data[3].id"),
        ("INVALID_DATA", "$.data[4]"),
        ("INVALID_DATA", "$.data[5].Member_Status"),
    ]
    assert listed(crm, f"Campaigns/{spring}/Leads") == [(leads[0],)]
    assert relate(crm, f"Campaigns/{spring}/Leads/{UNKNOWN}", {}).status == 400
    assert crm.delete(f"Campaigns/{spring}/Leads/{UNKNOWN}").status == 400


def test_a_request_that_can_not_be_done_is_refused_whole(crm, leads, campaigns):
    lead, spring = leads[0], campaigns[0]
    path = f"Campaigns/{spring}/Leads"
    missing = crm.delete(path)
    assert (missing.json["code"], missing.json["details"]) == ("MANDATORY_NOT_FOUND", {"param_name": "ids"})
    many = crm.delete(path, ids=",".join(str(n) for n in range(1, 102)))
    assert many.json["details"] == {"limit": "100", "param_name": "ids"}
    for answer in (
        relate(crm, f"Campaigns/{UNKNOWN}/Leads", {"id": lead}),
        crm.delete(f"Campaigns/{UNKNOWN}/Leads", ids=lead),
    ):
        assert (answer.status, answer.json["details"]) == (400, {"resource_path_index": 1})
    assert relate(crm, f"Campaigns/{spring}/Nothing", {"id": lead}).json["details"] == {
        "resource_path_index": 2
    }
    assert relate(crm, f"Campaigns/{spring}/Deals", {"id": lead}).json["code"] == "NOT_SUPPORTED"
    # Nothing was related, so there is no module for links yet.
    assert crm.service.organisations.open(crm.organisation).catalog.links_of("Leads Campaigns") is None


def test_a_deleted_record_is_in_no_list_of_the_others(crm, leads, campaigns):
    (a, b, _), (spring, autumn) = leads, campaigns
    for campaign in campaigns:
        relate(crm, f"Campaigns/{campaign}/Leads", {"id": a}, {"id": b})
    assert crm.delete(f"Leads/{a}").status == crm.delete(f"Campaigns/{autumn}").status == 200
    assert listed(crm, f"Campaigns/{spring}/Leads") == [(b,)]
    assert listed(crm, f"Leads/{b}/Campaigns") == [(spring,)]


def test_the_lists_of_a_deleted_record_are_read(crm, leads, campaigns):
    (a, b, _), (spring, autumn) = leads, campaigns
    path = f"Campaigns/deleted/{spring}/Leads"
    assert crm.get(path, fields="id").status == 404
    relate(crm, f"Campaigns/{spring}/Leads", {"id": a, "Member_Status": "Came"}, {"id": b})
    relate(crm, f"Campaigns/{autumn}/Leads", {"id": a})
    assert crm.delete(f"Campaigns/{spring}").status == crm.delete(f"Leads/{b}").status == 200
    (member,) = crm.get(path, fields="Last_Name,Member_Status").data
    assert (member["id"], member["Last_Name"], member["Member_Status"]) == (a, "a", "Came")
    now = "2026-02-06T01:10:56-08:00"
    info = member["$member_info"]
    assert (info["Created_Time"], info["Modified_Time"], info["id"].isdigit()) == (now, now, True)
    missing = crm.get(f"Campaigns/deleted/{autumn}/Leads", fields="id")
    assert (missing.status, missing.json) == (
        404,
        {
            "code": "INVALID_DATA", "details": {"resource_path_index": 2},
            "message": "The record does not exist", "status": "error",
        },
    )  # fmt: skip
    assert crm.get(f"Campaigns/deleted/{spring}/Nothing", fields="id").json["details"] == {
        "resource_path_index": 3
    }
    assert crm.get(f"Leads/deleted/{spring}/Campaigns", fields="id").status == 404


def test_relations_come_back_with_their_record_and_go_for_good_with_it(service, crm, leads, campaigns):
    (a, b, _), (spring, _) = leads, campaigns
    relate(crm, f"Campaigns/{spring}/Leads", {"id": a, "Member_Status": "Came"}, {"id": b})
    assert crm.delete("Leads", ids=f"{a},{b}").status == 200
    assert listed(crm, f"Campaigns/{spring}/Leads") == []
    restored = crm.post("settings/recycle_bin/actions/restore", {"ids": [a]})
    assert restored.status == 200, restored.body
    assert listed(crm, f"Campaigns/{spring}/Leads", "Member_Status") == [(a, "Came")]
    assert crm.delete("settings/recycle_bin", ids=b).status == 200
    organisation = service.organisations.open(crm.organisation)
    links = organisation.catalog.links_of("Leads Campaigns")

    async def count():
        return await organisation.store.count(links, [])

    run = vars(service).get("_run", asyncio.run)
    assert run(count()) == 1


def test_a_product_has_its_price_in_each_price_book(crm):
    (rope,) = crm.insert("Products", {"Product_Name": "Rope"})
    details = [{"from_range": 1, "to_range": 9, "discount": 5}]
    (book,) = crm.insert("Price_Books", {"Price_Book_Name": "Trade", "Pricing_Details": details})
    refused = relate(crm, f"Products/{rope}/Price_Books", {"id": book})
    assert told(refused)[0] == (
        "MANDATORY_NOT_FOUND", "required field not found",
        {"api_name": "list_price", "json_path": "$.data[0].list_price"},
    )  # fmt: skip
    assert relate(crm, f"Products/{rope}/Price_Books", {"id": book, "list_price": 50.56}).status == 200
    assert listed(crm, f"Price_Books/{book}/Products", "list_price") == [(rope, 50.56)]
    assert listed(crm, f"Products/{rope}/Price_Books", "list_price") == [(book, 50.56)]


@pytest.mark.parametrize(
    ("module", "record"),
    [
        ("Leads", {"Last_Name": "a"}),
        ("Accounts", {"Account_Name": "a"}),
        ("Contacts", {"Last_Name": "a"}),
        ("Deals", {"Deal_Name": "a", "Stage": "Qualification"}),
    ],
)
def test_products_are_related_with_those_who_want_them(crm, module, record):
    (rope,) = crm.insert("Products", {"Product_Name": "Rope"})
    (wanting,) = crm.insert(module, record)
    assert relate(crm, f"{module}/{wanting}/Products", {"id": rope}).status == 200
    assert listed(crm, f"Products/{rope}/{module}") == [(wanting,)]
    assert crm.delete(f"Products/{rope}/{module}/{wanting}").status == 200
    assert listed(crm, f"{module}/{wanting}/Products") == []


class TestContactRoles:
    @pytest.fixture
    def deal(self, crm):
        return crm.insert("Deals", {"Deal_Name": "Boat", "Stage": "Qualification"})[0]

    @pytest.fixture
    def contacts(self, crm):
        return crm.insert("Contacts", {"Last_Name": "a"}, {"Last_Name": "b"})

    def roles(self, crm):
        return {role["name"]: role["id"] for role in crm.get("Contacts/roles").json["contact_roles"]}

    def test_contacts_have_roles_in_a_deal(self, crm, deal, contacts):
        (a, b), roles = contacts, self.roles(crm)
        path = f"Deals/{deal}/Contact_Roles"
        assert relate(crm, f"{path}/{a}", {"Contact_Role": {"name": "Purchasing"}}).status == 200
        assert relate(crm, path, {"id": b, "Contact_Role": {"id": roles["Decision Maker"]}}).status == 200
        purchasing = {"name": "Purchasing", "id": roles["Purchasing"]}
        assert listed(crm, path, "Last_Name", "Contact_Role") == [
            (a, "a", purchasing), (b, "b", {"name": "Decision Maker", "id": roles["Decision Maker"]}),
        ]  # fmt: skip
        assert listed(crm, f"Contacts/{a}/Deals") == [(deal,)]
        refused = relate(crm, f"{path}/{a}", {"Contact_Role": {"name": "Captain"}})
        assert told(refused)[0][2] == {"api_name": "Contact_Role", "json_path": "$.data[0].Contact_Role"}
        assert crm.delete(f"Contacts/roles/{roles['Purchasing']}").status == 200
        assert crm.get(path, fields="Contact_Role", ids=a).data[0]["Contact_Role"] is None
        assert crm.delete(f"{path}/{b}").data[0]["message"] == "relation removed"
        assert listed(crm, path) == [(a,)]

    def test_roles_are_added_renamed_moved_and_removed(self, crm):
        first = self.roles(crm)
        sent = [{"name": "Captain", "sequence_number": 1}, {"name": "captain"}, {}, {"name": "x" * 51}]
        answer = crm.post("Contacts/roles", {"contact_roles": sent})
        outcomes = answer.json["contact_roles"]
        assert (answer.status, [outcome["code"] for outcome in outcomes]) == (
            207, ["SUCCESS", "DUPLICATE_DATA", "MANDATORY_NOT_FOUND", "INVALID_DATA"],
        )  # fmt: skip
        captain = outcomes[0]["details"]["id"]
        assert (list(self.roles(crm)), outcomes[0]["message"]) == (["Captain", *first], "contact role added")
        change = {"contact_roles": [{"id": captain, "name": "Skipper", "sequence_number": 2}]}
        assert crm.put("Contacts/roles", change).json["contact_roles"][0]["message"] == "contact role updated"
        assert list(self.roles(crm))[:2] == [next(iter(first)), "Skipper"]
        moved = crm.put(f"Contacts/roles/{captain}", {"contact_roles": [{"sequence_number": 99}]})
        assert (moved.status, list(self.roles(crm))) == (200, [*first, "Skipper"])
        assert crm.get(f"Contacts/roles/{captain}").json["contact_roles"] == [
            {"id": captain, "name": "Skipper", "sequence_number": 8}
        ]
        gone = crm.delete("Contacts/roles", ids=",".join([*first.values(), UNKNOWN]))
        assert (gone.status, gone.json["contact_roles"][-1]["details"]) == (207, {"id": UNKNOWN})
        assert crm.delete(f"Contacts/roles/{captain}").status == 200
        assert crm.get("Contacts/roles").status == crm.get(f"Contacts/roles/{captain}").status == 204
        assert crm.put(f"Contacts/roles/{captain}", {"contact_roles": [{"name": "a"}]}).status == 400


def test_the_module_of_links_is_shown_nowhere(crm, leads, campaigns):
    before = crm.get("settings/modules").body
    relate(crm, f"Campaigns/{campaigns[0]}/Leads", {"id": leads[0]})
    links = crm.service.organisations.open(crm.organisation).catalog.links_of("Leads Campaigns")
    assert crm.get("settings/modules").body == before
    for path in (links.api_name, f"settings/modules/{links.api_name}", f"settings/modules/{links.id}"):
        assert crm.get(path, fields="id").json["code"] == "INVALID_MODULE"
    assert crm.get("settings/fields", module=links.api_name).json["code"] == "INVALID_MODULE"
    assert crm.post(links.api_name, {"data": [{"Leads": leads[1]}]}).json["code"] == "INVALID_MODULE"


def test_snapshots_keep_relations_and_may_be_older_than_all_of_them(service, crm, leads, campaigns, tmp_path):
    path = f"Campaigns/{campaigns[0]}/Leads"
    service.organisations.snapshot("acme", tmp_path / "before.db")
    relate(crm, path, {"id": leads[0], "Member_Status": "Came"})
    service.organisations.snapshot("acme", tmp_path / "after.db")
    service.organisations.restore("acme", tmp_path / "before.db")
    assert listed(crm, path) == []
    assert relate(crm, path, {"id": leads[1]}).status == 200
    service.organisations.restore("acme", tmp_path / "after.db")
    assert listed(crm, path, "Member_Status") == [(leads[0], "Came")]


steps = st.tuples(st.booleans(), st.booleans(), st.integers(0, 2), st.integers(0, 1))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(taken=st.lists(steps, max_size=6))
def test_in_any_order_both_sides_are_the_set_that_python_has(crm, leads, campaigns, taken):
    for campaign in campaigns:
        crm.delete(f"Campaigns/{campaign}/Leads", ids=",".join(leads))
    pairs = set()
    for adds, from_lead, number, other in taken:
        lead, campaign = leads[number], campaigns[other]
        path = f"Leads/{lead}/Campaigns/{campaign}" if from_lead else f"Campaigns/{campaign}/Leads/{lead}"
        answer = crm.put(path, {"data": [{}]}) if adds else crm.delete(path)
        assert answer.status == (200 if adds or (lead, campaign) in pairs else 400)
        pairs = pairs | {(lead, campaign)} if adds else pairs - {(lead, campaign)}
    for campaign in campaigns:
        assert {(lead, campaign) for (lead,) in listed(crm, f"Campaigns/{campaign}/Leads")} == {
            pair for pair in pairs if pair[1] == campaign
        }
    for lead in leads:
        shown = {(lead, campaign) for (campaign,) in listed(crm, f"Leads/{lead}/Campaigns")}
        assert shown == {pair for pair in pairs if pair[0] == lead}
