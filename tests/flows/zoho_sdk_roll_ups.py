"""Makes roll-up fields, and reads them and their values, with Zoho's official Python SDK; prints one JSON object."""

import json
import sys

from zoho_sdk import body, connect, lead, outcomes, params
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.fields import (
    BodyWrapper,
    CreateFieldParam,
    Criteria,
    Expression,
    Fields,
    FieldsOperations,
    FunctionParameter,
    GetFieldsParam,
    MinifiedField,
    RollupSummary,
)
from zohocrmsdk.src.com.zoho.crm.api.record import Record, RecordOperations
from zohocrmsdk.src.com.zoho.crm.api.related_lists import RelatedList
from zohocrmsdk.src.com.zoho.crm.api.util import Choice


def rolled_up(label, function, name=None, criteria=None):
    related_list, expression, roll_up, field = RelatedList(), Expression(), RollupSummary(), Fields()
    related_list.set_api_name("Deals")
    expression.set_function(function)
    if name is not None:
        parameter = FunctionParameter()
        parameter.set_api_name(name)
        expression.set_function_parameters([parameter])
    if criteria is not None:
        expression.set_criteria(criteria)
    roll_up.set_related_list(related_list)
    roll_up.set_expression(expression)
    field.set_field_label(label)
    field.set_data_type("rollup_summary")
    field.set_rollup_summary(roll_up)
    return field


def won():
    field, criteria = MinifiedField(), Criteria()
    field.set_api_name("Stage")
    criteria.set_field(field)
    criteria.set_comparator("equal")
    criteria.set_value("Closed Won")
    return criteria


def create(*fields):
    wrapper = BodyWrapper()
    wrapper.set_fields(list(fields))
    answer = FieldsOperations().create_field(wrapper, params(CreateFieldParam, module="Accounts"))
    return [outcome.get_code().get_value() for outcome in answer.get_object().get_fields()]


def described(name):
    answer = FieldsOperations().get_fields(params(GetFieldsParam, module="Accounts"))
    field = next(f for f in answer.get_object().get_fields() if f.get_api_name() == name)
    roll_up = field.get_rollup_summary()
    expression = roll_up.get_expression()
    return [
        field.get_data_type(),
        roll_up.get_return_type(),
        roll_up.get_based_on_module().get_api_name(),
        roll_up.get_related_list().get_api_name(),
        expression.get_function(),
        [parameter.get_api_name() for parameter in expression.get_function_parameters()],
        expression.get_criteria().get_value(),
    ]


def main():
    connect(json.loads(sys.argv[1]))
    result = {"created": create(rolled_up("Many", "count"), rolled_up("Won", "sum", "Amount", won()))}
    result["described"] = described("Won")
    accounts, deals = RecordOperations("Accounts"), RecordOperations("Deals")
    account = Record()
    created = outcomes(accounts.create_records(body(lead(Account_Name="Harbour")), HeaderMap()))
    account.set_id(int(created[0]["details"]["id"]))
    records = [
        lead(Deal_Name="a", Stage=Choice(stage), Amount=amount, Account_Name=account)
        for stage, amount in (("Closed Won", 0.1), ("Closed Won", 0.2), ("Qualification", 5.0))
    ]
    deals.create_records(body(*records), HeaderMap())
    shown = accounts.get_record(account.get_id(), ParameterMap(), HeaderMap()).get_object().get_data()[0]
    result["values"] = [shown.get_key_value("Many"), shown.get_key_value("Won")]
    print(json.dumps(result))


main()
