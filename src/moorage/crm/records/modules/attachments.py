"""Attachments: made with their bytes or their address, and only through the record that they belong to."""

from moorage.crm.records.modules.rules import ModuleRules

RULES = ModuleRules(through_parents=True)
