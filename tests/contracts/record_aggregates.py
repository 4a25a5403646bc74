"""What a record store promises of aggregates: exact values over the records that point to one, asked for together."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from moorage.crm.metadata.catalog import Catalog
from moorage.crm.query.tree import AllOf, AnyOf, Compare, Empty, Equal, Fragment, Not
from moorage.crm.storage.contract.aggregates import Aggregate
from tests.contracts.metadata_changes import add, named
from tests.contracts.opened import Suite

# As they are written in JSON: up to 16 digits before the point and 9 behind it.
decimals = st.integers(-(10**12), 10**12).flatmap(
    lambda digits: st.integers(0, 9).map(lambda places: float(Fraction(digits, 10**places)))
)


def roll_up(function, name=None, criteria=None, *, module="Deals", related_list="Deals", result="double"):
    """The member of a field that rolls up records of a module."""
    return {
        "rollup_summary": {
            "return_type": result,
            "based_on_module": {"api_name": module, "id": "0"},
            "related_list": {"api_name": related_list, "id": "0"},
            "rollup_based_on": None,
            "expression": {
                "function": function,
                "function_parameters": [{"api_name": name}] if name else [],
                "criteria": criteria,
            },
        }
    }


class RecordAggregates(Suite):
    @pytest.fixture
    def aggregates(self, here):
        """Aggregates over deals, by account: each is a function, a field's name, criteria and places."""
        deals = here.module("Deals")

        def ask(parents, *wanted):
            asked = [
                Aggregate(function, deals.fields[name] if name else None, *more)
                for function, name, *more in wanted
            ]
            lookup = deals.fields["Account_Name"]
            return here.write(lambda transaction: transaction.aggregates(deals, lookup, asked, parents))

        return ask

    def test_of_each_parent_all_in_one_question(self, here, aggregates):
        first, second, third, other = here.add("Accounts", {}, {}, {}, {})
        here.add(
            "Deals",
            {"Account_Name": first, "Amount": 2.5, "Closing_Date": "2026-02-06", "Created_Time": 7},
            {"Account_Name": first, "Amount": -1.25, "Closing_Date": "2026-01-31", "Created_Time": 9},
            {"Account_Name": first},
            {"Account_Name": second},
            {"Account_Name": other, "Amount": 100.0},
            {"Amount": 1.0},
        )
        wanted = [("count", None)]
        wanted += [(f, "Amount", None, 2) for f in ("sum", "average", "min", "max")]
        wanted += [(f, n) for n in ("Closing_Date", "Created_Time") for f in ("min", "max")]
        assert aggregates([first, second, third], *wanted) == {
            first: [3, 1.25, 0.63, -1.25, 2.5, "2026-01-31", "2026-02-06", 7, 9],
            second: [1, *[None] * 8],
        }
        assert aggregates([third], *wanted) == aggregates([], *wanted) == {}

    def test_only_of_those_that_meet_the_criteria(self, here, aggregates):
        first, second = here.add("Accounts", {}, {})
        fields = here.module("Deals").fields
        here.add(
            "Deals",
            {"Account_Name": first, "Amount": 1.0, "Stage": "Closed Won", "Deal_Name": "Quay"},
            {"Account_Name": first, "Amount": 10.0, "Stage": "CLOSED won"},
            {"Account_Name": first, "Amount": 100.0, "Stage": "Closed Lost", "Deal_Name": "Old quay"},
            {"Account_Name": second, "Amount": 1000.0},
        )
        won = Equal(fields["Stage"], "closed Won")
        for criteria, of_first, of_second in (
            (won, [2, 11.0], [0, None]),
            (Not(won), [1, 100.0], [1, 1000.0]),
            (AnyOf((won, Compare(fields["Amount"], ">=", 1000.0))), [2, 11.0], [1, 1000.0]),
            (AllOf((won, Fragment(fields["Deal_Name"], "QU", "start"))), [1, 1.0], [0, None]),
            (Empty(fields["Stage"]), [0, None], [1, 1000.0]),
            (AnyOf(()), [0, None], [0, None]),
        ):
            found = aggregates([first, second], ("count", None, criteria), ("sum", "Amount", criteria))
            assert found == {first: of_first, second: of_second}, criteria
        # Each has criteria of its own.
        assert aggregates([first], ("count", None, won), ("count", None), ("count", None, Not(won))) == {
            first: [2, 3, 1]
        }

    def test_a_job_sees_what_it_has_changed(self, here):
        (account,) = here.add("Accounts", {})
        one, two = here.add("Deals", *[{"Account_Name": account, "Amount": 1.0}] * 2)
        deals = here.module("Deals")
        amount, lookup = deals.fields["Amount"], deals.fields["Account_Name"]

        def job(transaction):
            transaction.update(deals, one, {amount.column: 5.0})
            transaction.recycle(deals, two, here.user.id)
            (new,) = transaction.new_ids(1)
            transaction.insert(deals, [here.row("Deals", new, Account_Name=account, Amount=2.0)])
            return transaction.aggregates(deals, lookup, [Aggregate("sum", amount)], [account])

        assert here.write(job) == {account: [7.0]}

    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(values=st.lists(decimals, min_size=1, max_size=12), places=st.integers(0, 9))
    @example(values=[0.1] * 10, places=2)
    @example(values=[1e15, 0.01, 0.01], places=2)
    @example(values=[0.01, 0.02], places=2)  # Half a cent goes away from zero.
    @example(values=[-0.01, -0.02], places=2)
    @example(values=[0.004, -0.004], places=2)
    def test_sums_and_averages_are_those_of_the_decimals(self, here, aggregates, values, places):
        (account,) = here.add("Accounts", {})
        here.add("Deals", *({"Account_Name": account, "Amount": value} for value in values))
        total = sum(Fraction(repr(value)) for value in values)
        average = total / len(values)
        units = int(abs(average) * 10**places + Fraction(1, 2))
        rounded = Fraction(-units if average < 0 else units, 10**places)
        found = aggregates([account], ("sum", "Amount"), ("average", "Amount", None, places))
        assert found == {account: [float(total), float(rounded)]}
        assert "-0.0" not in map(str, found[account])

    def test_sums_of_whole_numbers_are_whole_as_long_as_a_column_has_room(self, here):
        campaign, greater, *parents = here.add("Campaigns", {}, {}, {})
        campaigns = here.module("Campaigns")
        number, lookup = campaigns.fields["Num_sent"], campaigns.fields["Parent_Campaign"]
        most = 10**18 - 1
        here.add("Campaigns", *({"Parent_Campaign": campaign, "Num_sent": n} for n in (most - 5, 2, 3)))
        here.add("Campaigns", *({"Parent_Campaign": greater, "Num_sent": most} for _ in range(20)))
        here.add("Campaigns", *({"Parent_Campaign": parents[0], "Num_sent": n} for n in (-1, -2)))
        wanted = [Aggregate("sum", number), Aggregate("average", number, places=1), Aggregate("max", number)]
        found = here.write(lambda t: t.aggregates(campaigns, lookup, wanted, [campaign, greater, *parents]))
        assert found == {
            campaign: [most, float(Fraction(most, 3)), most - 5],
            greater: [None, float(most), most],
            parents[0]: [-3, -1.5, -1],
        }
        assert isinstance(found[campaign][0], int)

    def test_a_field_is_filled_as_it_is_made_and_again(self, here, change, reopen):
        """In the same change of the metadata, and in each record, also in those that nothing points to."""
        first, second, third = here.add("Accounts", {}, {}, {})
        deals = here.add(
            "Deals",
            {"Account_Name": first, "Amount": 0.1, "Stage": "Closed Won"},
            {"Account_Name": first, "Amount": 0.2},
            {"Account_Name": second, "Stage": "Closed Won"},
        )
        fields = {"How_many": ("count", None, "integer"), "How_much": ("sum", "Amount", "double")}
        for name, (function, source, result) in fields.items():
            definition = named(name, data_type="rollup_summary", json_type=result)
            change_of = add(definition, module="Accounts", **roll_up(function, source, result=result))
            reopen().change(lambda change, job=change_of: self._filled(change, job))
        shown = [reopen().record("Accounts", account, *fields) for account in (first, second, third)]
        assert [(each["How_many"], each["How_much"]) for each in shown] == [(2, 0.3), (1, None), (0, None)]

        opened = reopen()
        module = opened.module("Deals")
        opened.write(lambda t: t.update(module, deals[0], {module.fields["Account_Name"].column: third}))
        won = Equal(module.fields["Stage"], "Closed Won")
        opened.change(lambda change: self._filled(change, lambda change: change.put(opened.user), won))
        opened = reopen()
        assert [opened.record("Accounts", a, "How_many")["How_many"] for a in (first, second, third)] == [
            0,
            1,
            1,
        ]
        filled = opened.module("Accounts").fields["How_many"]
        assert opened.ids("Accounts", [Equal(filled, 1)]) == [third, second]
        assert opened.ids("Accounts", by="How_many", descending=False) == [first, second, third]

    @staticmethod
    def _filled(change, job, criteria=None):
        """Do the job, then fill all roll-up fields over deals."""
        job(change)
        catalog = Catalog(change.metadata)
        deals = catalog.modules["Deals"]
        for parents, field in deals.roll_ups:
            about = field.roll_up
            source = deals.fields[about.field] if about.field else None
            (lookup,) = deals.lookups_of(parents, about.related_list)
            change.fill((parents, field), (deals, lookup), Aggregate(about.function, source, criteria))
