"""POST /crm/v8/coql through the CRM's door, on every storage."""

import pytest

WORK = "Account_Name.Industry"
WHERE = "where id is not null"


@pytest.fixture
def ask(crm):
    def ask(query, path="coql", **body):
        return crm.post(path, {"select_query": query, **body})

    return ask


@pytest.fixture
def rows(ask):
    """The data of a query that has to be right; nothing for 204."""

    def rows(query):
        answer = ask(query)
        assert answer.status in {200, 204}, answer.body
        return answer.data if answer.status == 200 else []

    return rows


@pytest.fixture
def ids(crm):
    """Two accounts, of which the second belongs to the first, three contacts, and a task about an account."""
    (parent,) = crm.insert(
        "Accounts", {"Account_Name": "Harbour", "Industry": "Shipping", "Annual_Revenue": 100.5}
    )
    (child,) = crm.insert(
        "Accounts", {"Account_Name": "Pier", "Parent_Account": parent, "Annual_Revenue": 50}
    )
    people = crm.insert(
        "Contacts",
        {"Last_Name": "O'Brien", "Email": "obrien@pier.example", "Account_Name": child},
        {"Last_Name": "ito", "Account_Name": parent, "Email_Opt_Out": True},
        {"Last_Name": "Zhou"},
    )
    task = {"Subject": "Call", "What_Id": parent, "$se_module": "Accounts", "Due_Date": "2026-03-01"}
    return {"parent": parent, "child": child, "people": people, "task": crm.insert("Tasks", task)[0]}


def test_records_with_what_lookups_lead_to(rows, ask, ids):
    query = (
        f"select Last_Name as 'name', Account_Name, {WORK}, 'Account_Name.Parent_Account.Account_Name', Email_Opt_Out,"
        " Owner, Owner.last_name, Owner.profile.name from Contacts where id is not null order by Last_Name limit 2"
    )
    owner = rows("select Owner from Contacts where id is not null limit 1")[0]["Owner"]
    assert set(owner) == {"name", "id"}
    assert rows(query) == [
        {
            "name": "ito", "Account_Name": {"name": "Harbour", "id": ids["parent"]}, WORK: "Shipping",
            "Account_Name.Parent_Account.Account_Name": None, "Email_Opt_Out": True, "Owner": owner,
            "Owner.last_name": owner["name"].split()[-1], "Owner.profile.name": "Administrator",
            "id": ids["people"][1],
        },
        {
            "name": "O'Brien", "Account_Name": {"name": "Pier", "id": ids["child"]}, WORK: None,
            "Account_Name.Parent_Account.Account_Name": "Harbour", "Email_Opt_Out": False, "Owner": owner,
            "Owner.last_name": owner["name"].split()[-1], "Owner.profile.name": "Administrator",
            "id": ids["people"][0],
        },
    ]  # fmt: skip
    assert ask(query).json["info"] == {"count": 2, "more_records": True}


CONDITIONS = [
    ("Last_Name = 'O''Brien'", "O'Brien"),
    ("Last_Name = 'ITO'", "ito"),
    ("Last_Name != 'ito'", "O'Brien Zhou"),
    ("Last_Name like 'o%'", "O'Brien"),
    ("Last_Name like '%HO%'", "Zhou"),
    ("Last_Name not like '%o%'", ""),
    ("Last_Name in ('ito', 'zhou')", "ito Zhou"),
    ("Account_Name is null", "Zhou"),
    ("Account_Name.Industry is null", "O'Brien Zhou"),
    ("Account_Name.Industry = 'shipping'", "ito"),
    ("Account_Name.Industry != 'Shipping'", "O'Brien Zhou"),
    ("Account_Name.Annual_Revenue between 60 and 101", "ito"),
    ("Account_Name.Parent_Account.Account_Name = 'harbour'", "O'Brien"),
    ("Account_Name.Parent_Account.Owner.last_name is not null", "O'Brien"),
    ("Email_Opt_Out = true", "ito"),
    ("Email_Opt_Out = 'false'", "O'Brien Zhou"),
    ("(Email is null and Account_Name is not null) or Last_Name = 'Zhou'", "ito Zhou"),
    ("Owner = '${CURRENTUSER}' and Owner.role.name = 'CEO'", "O'Brien ito Zhou"),
    ("Created_Time > '2026-02-06' and Created_Time <= '2026-02-06T23:00:00+00:00'", ""),
    ("Account_Name in (select id from Accounts where Annual_Revenue > 60)", "ito"),
    ("Account_Name not in (select id from Accounts where Annual_Revenue > 60)", "O'Brien Zhou"),
    ("Account_Name.Annual_Revenue = (select MAX(Annual_Revenue) from Accounts where id is not null)", "ito"),
    ("Account_Name = (select id from Accounts where Account_Name = 'none')", ""),
    ("Account_Name in (select id from Accounts where id is not null limit 1)", "ito"),
]


def test_conditions(ask, ids):
    for condition, names in CONDITIONS:
        answer = ask(f"select Last_Name from Contacts where {condition}")
        assert answer.status == (200 if names else 204), (condition, answer.body)
        shown = [record["Last_Name"] for record in answer.data] if names else []
        assert " ".join(shown) == names, condition


def test_lookups_into_several_modules(rows, ids):
    query = "select What_Id, What_Id.module.api_name, What_Id->Accounts.Industry from Tasks where {} limit 1"
    shown = {
        "What_Id": {"id": ids["parent"]},
        "What_Id.module.api_name": "Accounts",
        "What_Id->Accounts.Industry": "Shipping",
        "id": ids["task"],
    }
    for condition in ("What_Id->Accounts.Account_Name = 'harbour'", "What_Id.module.api_name = Accounts"):
        assert rows(query.format(condition)) == [shown]
    assert rows(query.format("What_Id->Deals.Deal_Name is not null")) == []


def test_groups(rows, ask, ids):
    by_account = (
        "select Account_Name, COUNT(id) as n, SUM(Account_Name.Annual_Revenue) from Contacts where id is not null"
        " group by Account_Name order by n desc, Account_Name desc"
    )
    assert [(row["Account_Name"] or {}).get("name") for row in rows(by_account)] == ["Pier", "Harbour", None]
    assert [row["SUM(Account_Name.Annual_Revenue)"] for row in rows(by_account)] == [50, 100.5, None]
    figures = (
        "select COUNT(id), AVG(Annual_Revenue), MIN(Created_Time), MAX(Annual_Revenue) from Accounts where {}"
    )
    assert rows(figures.format("id is not null")) == [
        {
            "COUNT(id)": 2,
            "AVG(Annual_Revenue)": 75.25,
            "MIN(Created_Time)": "2026-02-06T01:10:56-08:00",
            "MAX(Annual_Revenue)": 100.5,
        }
    ]
    empty = ask(figures.format("Account_Name = 'none'"))
    assert empty.data[0]["COUNT(id)"] == 0
    assert empty.json["info"] == {"count": 1, "more_records": False}


def test_the_window_of_a_query(rows, ask, ids):
    people = [{"id": record} for record in ids["people"]]
    every = "select id from Contacts where id is not null"
    assert rows(every) == people
    assert rows(f"{every} limit 1, 2") == rows(f"{every} limit 2 offset 1") == people[1:]
    assert rows(f"{every} order by id desc offset 2") == people[:1]
    assert ask(f"{every} limit 2").json["info"] == {"count": 2, "more_records": True}
    assert ask(f"{every} limit 3").json["info"] == {"count": 3, "more_records": False}
    # Equal values come by id.
    assert rows("select id from Contacts where id is not null order by Email_Opt_Out asc")[:2] == [
        people[0],
        people[2],
    ]


def test_a_view(crm, rows, ids):
    views = crm.get("settings/custom_views", module="Contacts").json["custom_views"]
    mine = next(view["id"] for view in views if view["system_name"] == "MYVIEWS")
    assert len(rows(f"select id from Contacts#{mine} where id is not null")) == 3
    assert rows(f"select id from Contacts#{mine} where Last_Name = 'nobody'") == []


def test_the_fields_of_an_answer(ask, ids):
    query = f"select Last_Name as name, {WORK} from Contacts where id is not null limit 1"
    fields = ask(query, include_meta=["fields"]).json["fields"]
    assert {key: field["api_name"] for key, field in fields.items()} == {
        "name": "Last_Name",
        WORK: "Industry",
        "id": "id",
    }
    assert "fields" not in ask(query, include_meta=[]).json


def test_a_token_needs_the_scope_of_each_module(caller_of, crm, ids):
    own = "ZohoCRM.coql.READ,ZohoCRM.modules.contacts.READ"
    queries = {
        f"select Last_Name from Contacts {WHERE}": "",
        f"select {WORK} from Contacts {WHERE}": "ZohoCRM.modules.accounts.READ",
        "select id from Contacts where Account_Name.Industry is null": "ZohoCRM.modules.accounts.READ",
        f"select id from Contacts where Last_Name in (select Subject from Tasks {WHERE}) or id is not null": (
            "ZohoCRM.modules.tasks.READ"
        ),
    }
    for query, more in queries.items():
        if more:
            answer = caller_of("acme", own).post("coql", {"select_query": query})
            assert (answer.status, answer.json["code"]) == (401, "OAUTH_SCOPE_MISMATCH")
        assert (
            caller_of("acme", f"{own},{more}".strip(",")).post("coql", {"select_query": query}).status == 200
        )
    meta = {"select_query": f"select id from Contacts {WHERE}", "include_meta": ["fields"]}
    assert caller_of("acme", own).post("coql", meta).status == 401


def test_notes_are_for_administrators(caller_of, crm, ids):
    crm.insert(
        "Notes", {"Note_Title": "n", "Parent_Id": {"id": ids["parent"], "module": {"api_name": "Accounts"}}}
    )
    other = caller_of("acme", "ZohoCRM.coql.READ,ZohoCRM.modules.ALL", user=2)
    notes = f"select Note_Title from Notes {WHERE}"
    for query in (notes, f"select id from Contacts where Last_Name not in ({notes})"):
        assert crm.post("coql", {"select_query": query}).status == 200
        answer = other.post("coql", {"select_query": query})
        assert (answer.status, answer.json["code"]) == (403, "NOT_SUPPORTED")


def test_a_stranger_finds_nothing(stranger, ids):
    for condition in (f"Account_Name = '{ids['parent']}'", f"id = '{ids['people'][0]}'", "id is not null"):
        assert (
            stranger.post("coql", {"select_query": f"select id from Contacts where {condition}"}).status
            == 204
        )


def test_older_versions(ask, ids):
    query = "select Account_Name, Owner from Contacts where Last_Name = 'ito'"
    v6, v7 = (ask(query, f"/crm/{version}/coql").data[0] for version in ("v6", "v7"))
    assert v7["Account_Name"] == {"name": "Harbour", "id": ids["parent"]}
    assert v6["Account_Name"] == {"id": ids["parent"]}
    assert v6["Owner"] == {"id": v7["Owner"]["id"]}
    for part, clause, limit in (("limit 201", "limit", 200), ("offset 9801", "offset", 10_000)):
        answer = ask(f"select id from Contacts {WHERE} {part}", "/crm/v2/coql")
        assert answer.json["details"] == {"clause": clause, "limit": limit}


def test_a_far_page_of_leads_passes_over_those_that_are_converted(crm, rows):
    leads = crm.insert("Leads", *({"Last_Name": f"Ng {number}", "Company": "Pier"} for number in range(4)))
    assert crm.post(f"Leads/{leads[1]}/actions/convert", {"data": [{}]}).status == 200
    query = "select Last_Name from Leads where Converted__s = 'false' order by id {} limit {}, 2"
    for order, offset, expected in (
        ("asc", 0, [0, 2]),
        ("desc", 1, [2, 0]),
        ("asc", 2, [3]),
        ("desc", 3, []),
    ):
        found = [record["id"] for record in rows(query.format(order, offset))]
        assert found == [leads[number] for number in expected]
