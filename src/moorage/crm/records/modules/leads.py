"""Leads [Z upsert-records]: once a lead is converted, it is only read [Z convert-lead]."""

from moorage.crm.faults import Fault
from moorage.crm.records.modules.full_name import set_full_name
from moorage.crm.records.modules.rules import ModuleRules, PendingRecord


def _refuse_converted(lead: PendingRecord) -> None:
    if lead.old.get(lead.module.fields["Converted__s"].column):
        details = {"id": str(lead.old["id"])}
        raise Fault(400, "CONVERTED_RECORD", "can't update the converted record", details)


RULES = ModuleRules(
    check=_refuse_converted, compute=set_full_name, duplicate_field="Email", has_territories=True
)
