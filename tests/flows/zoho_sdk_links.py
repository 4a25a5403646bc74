"""Makes fields with rows, and writes and reads their rows, with Zoho's official Python SDK; prints one JSON object.

The SDK reads the fields of the modules of rows by itself, from where the fields' documents say that they are.
"""

import json
import sys

from zoho_sdk import body, connect, lead, outcomes, params
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.fields import (
    BodyWrapper,
    CreateFieldParam,
    Fields,
    FieldsOperations,
    Multiselectlookup,
)
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule
from zohocrmsdk.src.com.zoho.crm.api.record import Record, RecordOperations
from zohocrmsdk.src.com.zoho.crm.api.users import MinifiedUser, UsersOperations


def links_to(module):
    """Version 7 of the SDK knows the older form of links alone, and version 8 the newer one alone."""
    links = Multiselectlookup()
    if hasattr(links, "set_connected_module"):
        connected = MinifiedModule()
        connected.set_api_name(module)
        links.set_connected_module(connected)
        return links
    from zohocrmsdk.src.com.zoho.crm.api.fields import ConnectedDetails, LinkingModule

    connected, details = LinkingModule(), ConnectedDetails()
    connected.set_api_name(module)
    details.set_module(connected)
    links.set_connected_details(details)
    return links


def field(label, data_type):
    made = Fields()
    made.set_field_label(label)
    made.set_data_type(data_type)
    return made


def create(module, *fields):
    wrapper = BodyWrapper()
    wrapper.set_fields(list(fields))
    answer = FieldsOperations().create_field(wrapper, params(CreateFieldParam, module=module))
    return [(one.get_code().get_value(), str(one.get_details())) for one in answer.get_object().get_fields()]


def pointing(name, record):
    row, target = Record(), Record()
    target.set_id(record)
    row.add_key_value(name, target)
    return row


def main():
    connect(json.loads(sys.argv[1]))
    interests = field("Interests", "multiselectlookup")
    interests.set_multiselectlookup(links_to("Products"))
    crew = field("Crew", "multiuserlookup")
    result = {"fields": create("Leads", interests, field("Surveys", "subform"), crew)}
    result["fields"] += create("Surveys", field("Finding", "text"))
    product = int(
        outcomes(RecordOperations("Products").create_records(body(lead(Product_Name="Buoy")), HeaderMap()))[
            0
        ]["details"]["id"]
    )
    leads = RecordOperations("Leads")
    user, crew_row = MinifiedUser(), Record()
    user.set_id(
        int(UsersOperations().get_users(ParameterMap(), HeaderMap()).get_object().get_users()[0].get_id())
    )
    crew_row.add_key_value("Crew", user)
    rows = {
        "Interests": [pointing("Interests", product)],
        "Surveys": [lead(Finding="rust")],
        "Crew": [crew_row],
    }
    made = outcomes(leads.create_records(body(lead(Last_Name="Linked", **rows)), HeaderMap()))
    record = int(made[0]["details"]["id"])
    shown = leads.get_record(record, ParameterMap(), HeaderMap()).get_object().get_data()[0]
    result["links"] = [
        row.get_key_value("Interests").get_key_value("name") for row in shown.get_key_value("Interests")
    ]
    result["rows"] = [row.get_key_value("Finding") for row in shown.get_key_value("Surveys")]
    result["crew"] = [
        row.get_key_value("Crew").get_id() == user.get_id() for row in shown.get_key_value("Crew")
    ]
    again = leads.update_record(record, body(lead(Interests=rows["Interests"])), HeaderMap())
    result["again"] = outcomes(again)[0]["code"]
    print(json.dumps(result))


main()
