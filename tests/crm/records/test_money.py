"""Amounts are worked out exactly, and rounded by one rule: to cents, a half away from zero."""

import itertools
from fractions import Fraction
from math import floor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Metadata
from moorage.crm.metadata.standard import DEMO, blueprint
from moorage.crm.metadata.standard.standard_modules import standard
from moorage.crm.records.modules import rules_of
from moorage.crm.records.modules.rules import PendingRecord
from tests.crm.conftest import BEGIN

INVENTORY = {
    "Quotes": "Quoted_Items",
    "Sales_Orders": "Ordered_Items",
    "Purchase_Orders": "Purchase_Items",
    "Invoices": "Invoiced_Items",
}
CATALOG = Catalog(Metadata(blueprint(DEMO, 7243485, BEGIN, itertools.count(1).__next__)))
MANY = settings(max_examples=200, deadline=None)

# In hundredths, of both signs; products and sums stay below what a double can't tell apart by a cent.
hundredths = st.integers(-(10**7), 10**7)
items = st.lists(st.tuples(hundredths, hundredths, hundredths, hundredths), min_size=1, max_size=5)


def cents(value: Fraction) -> int:
    """The rule, worked out from its words in whole numbers."""
    nearest = floor(abs(value) * 100 + Fraction(1, 2))
    return nearest if value >= 0 else -nearest


def pending(module, **values):
    fields = CATALOG.modules[module].fields
    row = {fields[name].column: value for name, value in values.items() if name in fields}
    return PendingRecord(CATALOG.modules[module], row, {}, set(values), "$.data[0]", 0)


def computed_item(module, item):
    names = ("Quantity", "List_Price", "Discount", "Tax")
    record = pending(module, **{name: value / 100 for name, value in zip(names, item, strict=True)})
    rules_of(record.module).compute(record)
    return record


def exact_totals(quantity, price, discount, tax):
    """The three totals of a line item in cents; all that is given is in hundredths."""
    total = cents(Fraction(quantity, 100) * Fraction(price, 100))
    return total, total - discount, total - discount + tax


@pytest.mark.parametrize(("module", "subform"), INVENTORY.items())
@example(lines=[(110, 115, 0, 0)], own=(0, 0, 0, 0))  # 1.1 times 1.15 is 1.265, and less than that in binary.
@example(lines=[(-110, 115, 0, 0)], own=(0, 0, 0, 0))
@example(lines=[(100, 10, 0, 0), (100, 20, 0, 0)], own=(10, 20, -30, 5))
@MANY
@given(lines=items, own=st.tuples(hundredths, hundredths, hundredths, hundredths))
def test_totals_are_exact(module, subform, lines, own):
    computed = [computed_item(subform, line) for line in lines]
    exact = [exact_totals(*line) for line in lines]
    for item, totals in zip(computed, exact, strict=True):
        shown = [item.get(name) for name in ("Total", "Total_After_Discount", "Net_Total")]
        assert shown == [total / 100 for total in totals]

    discount, tax, adjustment, duty = own
    record = pending(
        module, Discount=discount / 100, Tax=tax / 100, Adjustment=adjustment / 100, Excise_Duty=duty / 100
    )
    rules_of(record.module).add_up(record, CATALOG.modules[subform], [item.row for item in computed])
    subtotal = sum(net_total for *_, net_total in exact)
    added = tax + adjustment + (0 if module == "Quotes" else duty)
    assert record.get("Sub_Total") == subtotal / 100
    assert record.get("Grand_Total") == (subtotal + added - discount) / 100


@example(amount=101, probability=50)  # 0.505 ends with half a cent.
@example(amount=-101, probability=50)
@example(amount=115, probability=10)
@MANY
@given(amount=st.integers(-(10**14), 10**14), probability=st.integers(0, 100))
def test_expected_revenue_is_exact(amount, probability):
    deal = pending("Deals", Stage="Qualification", Amount=amount / 100, Probability=probability)
    rules_of(deal.module).compute(deal)
    assert deal.get("Expected_Revenue") == cents(Fraction(amount, 100) * Fraction(probability, 100)) / 100


@pytest.mark.parametrize(
    ("quantity", "price", "total"),
    [(1.1, 1.15, 1.27), (1.1, -1.15, -1.27), (1.5, 0.01, 0.02), (0.1, 0.01, 0), (0.1, -0.01, 0)],
)
def test_a_quote_has_exact_totals_when_it_is_made_and_when_it_changes(crm, quantity, price, total):
    (product,) = crm.insert("Products", {"Product_Name": "Rope"})
    item = {"Product_Name": product, "Quantity": quantity, "List_Price": price}
    (quote,) = crm.insert("Quotes", {"Subject": "x", "Quoted_Items": [item]})
    record = crm.only(f"Quotes/{quote}")
    assert record["Quoted_Items"][0]["Net_Total"] == record["Grand_Total"] == total
    changes = [{"id": record["Quoted_Items"][0]["id"], "Quantity": quantity + 1}, item]
    for change in ({"Quoted_Items": changes}, {"Discount": 0.3}):
        assert crm.put(f"Quotes/{quote}", {"data": [change]}).status == 200
    totals = [cents(Fraction(str(n)) * Fraction(str(price))) for n in (quantity + 1, quantity)]
    record = crm.only(f"Quotes/{quote}")
    assert record["Sub_Total"] == sum(totals) / 100
    assert record["Grand_Total"] == (sum(totals) - 30) / 100


def test_an_amount_is_a_json_number_and_zero_has_no_sign(crm):
    (product,) = crm.insert("Products", {"Product_Name": "Rope"})
    item = {"Product_Name": product, "Quantity": -0.1, "List_Price": 0.01}
    (quote,) = crm.insert("Quotes", {"Subject": "x", "Quoted_Items": [item]})
    body = crm.get(f"Quotes/{quote}").body
    assert b'"Sub_Total":0.0,' in body and b'"Net_Total":0.0,' in body and b"-0.0," not in body


def test_the_longest_numbers_a_field_takes_are_multiplied_and_added_up(crm):
    (product,) = crm.insert("Products", {"Product_Name": "Rope"})
    most = 9_999_999_999_999_998
    item = {"Product_Name": product, "Quantity": most, "List_Price": most}
    (quote,) = crm.insert("Quotes", {"Subject": "x", "Quoted_Items": [item] * 200})
    record = crm.only(f"Quotes/{quote}")
    assert record["Quoted_Items"][0]["Total"] == float(most**2)
    assert record["Grand_Total"] == pytest.approx(200 * most**2, rel=1e-15)


def test_every_amount_of_the_standard_modules_has_two_decimals():
    names = {"Total", "Total_After_Discount", "Net_Total", "Sub_Total", "Grand_Total", "Expected_Revenue"}
    fields = [field for module in standard().modules for field in module.fields if field.api_name in names]
    assert len(fields) >= 20
    assert {field.decimal_place for field in fields} == {2}
