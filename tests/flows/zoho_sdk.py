"""Drives Zoho's official Python SDK, unmodified, against a CRM; prints what it found as one JSON object.

Those of v6, v7 and v8 have the same names, so whichever is found first is driven.

The SDK keeps its state in module globals and files, so it runs in a process and a folder of its own.
"""

import datetime as dt
import json
import sys
from pathlib import Path

from zoho_sdk_emails import email_settings, emails
from zoho_sdk_notifications import notifications
from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, Initializer, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.attachments import (
    AttachmentsOperations,
    FileBodyWrapper,
    GetAttachmentsParam,
    UploadUrlAttachmentsParam,
)
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations, GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.files import BodyWrapper as FilesBodyWrapper
from zohocrmsdk.src.com.zoho.crm.api.files import FilesOperations, GetFileParam
from zohocrmsdk.src.com.zoho.crm.api.layouts import GetLayoutsParam, LayoutsOperations
from zohocrmsdk.src.com.zoho.crm.api.modules import ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.profiles import ProfilesOperations
from zohocrmsdk.src.com.zoho.crm.api.record import (
    APIException,
    BodyWrapper,
    Field,
    GetRecordsParam,
    Record,
    RecordOperations,
    SearchRecordsParam,
)
from zohocrmsdk.src.com.zoho.crm.api.record import FileBodyWrapper as PhotoWrapper
from zohocrmsdk.src.com.zoho.crm.api.roles import RolesOperations
from zohocrmsdk.src.com.zoho.crm.api.users import UsersOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice, StreamWrapper


def connect(credentials):
    environment = DataCenter.Environment(
        credentials["api_domain"], credentials["token_url"], credentials["api_domain"]
    )
    token = OAuthToken(
        client_id=credentials["client_id"],
        client_secret=credentials["client_secret"],
        refresh_token=credentials["refresh_token"],
    )
    Initializer.initialize(environment, token)


def params(owner, **values):
    parameters = ParameterMap()
    for name, value in values.items():
        parameters.add(getattr(owner, name), value)
    return parameters


def body(*records):
    wrapper = BodyWrapper()
    wrapper.set_data(list(records))
    return wrapper


def lead(**values):
    record = Record()
    for name, value in values.items():
        record.add_key_value(name, value)
    return record


def outcomes(response):
    wrapper = response.get_object()
    if isinstance(wrapper, APIException):
        return [{"code": wrapper.get_code().get_value(), "message": str(wrapper.get_message())}]
    return [
        {
            "code": outcome.get_code().get_value(),
            "details": {key: str(value) for key, value in outcome.get_details().items()},
        }
        for outcome in wrapper.get_data()
    ]


def walk(operations):
    """Count all leads, by token, as a program that syncs them would."""
    seen, token = 0, None
    while True:
        more = {"page_token": token} if token else {}
        answer = operations.get_records(
            params(GetRecordsParam, fields="Last_Name", per_page=200, **more), HeaderMap()
        )
        wrapper = answer.get_object()
        seen += len(wrapper.get_data())
        if not wrapper.get_info().get_more_records():
            return seen
        token = wrapper.get_info().get_next_page_token()


def attachments(record):
    """A file and a link, uploaded, listed, downloaded and deleted."""
    operations, request, sent = AttachmentsOperations(), FileBodyWrapper(), b"High at 4\n" * 1000
    Path("tide.txt").write_bytes(sent)
    request.set_file(StreamWrapper(file_path="tide.txt"))
    uploaded = outcomes(operations.upload_attachments(record, "Leads", request))
    address = ParameterMap()
    address.add(UploadUrlAttachmentsParam.attachmenturl, "https://docs.example/tide")
    linked = outcomes(operations.upload_url_attachments(record, "Leads", address))
    asked = params(GetAttachmentsParam, fields="File_Name,Size")
    listed = operations.get_attachments(record, "Leads", asked).get_object().get_data()
    attachment = int(uploaded[0]["details"]["id"])
    file = operations.get_attachment(attachment, record, "Leads").get_object().get_file()
    deleted = outcomes(operations.delete_attachment(attachment, record, "Leads"))
    return {
        "codes": [each[0]["code"] for each in (uploaded, linked, deleted)],
        "listed": [each.get_file_name() for each in listed],
        "name": file.get_name(),
        "same": b"".join(file.get_stream()) == sent,
    }


def files(leads, record):
    """A file and a photo, uploaded and downloaded."""
    body, photo = FilesBodyWrapper(), PhotoWrapper()
    body.set_file([StreamWrapper(file_path="tide.txt")])
    uploaded = outcomes(FilesOperations().upload_files(body))
    asked = params(GetFileParam, id=uploaded[0]["details"]["id"])
    file = FilesOperations().get_file(asked).get_object().get_file()
    Path("quay.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"pixels" * 100)
    photo.set_file(StreamWrapper(file_path="quay.png"))
    done = leads.upload_photo(record, photo).get_object()
    shown = leads.get_photo(record).get_object().get_file()
    deleted = leads.delete_photo(record).get_object()
    return {
        "codes": [uploaded[0]["code"], done.get_code().get_value(), deleted.get_code().get_value()],
        "same": b"".join(file.get_stream()) == Path("tide.txt").read_bytes(),
        "same photo": b"".join(shown.get_stream()) == Path("quay.png").read_bytes(),
    }


def main():
    connect(json.loads(sys.argv[1]))
    leads = RecordOperations("Leads")
    result = {}
    created = outcomes(
        leads.create_records(
            body(
                lead(
                    Last_Name="Sdk",
                    Email="sdk@acme.example",
                    Lead_Source=Choice("Web Research"),
                    Company="Acme",
                ),
                lead(Company="No last name"),
            ),
            HeaderMap(),
        )
    )
    result["create"] = created
    record = int(created[0]["details"]["id"])
    result["update"] = outcomes(leads.update_record(record, body(lead(Company="Changed")), HeaderMap()))
    fetched = leads.get_record(record, ParameterMap(), HeaderMap()).get_object().get_data()[0]
    result["get"] = {
        "Company": fetched.get_key_value("Company"),
        "Lead_Source": fetched.get_key_value("Lead_Source").get_value(),
        "Owner": fetched.get_key_value("Owner").get_email(),
        "Created_Time": isinstance(fetched.get_created_time(), dt.datetime),
    }
    result["upsert"] = outcomes(
        leads.upsert_records(body(lead(Last_Name="Upserted", Email="sdk@acme.example")), HeaderMap())
    )
    search = params(SearchRecordsParam, criteria="(Last_Name:equals:Upserted)and(Company:starts_with:Chan)")
    result["search"] = len(leads.search_records(search, HeaderMap()).get_object().get_data())
    for _ in range(21):
        leads.create_records(body(*[lead(Last_Name="Many") for _ in range(100)]), HeaderMap())
    result["walk"] = walk(leads)
    result["attachments"] = attachments(record)
    result["emails"] = emails(record)
    if "files" in sys.argv:  # That of v7 refuses its own streams in a list.
        result["files"] = files(leads, record)
        result["email_settings"] = email_settings(record)
    result["delete"] = outcomes(leads.delete_record(record, ParameterMap(), HeaderMap()))
    result["gone"] = leads.get_record(record, ParameterMap(), HeaderMap()).get_status_code()
    contact = Record()
    contact.add_field_value(Field.Contacts.last_name(), "Lovelace")
    account = Record()
    account.set_id(
        int(
            outcomes(
                RecordOperations("Accounts").create_records(body(lead(Account_Name="SDK Ltd")), HeaderMap())
            )[0]["details"]["id"]
        )
    )
    contact.add_field_value(Field.Contacts.account_name(), account)
    result["contact"] = outcomes(RecordOperations("Contacts").create_records(body(contact), HeaderMap()))
    result["modules"] = len(ModulesOperations().get_modules().get_object().get_modules())
    result["fields"] = len(
        FieldsOperations().get_fields(params(GetFieldsParam, module="Leads")).get_object().get_fields()
    )
    layouts = (
        LayoutsOperations().get_layouts(params(GetLayoutsParam, module="Leads")).get_object().get_layouts()
    )
    result["sections"] = len(layouts[0].get_sections())
    users = UsersOperations().get_users(ParameterMap(), HeaderMap()).get_object()
    result["users"] = [item.get_email() for item in users.get_users()]
    result["org"] = OrgOperations().get_organization().get_object().get_org()[0].get_company_name()
    result["roles"] = [item.get_name() for item in RolesOperations().get_roles().get_object().get_roles()]
    profiles = ProfilesOperations().get_profiles(ParameterMap()).get_object().get_profiles()
    result["profiles"] = [item.get_name() for item in profiles]
    result["notifications"] = notifications()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
