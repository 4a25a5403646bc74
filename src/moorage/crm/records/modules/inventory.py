"""Quotes, orders and invoices, which Zoho calls the inventory modules: their line items, and the totals over these.

Sources: [Z insert-records], [Z update-records].
"""

from collections.abc import Sequence

from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.json_numbers import exact, number
from moorage.crm.records.modules.rules import ModuleRules, PendingRecord
from moorage.crm.records.money import product, rounded, total
from moorage.crm.storage.contract.records import Row

LINE_ITEM_MODULES = ("Quoted_Items", "Ordered_Items", "Purchase_Items", "Invoiced_Items")


def _compute_line_item(item: PendingRecord) -> None:
    price = rounded(product(exact(item.get("Quantity")), exact(item.get("List_Price"))))
    after_discount = rounded(total((price, -exact(item.get("Discount")))))
    net_total = rounded(total((after_discount, exact(item.get("Tax")))))
    item.set("Total", number(price))
    item.set("Total_After_Discount", number(after_discount))
    item.set("Net_Total", number(net_total))


LINE_ITEMS = ModuleRules(compute=_compute_line_item, has_list_price=True)


def _totals(*added: str) -> ModuleRules:
    """The rules of a module whose grand total is the sum over its line items and these fields, less its discount."""

    def add_up(record: PendingRecord, line_items: Module, rows: Sequence[Row]) -> None:
        if line_items.api_name not in LINE_ITEM_MODULES:
            return
        net_total = line_items.fields["Net_Total"].column
        subtotal = rounded(total(exact(row.get(net_total)) for row in rows))
        additions = [exact(record.get(name)) for name in added]
        grand_total = rounded(total((subtotal, *additions, -exact(record.get("Discount")))))
        record.set("Sub_Total", number(subtotal))
        record.set("Grand_Total", number(grand_total))

    return ModuleRules(add_up=add_up, added_up=frozenset({"Discount", *added}))


QUOTES = _totals("Tax", "Adjustment")
SALES_ORDERS = PURCHASE_ORDERS = INVOICES = _totals("Tax", "Adjustment", "Excise_Duty")
