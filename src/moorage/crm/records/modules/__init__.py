"""What is special about a module: its rules, by API name, in the file that is named after it.

The keys that a module's records show beside its fields are in `metadata/shown.py`, as the storage writes them out.
"""

from moorage.crm.metadata.catalog import Module
from moorage.crm.records.modules import (
    accounts,
    attachments,
    calls,
    contacts,
    deals,
    events,
    inventory,
    leads,
    notes,
    tasks,
)
from moorage.crm.records.modules.rules import ModuleRules

_RULES = {
    "Accounts": accounts.RULES,
    "Attachments": attachments.RULES,
    "Calls": calls.RULES,
    "Contacts": contacts.RULES,
    "Deals": deals.RULES,
    "Events": events.RULES,
    "Invoices": inventory.INVOICES,
    "Leads": leads.RULES,
    "Notes": notes.RULES,
    "Purchase_Orders": inventory.PURCHASE_ORDERS,
    "Quotes": inventory.QUOTES,
    "Sales_Orders": inventory.SALES_ORDERS,
    "Tasks": tasks.RULES,
    **dict.fromkeys(inventory.LINE_ITEM_MODULES, inventory.LINE_ITEMS),
}
_NONE = ModuleRules()


def rules_of(module: Module) -> ModuleRules:
    return _RULES.get(module.api_name, _NONE)
