"""Comparisons of whole values. The error for an operator that does not fit has no words: each front words it."""

import pytest

from moorage.crm.query.compare import (
    FieldUnfit,
    NotComparable,
    OperatorUnfit,
    ValueUnfit,
    comparable,
    compare,
)
from moorage.crm.query.tree import AnyOf, Compare, Equal, Not
from moorage.crm.query.wording import query_fault


def test_a_comparison_is_of_whole_values(leads, context):
    company, revenue = leads.fields["Company"], leads.fields["Annual_Revenue"]
    assert compare(company, "equal", ["Acme Corp"], context) == Equal(company, "Acme Corp")
    assert compare(company, "not_in", ["a", "b"], context) == Not(
        AnyOf((Equal(company, "a"), Equal(company, "b")))
    )
    assert compare(revenue, "greater_than", ["5"], context) == Compare(revenue, ">", 5.0)


def test_what_does_not_fit_is_told_by_its_kind_and_name(leads, context):
    with pytest.raises(FieldUnfit) as field:
        comparable(leads, "Nothing")
    with pytest.raises(OperatorUnfit) as operator:
        compare(leads.fields["Owner"], "greater_than", ["1"], context)
    with pytest.raises(ValueUnfit) as value:
        compare(leads.fields["Annual_Revenue"], "equal", ["many"], context)
    assert field.value.name == "Nothing"
    assert (operator.value.name, operator.value.operator) == ("Owner", "greater_than")
    assert (value.value.name, value.value.value) == ("Annual_Revenue", "many")
    for caught in (field, operator, value):
        assert isinstance(caught.value, NotComparable)
        assert query_fault(caught.value).details["api_name"] == caught.value.name
