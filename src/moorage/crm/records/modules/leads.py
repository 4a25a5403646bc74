"""Leads [Z upsert-records]."""

from moorage.crm.records.modules.full_name import set_full_name
from moorage.crm.records.modules.rules import ModuleRules

RULES = ModuleRules(compute=set_full_name, duplicate_field="Email", has_territories=True)
