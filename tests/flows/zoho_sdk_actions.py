"""Converts records and acts on them with Zoho's official Python SDK, unmodified; prints one JSON object."""

import datetime as dt
import io
import json
import sys
import zipfile

from zoho_sdk import body, connect, lead, outcomes, params
from zoho_sdk_belongings import what_belongs_to_a_lead
from zoho_sdk_merges import merged
from zoho_sdk_settings import change_settings
from zoho_sdk_views import sort_a_view
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.backup import Backup, BackupOperations
from zohocrmsdk.src.com.zoho.crm.api.backup import BodyWrapper as BackupBody
from zohocrmsdk.src.com.zoho.crm.api.bulk_read import BodyWrapper as BulkReadBody
from zohocrmsdk.src.com.zoho.crm.api.bulk_read import BulkReadOperations, Query
from zohocrmsdk.src.com.zoho.crm.api.bulk_write import (
    BulkWriteOperations,
    FileBodyWrapper,
    RequestWrapper,
    Resource,
    UploadFileHeader,
)
from zohocrmsdk.src.com.zoho.crm.api.change_owner import ChangeOwnerOperations, MassWrapper, Owner
from zohocrmsdk.src.com.zoho.crm.api.conversion_option import ConversionOptionOperations
from zohocrmsdk.src.com.zoho.crm.api.convert_lead import BodyWrapper as ConvertBody
from zohocrmsdk.src.com.zoho.crm.api.convert_lead import ConvertLeadOperations, LeadConverter
from zohocrmsdk.src.com.zoho.crm.api.coql import BodyWrapper as QueryBody
from zohocrmsdk.src.com.zoho.crm.api.coql import CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.inventory_convert import BodyWrapper as InventoryBody
from zohocrmsdk.src.com.zoho.crm.api.inventory_convert import (
    ConvertTo,
    InventoryConverter,
    InventoryConvertOperations,
    Module,
)
from zohocrmsdk.src.com.zoho.crm.api.mass_delete_cvid import MassDeleteCvidOperations, RecordIdBodyWrapper
from zohocrmsdk.src.com.zoho.crm.api.modules import MinifiedModule
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.record import (
    LineItemProduct,
    MassUpdateBodyWrapper,
    Record,
    RecordOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.tags import BodyWrapper as TagBody
from zohocrmsdk.src.com.zoho.crm.api.tags import (
    CreateTagsParam,
    GetRecordCountForTagParam,
    GetTagsParam,
    NewTagRequestWrapper,
    Tag,
    TagsOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.users import UsersOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice, StreamWrapper


def create(module, **values):
    answer = RecordOperations(module).create_records(body(lead(**values)), HeaderMap())
    return int(outcomes(answer)[0]["details"]["id"])


def with_id(record, named=None):
    named = named or Record()
    named.set_id(record)
    return named


def convert_lead():
    create("Contacts", Last_Name="Known", Email="known@acme.example")
    record = create("Leads", Last_Name="Known", Email="known@acme.example", Company="Acme")
    options = ConversionOptionOperations(record).lead_conversion_options().get_object()
    matched = [contact.get_key_value("Email") for contact in options.get_conversion_options().get_contacts()]
    converter, wrapper = LeadConverter(), ConvertBody()
    converter.set_add_to_existing_record(Choice(True))
    converter.set_deals(
        lead(Deal_Name="Won", Closing_Date=dt.date(2026, 3, 1), Stage=Choice("Qualification"))
    )
    wrapper.set_data([converter])
    answer = ConvertLeadOperations(record).convert_lead(wrapper).get_object().get_data()[0]
    return [matched, answer.get_code().get_value(), sorted(answer.get_details())]


def convert_quote():
    product = with_id(create("Products", Product_Name="Buoy"), LineItemProduct())
    line = lead(Product_Name=product, Quantity=2.0)
    account = with_id(create("Accounts", Account_Name="Harbour"))
    quote = create("Quotes", Subject="Buoys", Account_Name=account, Quoted_Items=[line])
    module, target, converter, wrapper = Module(), ConvertTo(), InventoryConverter(), InventoryBody()
    module.set_api_name("Invoices")
    target.set_module(module)
    converter.set_convert_to([target])
    wrapper.set_data([converter])
    answer = InventoryConvertOperations(quote, "Quotes").convert_inventory(wrapper)
    return answer.get_object().get_data()[0].get_code().get_value()


def read_in_bulk():
    operations, query, request, module = BulkReadOperations(), Query(), BulkReadBody(), MinifiedModule()
    module.set_api_name("Leads")
    query.set_module(module)
    query.set_fields(["Last_Name", "Company"])
    request.set_query(query)
    added = operations.create_bulk_read_job(request).get_object().get_data()[0]
    job, states = int(added.get_details()["id"]), ["ADDED"]
    while states[-1] in {"ADDED", "IN PROGRESS"}:
        detail = operations.get_bulk_read_job_details(job).get_object().get_data()[0]
        states += [state for state in [detail.get_state().get_value()] if state != states[-1]]
    stream = operations.download_result(job).get_object().get_file()
    return [states, detail.get_result().get_count(), stream.get_name() == f"{job}.zip"]


def back_up():
    """Statuses of a backup, and the names of its files and of what is in the first."""
    operations, request = BackupOperations(), BackupBody()
    request.set_backup(Backup())
    scheduled = operations.schedule(request).get_object().get_backup()
    statuses = ["INPROGRESS"]
    while statuses[-1] == "INPROGRESS":
        shown = operations.get_details().get_object().get_backup()
        statuses += [status for status in [shown.get_status()] if status != statuses[-1]]
    urls = operations.get_urls().get_object().get_urls()
    stream = operations.download_backed_up_data(urls.get_data_links()[0]).get_object().get_file()
    history = operations.history().get_object().get_history()
    return [scheduled.get_status().get_value(), statuses, stream.get_name(), len(history)]


def query():
    """What became of the lead, and the code of a query that is cut off."""
    wrapper = QueryBody()
    wrapper.set_select_query(
        "select Last_Name, Account_Name.Account_Name, Owner from Contacts where Last_Name = 'Known'"
    )
    answer = CoqlOperations().get_records(wrapper).get_object()
    record = answer.get_data()[0]
    wrapper.set_select_query("select Last_Name from Contacts where Last_Name")
    fault = CoqlOperations().get_records(wrapper).get_object()
    return [
        record.get_key_value("Last_Name"),
        record.get_key_value("Account_Name.Account_Name"),
        bool(record.get_key_value("Owner")["id"]),
        answer.get_info().get_more_records(),
        fault.get_code().get_value(),
    ]


def write_in_bulk():
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as opened:
        opened.writestr("leads.csv", "Last_Name\nBulk\n")
    zipped.seek(0)
    upload, headers = FileBodyWrapper(), HeaderMap()
    upload.set_file(StreamWrapper(name="leads.zip", stream=zipped))
    organisation = OrgOperations().get_organization().get_object().get_org()[0].get_zgid()
    headers.add(UploadFileHeader.feature, "bulk-write")
    headers.add(UploadFileHeader.x_crm_org, organisation)
    operations = BulkWriteOperations()
    file = operations.upload_file(upload, headers).get_object().get_details()["file_id"]
    module, resource, request = MinifiedModule(), Resource(), RequestWrapper()
    module.set_api_name("Leads")
    resource.set_type(Choice("data"))
    resource.set_module(module)
    resource.set_file_id(str(file))
    request.set_operation(Choice("insert"))
    request.set_resource([resource])
    job, status = str(operations.create_bulk_write_job(request).get_object().get_details()["id"]), "ADDED"
    while status in {"ADDED", "INPROGRESS"}:
        shown = operations.get_bulk_write_job_details(job).get_object()
        status = shown.get_status()
    stream = (
        operations.download_bulk_write_result(shown.get_result().get_download_url()).get_object().get_file()
    )
    return [status, shown.get_resource()[0].get_file().get_added_count(), stream.get_name() == f"{job}.zip"]


def act_on_many():
    """A clone, a new owner, a value and a deletion; gives the messages."""
    record = create("Leads", Last_Name="Many")
    leads = RecordOperations("Leads")
    cloned = outcomes(leads.clone_record(record))[0]["code"]
    ids = [record]
    owner, wrapper = Owner(), MassWrapper()
    owner.set_id(UsersOperations().get_users().get_object().get_users()[0].get_id())
    wrapper.set_ids(ids)
    wrapper.set_owner(owner)
    given = ChangeOwnerOperations("Leads").mass_update(wrapper)
    update = MassUpdateBodyWrapper()
    update.set_data([lead(City="Kiel")])
    update.set_ids([str(record)])
    updated = leads.mass_update_records(update)
    delete = RecordIdBodyWrapper()
    delete.set_ids([record])
    deleted = MassDeleteCvidOperations("Leads").mass_delete_by_record_id(delete)
    messages = [
        str(answer.get_object().get_data()[0].get_code().get_value()) for answer in (given, updated, deleted)
    ]
    return [cloned, *messages]


def merge_leads():
    """Two leads that become one; gives the code, and the city of the one that is left."""
    master, other = create("Leads", Last_Name="One"), create("Leads", Last_Name="Same", City="Bergen")
    code = merged("Leads", master, other)
    shown = (
        RecordOperations("Leads").get_record(master, ParameterMap(), HeaderMap()).get_object().get_data()[0]
    )
    return [code, shown.get_key_value("City")]


def tag_a_lead():
    """A tag made, put on a lead, counted, taken away and deleted; gives codes, names and the count."""
    tags, lead_id, tag, wrapper = TagsOperations(), create("Leads", Last_Name="Tagged"), Tag(), TagBody()
    tag.set_name("Sdk")
    wrapper.set_tags([tag])
    made = tags.create_tags(wrapper, params(CreateTagsParam, module="Leads")).get_object().get_tags()[0]
    request = NewTagRequestWrapper()
    request.set_tags([tag])
    added = tags.add_tags("Leads", lead_id, request).get_object().get_data()[0]
    listed = tags.get_tags(params(GetTagsParam, module="Leads")).get_object().get_tags()
    [own] = [each for each in listed if each.get_name() == "Sdk"]
    count = params(GetRecordCountForTagParam, module="Leads")
    counted = tags.get_record_count_for_tag(own.get_id(), count).get_object().get_count()
    deleted = tags.delete_tag(own.get_id()).get_object().get_tags()[0]
    codes = [each.get_code().get_value() for each in (made, added, deleted)]
    return [*codes, own.get_created_by().get_name() is not None, str(counted)]


def main():
    connect(json.loads(sys.argv[1]))
    done = {
        "convert_lead": convert_lead(),
        "convert_quote": convert_quote(),
        "bulk_read": read_in_bulk(),
        "bulk_write": write_in_bulk(),
        "backup": back_up(),
        "query": query(),
        "views": sort_a_view(),
        "many": act_on_many(),
        "merge": merge_leads(),
        "tags": tag_a_lead(),
        "belongings": what_belongs_to_a_lead(),
        "settings": change_settings(),
    }
    print(json.dumps(done))


main()
