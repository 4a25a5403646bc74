"""Quotes, orders and invoices, which Zoho calls the inventory modules: their line items, and the totals over these.

Sources: [Z insert-records], [Z update-records].
"""

from collections.abc import Sequence

from moorage.crm.metadata.catalog import Module
from moorage.crm.records.modules.rules import ModuleRules, PendingRecord
from moorage.crm.storage.contract.records import Row

LINE_ITEM_MODULES = ("Quoted_Items", "Ordered_Items", "Purchase_Items", "Invoiced_Items")


def _compute_line_item(item: PendingRecord) -> None:
    def amount(name: str) -> float:
        return float(item.get(name) or 0)

    total = round(amount("Quantity") * amount("List_Price"), 2)
    after_discount = round(total - amount("Discount"), 2)
    item.set("Total", total)
    item.set("Total_After_Discount", after_discount)
    item.set("Net_Total", round(after_discount + amount("Tax"), 2))


LINE_ITEMS = ModuleRules(compute=_compute_line_item)


def _totals(*added: str) -> ModuleRules:
    """The rules of a module whose grand total is the sum over its line items and these fields, less its discount."""

    def add_up(record: PendingRecord, line_items: Module, rows: Sequence[Row]) -> None:
        if line_items.api_name not in LINE_ITEM_MODULES:
            return
        net_total = line_items.fields["Net_Total"].column
        subtotal = round(sum(row.get(net_total) or 0 for row in rows), 2)
        record.set("Sub_Total", subtotal)
        own = sum(float(record.get(name) or 0) for name in added) - float(record.get("Discount") or 0)
        record.set("Grand_Total", round(subtotal + own, 2))

    return ModuleRules(add_up=add_up, added_up=frozenset({"Discount", *added}))


QUOTES = _totals("Tax", "Adjustment")
SALES_ORDERS = PURCHASE_ORDERS = INVOICES = _totals("Tax", "Adjustment", "Excise_Duty")
