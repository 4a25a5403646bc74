"""What belongs to a record, through Zoho's official Python SDK, unmodified."""

from zoho_sdk import body, lead, outcomes, params
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.blueprint import BlueprintOperations
from zohocrmsdk.src.com.zoho.crm.api.record import RecordOperations
from zohocrmsdk.src.com.zoho.crm.api.record_locking import BodyWrapper as LockBody
from zohocrmsdk.src.com.zoho.crm.api.record_locking import LockRecord, RecordLockingOperations
from zohocrmsdk.src.com.zoho.crm.api.recycle_bin import RecycleBinOperations
from zohocrmsdk.src.com.zoho.crm.api.share_records import (
    GetSharedRecordDetailsParam,
    ShareRecordsOperations,
)
from zohocrmsdk.src.com.zoho.crm.api.timelines import TimelinesOperations
from zohocrmsdk.src.com.zoho.crm.api.wizards import WizardsOperations


def what_belongs_to_a_lead():
    """Lock, share, delete and remove a lead; gives what was said of each step."""
    records = RecordOperations("Leads")
    made = outcomes(records.create_records(body(lead(Last_Name="Moor")), HeaderMap()))
    record = int(made[0]["details"]["id"])
    locks, lock = RecordLockingOperations(record, "Leads"), LockBody()
    reason = LockRecord()
    reason.set_locked_reason__s("Under review")
    lock.set_data([reason])
    locked = locks.lock_records(lock).get_object().get_data()[0].get_message().get_value()
    timeline = TimelinesOperations().get_timelines("Leads", str(record), ParameterMap())
    actions = [entry.get_action() for entry in timeline.get_object().get_timeline()]
    blueprint = BlueprintOperations(str(record), "Leads").get_blueprint()
    manage = params(GetSharedRecordDetailsParam, view="manage")
    shares = ShareRecordsOperations(record, "Leads").get_shared_record_details(manage).get_object()
    records.delete_record(record, ParameterMap(), HeaderMap())
    listed = RecycleBinOperations().get_recyclebin_record(record).get_object().get_recycle_bin()
    removed = RecycleBinOperations().delete_recyclebin_record(record).get_object().get_recycle_bin()
    return {
        "locked": locked,
        "timeline": actions,
        "shareable": len(shares.get_shareable_user()) > 0,
        "bin": [entry.get_display_name() for entry in listed],
        "removed": removed[0].get_message(),
        "blueprint": blueprint.get_object().get_code().get_value(),
        "wizards": WizardsOperations().get_wizards().get_status_code(),
    }
