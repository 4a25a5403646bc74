"""The values of roll-up fields: right from the first, and after whatever is done to the records they are made of."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.crm.settings.making_fields import field, made, patched

WON = {"comparator": "equal", "field": {"api_name": "Stage"}, "value": "Closed Won"}
LARGE = {"comparator": "greater_equal", "field": {"api_name": "Amount"}, "value": 100}


def rolled_up(label, function, name=None, criteria=None, related_list="Deals", **more):
    expression = {
        "function": function,
        "function_parameters": [{"api_name": name}] if name else [],
        "criteria": criteria,
    }
    about = {"related_list": {"api_name": related_list}, "expression": expression}
    return field(label, "rollup_summary", rollup_summary=about, **more)


FIELDS = (
    rolled_up("Deals_here", "count"),
    rolled_up("Sum", "sum", "Amount"),
    rolled_up("Mean", "average", "Amount"),
    rolled_up("Least", "min", "Amount"),
    rolled_up("Most", "max", "Amount"),
    rolled_up("Last day", "max", "Closing_Date"),
    rolled_up("Won", "count", None, WON),
    rolled_up("Sum won", "sum", "Amount", {"group_operator": "AND", "group": [WON, LARGE]}),
    rolled_up("Not won", "average", "Probability", {**WON, "comparator": "not_equal"}, decimal_place=3),
    rolled_up("Daughters", "count", related_list="Child_Accounts"),
)
NAMES = [
    "Deals_here", "Sum", "Mean", "Least", "Most", "Last_day", "Won", "Sum_won", "Not_won", "Daughters",
]  # fmt: skip


@pytest.fixture
def rolling(crm):
    """The caller, in an organisation whose accounts roll up their deals."""
    for first in range(0, len(FIELDS), 5):
        made(crm, *FIELDS[first : first + 5], module="Accounts")
    return crm


def worked_out(deals, daughters):
    """What an account shows, in Python: of the deals as the API shows them."""
    amounts = [Decimal(repr(deal["Amount"])) for deal in deals if deal["Amount"] is not None]
    days = [deal["Closing_Date"] for deal in deals if deal["Closing_Date"] is not None]
    won = [deal for deal in deals if deal["Stage"] == "Closed Won"]
    large = [
        Decimal(repr(deal["Amount"])) for deal in won if deal["Amount"] is not None and deal["Amount"] >= 100
    ]
    odds = [
        Decimal(deal["Probability"]) for deal in deals if deal not in won and deal["Probability"] is not None
    ]
    return {
        "Deals_here": len(deals),
        "Sum": float(sum(amounts)) if amounts else None,
        "Mean": mean(amounts, "0.01"),
        "Least": float(min(amounts)) if amounts else None,
        "Most": float(max(amounts)) if amounts else None,
        "Last_day": max(days, default=None),
        "Won": len(won),
        "Sum_won": float(sum(large)) if large else None,
        "Not_won": mean(odds, "0.001"),
        "Daughters": daughters,
    }


def mean(numbers, unit):
    return float((sum(numbers) / len(numbers)).quantize(Decimal(unit), ROUND_HALF_UP)) if numbers else None


def assert_right(crm, accounts):
    names = "id,Amount,Closing_Date,Stage,Probability,Account_Name"
    listed = crm.get("Deals", fields=names)
    deals = defaultdict(list)
    for deal in listed.data if listed.status == 200 else []:
        deals[(deal["Account_Name"] or {}).get("id")].append(deal)
    shown = crm.get("Accounts", fields=",".join(["Parent_Account", *NAMES])).data
    daughters = [(account["Parent_Account"] or {}).get("id") for account in shown]
    by_id = {account["id"]: account for account in shown}
    for account in accounts:
        expected = worked_out(deals[account], daughters.count(account))
        assert {name: by_id[account][name] for name in NAMES} == expected


amounts = st.none() | st.integers(-(10**6), 10**6).map(lambda cents: cents / 100)
deal = st.fixed_dictionaries(
    {},
    optional={
        "Amount": amounts,
        "Stage": st.sampled_from(["Closed Won", "Qualification", "Closed Lost"]),
        "Closing_Date": st.sampled_from([None, "2026-02-06", "2025-12-31"]),
        "Account_Name": st.none() | st.integers(0, 2),
        "Deal_Name": st.sampled_from(["a", "b"]),
    },
)
numbered = st.tuples(st.integers(0, 5), deal)
steps = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "upsert", "delete"]), st.lists(numbered, min_size=1, max_size=4)
    ),
    min_size=1,
    max_size=5,
)


class Deals:
    """Writes deals; their accounts are given by number."""

    def __init__(self, crm, accounts) -> None:
        self._crm = crm
        self._accounts = accounts
        self._ids = []

    def run(self, action, numbered):
        if action == "delete":
            ids = {self._id(number) for number, _ in numbered} - {None}
            self._ids = [deal for deal in self._ids if deal not in ids]
            return self._crm.delete("Deals", ids=",".join(ids)) if ids else None
        records = [self._record(action, number, values) for number, values in numbered]
        method, path = ("PUT", "Deals") if action == "update" else ("POST", "Deals")
        answer = self._crm.call(
            method, path + ("/upsert" if action == "upsert" else ""), None, {"data": records}
        )
        for outcome in answer.data:
            if outcome["code"] == "SUCCESS" and outcome["details"]["id"] not in self._ids:
                self._ids.append(outcome["details"]["id"])
        return answer

    def _id(self, number):
        return self._ids[number] if number < len(self._ids) else None

    def _record(self, action, number, values):
        record = {"Deal_Name": "a", "Stage": "Qualification"} if action == "insert" else {}
        record |= values
        if record.get("Account_Name") is not None:
            record["Account_Name"] = {"id": self._accounts[record["Account_Name"]]}
        if action != "insert" and self._id(number) is not None:
            record["id"] = self._id(number)
        return record


def test_values_stay_right_whatever_is_written(rolling):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def check(asked):
        accounts = rolling.insert("Accounts", *({"Account_Name": f"a{n}"} for n in range(3)))
        deals = Deals(rolling, accounts)
        for action, records in asked:
            deals.run(action, records)
            assert_right(rolling, accounts)
        rolling.delete("Accounts", ids=",".join(accounts))
        left = rolling.get("Deals", fields="id")
        if left.status == 200:
            rolling.delete("Deals", ids=",".join(each["id"] for each in left.data))

    check()


def test_records_that_are_there_count_when_the_field_is_made_and_when_its_criteria_change(crm):
    one, two, empty = crm.insert("Accounts", *[{"Account_Name": "a"}] * 3)
    crm.insert(
        "Deals",
        *({"Deal_Name": "a", "Stage": stage, "Amount": amount, "Account_Name": {"id": account}}
          for account, stage, amount in ((one, "Closed Won", 0.1), (one, "Qualification", 0.2), (two, "Closed Won", 7)))
    )  # fmt: skip
    fields = rolled_up("Sum", "sum", "Amount"), rolled_up("Won", "count", None, WON)
    _, won = made(crm, *fields, module="Accounts")

    def shown():
        found = crm.get("Accounts", fields="Sum,Won", sort_by="id", sort_order="asc").data
        assert [account["id"] for account in found] == [one, two, empty]
        return [(account["Sum"], account["Won"]) for account in found]

    assert shown() == [(0.3, 1), (7, 1), (None, 0)]
    large = {**LARGE, "value": 0.2}
    assert (
        patched(crm, won, {"rollup_summary": {"expression": {"criteria": large}}}, "Accounts").status == 200
    )
    assert shown() == [(0.3, 1), (7, 1), (None, 0)]
    assert patched(crm, won, {"rollup_summary": {"expression": {"criteria": None}}}, "Accounts").status == 200
    assert shown() == [(0.3, 2), (7, 1), (None, 0)]
    crm.insert("Deals", {"Deal_Name": "a", "Stage": "Qualification", "Account_Name": {"id": empty}})
    assert shown() == [(0.3, 2), (7, 1), (None, 1)]


def test_they_are_searched_sorted_and_listed_as_other_fields(rolling):
    ids = rolling.insert("Accounts", *({"Account_Name": f"a{n}"} for n in range(3)))
    rolling.insert(
        "Deals",
        *({"Deal_Name": "a", "Stage": "Qualification", "Amount": amount, "Closing_Date": "2026-02-06",
           "Account_Name": {"id": ids[n]}} for n, amount in ((0, 5), (2, 3), (2, 4)))
    )  # fmt: skip

    def found(criteria, **order):
        answer = rolling.get("Accounts/search", criteria=criteria, **order)
        return [account["id"] for account in answer.data] if answer.status == 200 else []

    assert found("(Sum:greater_than:5)") == [ids[2]]
    assert found("(Deals_here:equals:0)") == [ids[1]]
    assert found("(Sum:equals:${EMPTY})") == [ids[1]]
    assert found("(Last_day:between:2026-02-01,2026-02-28)") == [ids[2], ids[0]]
    assert found("(Account_Name:starts_with:a)", sort_by="Sum", sort_order="desc") == [ids[2], ids[0], ids[1]]
    assert rolling.get("Accounts/actions/count", criteria="(Deals_here:equals:2)").json == {"count": 1}


def test_what_a_caller_sends_is_ignored(rolling):
    (account,) = rolling.insert("Accounts", {"Account_Name": "a", "Deals_here": 5, "Sum": 1.5})
    assert rolling.put(f"Accounts/{account}", {"data": [{"Deals_here": 7, "Sum": "x"}]}).status == 200
    record = rolling.only(f"Accounts/{account}")
    assert (record["Deals_here"], record["Sum"]) == (0, None)


def test_the_time_of_the_change_is_that_of_the_record_itself(rolling, clock):
    (account,) = rolling.insert("Accounts", {"Account_Name": "a"})
    before = rolling.only(f"Accounts/{account}")
    clock.advance(100)
    rolling.insert("Deals", {"Deal_Name": "a", "Stage": "Qualification", "Account_Name": {"id": account}})
    after = rolling.only(f"Accounts/{account}")
    assert (before["Deals_here"], after["Deals_here"]) == (0, 1)
    times = ("Modified_Time", "Last_Activity_Time", "Modified_By", "Created_Time")
    assert [after[name] for name in times] == [before[name] for name in times]


def test_a_refused_record_counts_nowhere(rolling):
    (account,) = rolling.insert("Accounts", {"Account_Name": "a"})
    good = {"Deal_Name": "a", "Stage": "Qualification", "Amount": 2, "Account_Name": {"id": account}}
    answer = rolling.post("Deals", {"data": [good, {**good, "Amount": "x"}, {**good, "Deal_Name": None}]})
    assert answer.status == 207
    assert rolling.only(f"Accounts/{account}")["Sum"] == 2
    only_bad = rolling.put("Deals", {"data": [{"id": "5", "Account_Name": {"id": account}}]})
    assert only_bad.status == 400
    assert rolling.only(f"Accounts/{account}")["Deals_here"] == 1


def test_accounts_roll_up_accounts_also_of_the_same_request(rolling):
    (mother,) = rolling.insert("Accounts", {"Account_Name": "mother"})
    record = {"Account_Name": "daughter", "Parent_Account": {"id": mother}}
    daughter, _ = rolling.insert("Accounts", record, record)
    # The record that is named comes with the same request.
    rolling.insert(
        "Accounts", {"Account_Name": "new"}, {"Account_Name": "b", "Parent_Account": {"name": "new"}}
    )
    shown = {
        a["Account_Name"]: a["Daughters"]
        for a in rolling.get("Accounts", fields="Account_Name,Daughters").data
    }
    assert (shown["mother"], shown["new"], shown["daughter"]) == (2, 1, 0)
    rolling.put("Accounts", {"data": [{"id": daughter, "Parent_Account": {"id": daughter}}]})
    assert rolling.only(f"Accounts/{daughter}")["Daughters"] == 1
    assert rolling.only(f"Accounts/{mother}")["Daughters"] == 1
    rolling.delete(f"Accounts/{daughter}")
    assert rolling.only(f"Accounts/{mother}")["Daughters"] == 1


def test_records_of_several_modules_are_pointed_to_by_one_lookup(crm):
    """Activities and notes point into many modules: each counts where it points, and moves."""
    for module in ("Accounts", "Leads"):
        made(crm, rolled_up("Tasks", "count", related_list="Tasks"), module=module)
        made(crm, rolled_up("Note count", "count", related_list="Notes"), module=module)
    (account,) = crm.insert("Accounts", {"Account_Name": "a"})
    (lead,) = crm.insert("Leads", {"Last_Name": "b"})
    task, _ = crm.insert(
        "Tasks", *[{"Subject": "call", "What_Id": {"id": account}, "$se_module": "Accounts"}] * 2
    )
    crm.insert("Notes", {"Note_Content": "x", "Parent_Id": {"id": lead, "module": {"api_name": "Leads"}}})

    def counts():
        shown = crm.only(f"Accounts/{account}"), crm.only(f"Leads/{lead}")
        return [(record["Tasks"], record["Note_count"]) for record in shown]

    assert counts() == [(2, 0), (0, 1)]
    moved = {"What_Id": {"id": lead}, "$se_module": "Leads"}
    assert crm.put(f"Tasks/{task}", {"data": [moved]}).status == 200
    assert counts() == [(1, 0), (1, 1)]
    crm.delete(f"Tasks/{task}")
    assert counts() == [(1, 0), (0, 1)]


def test_a_custom_lookup_leads_to_them_too(crm):
    lookup = {"module": {"api_name": "Accounts"}, "display_label": "Moored here"}
    made(crm, field("Harbour", "lookup", lookup=lookup), field("Weight", "bigint"))
    made(crm, rolled_up("Load", "sum", "Weight", related_list="Moored_here"), module="Accounts")
    (account,) = crm.insert("Accounts", {"Account_Name": "a"})
    record = {"Last_Name": "b", "Harbour": {"id": account}, "Weight": "123456789012345678"}
    crm.insert("Leads", record, record)
    assert crm.only(f"Accounts/{account}")["Load"] == "246913578024691356"
    crm.insert("Leads", *[{**record, "Weight": "9" * 18}] * 2)
    assert crm.only(f"Accounts/{account}")["Load"] is None  # No column has room for 19 digits.


def test_a_deleted_roll_up_is_worked_out_no_more(crm):
    (identity,) = made(crm, rolled_up("Sum", "sum", "Amount"), module="Accounts")
    (account,) = crm.insert("Accounts", {"Account_Name": "a"})
    assert crm.call("DELETE", f"settings/fields/{identity}", {"module": "Accounts"}).status == 200
    crm.insert("Deals", {"Deal_Name": "a", "Stage": "Qualification", "Account_Name": {"id": account}})
    assert "Sum" not in crm.only(f"Accounts/{account}")
