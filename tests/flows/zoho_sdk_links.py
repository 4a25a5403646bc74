"""Makes fields with rows, and writes and reads their rows, with Zoho's official Python SDK; prints one JSON object.

The SDK reads the fields of the modules of rows by itself, from where the fields' documents say that they are.
"""

import json
import sys

from zoho_sdk import body, connect, lead, outcomes, params
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.contact_roles import ContactRolesOperations
from zohocrmsdk.src.com.zoho.crm.api.fields import (
    BodyWrapper,
    CreateFieldParam,
    External,
    Fields,
    FieldsOperations,
    Multiselectlookup,
)
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule
from zohocrmsdk.src.com.zoho.crm.api.record import (
    GetRecordUsingExternalIDHeader,
    Record,
    RecordOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.related_records import (
    BodyWrapper as RelatedBody,
)
from zohocrmsdk.src.com.zoho.crm.api.related_records import (
    GetRelatedRecordsParam,
    RelatedRecordsOperations,
)
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


def related(product, record):
    """Relate a lead with a product, read the list from both sides, and undo it; and read what a contact can be."""
    products, leads = (
        RelatedRecordsOperations("Products", "Leads"),
        RelatedRecordsOperations("Leads", "Products"),
    )
    wanted, wrapper = Record(), RelatedBody()
    wanted.set_id(product)
    wrapper.set_data([wanted])
    made = outcomes(products.update_related_records(record, wrapper))
    asked = params(GetRelatedRecordsParam, fields="Last_Name")
    fans = leads.get_related_records(product, asked).get_object().get_data()
    gone = outcomes(products.delink_record(product, record))
    empty = leads.get_related_records(product, asked).get_status_code()
    notes = RelatedRecordsOperations("Notes", "Leads").get_related_records(
        record, params(GetRelatedRecordsParam, fields="id")
    )
    roles = ContactRolesOperations().get_roles().get_object().get_contact_roles()
    names = [fan.get_key_value("Last_Name") for fan in fans]
    return [made[0]["code"], names, gone[0]["code"], empty, notes.get_status_code(), len(roles)]


def external(leads):
    """Change and read a lead by its id in another program."""
    erp_id = field("Erp Id", "text")
    kind = External()
    kind.set_type("org")
    kind.set_show(True)
    erp_id.set_external(kind)
    create("Leads", erp_id)
    new = lead(Last_Name="Known")
    new.add_key_value("Erp_Id", "L-1")
    leads.create_records(body(new), HeaderMap())
    headers = HeaderMap()
    headers.add(GetRecordUsingExternalIDHeader.x_external, "Leads.Erp_Id")
    changed = outcomes(leads.update_record_using_external_id("L-1", body(lead(City="Rome")), headers))
    shown = leads.get_record_using_external_id("L-1", ParameterMap(), headers).get_object().get_data()[0]
    return [changed[0]["code"], shown.get_key_value("City")]


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
    result["related"] = related(product, record)
    result["external"] = external(leads)
    print(json.dumps(result))


main()
