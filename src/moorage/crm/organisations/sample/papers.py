"""Quotes, orders and invoices: a quote becomes an order, and an order becomes an invoice."""

from collections.abc import Sequence
from typing import Any

from moorage.crm.organisations.sample.composer import Composer, SampleRecord, reference

_CARRIERS = ("DHL", "UPS", "FedEX", "BlueDart")
_PAPER_STATUSES = ("Created", "Approved", "Approved", "Delivered", "Delivered", "Cancelled")
_QUOTE_STAGES = {
    "Proposal/Price Quote": ("Draft", "Delivered"),
    "Negotiation/Review": ("Negotiation", "On Hold"),
    "Closed Won": ("Confirmed", "Closed Won"),
}


def quotes(composer: Composer) -> None:
    offered = [deal for deal in composer.records["Deals"] if deal.values["Stage"] in _QUOTE_STAGES]
    won_first = sorted(offered, key=lambda deal: deal.values["Stage"] != "Closed Won")
    for deal in won_first[:12]:
        age = deal.age_days * 0.8
        values = {
            "Subject": f"Quote for {deal.values['Deal_Name']}",
            "Deal_Name": reference(deal),
            "Quote_Stage": composer.pick(_QUOTE_STAGES[deal.values["Stage"]]),
            "Valid_Till": composer.date(30 - age),
            "Carrier": composer.pick(_CARRIERS),
            "Quoted_Items": _lines(composer, composer.records["Products"], deal.values["Amount"]),
            "Terms_and_Conditions": composer.texts["terms"],
            **_parties(composer, deal),
        }
        composer.add("Quotes", values, age * 0.8, age)


def sales_orders(composer: Composer) -> None:
    accepted = [
        quote
        for quote in composer.records["Quotes"]
        if quote.values["Quote_Stage"] in _QUOTE_STAGES["Closed Won"]
    ]
    for n in range(10):
        quote = accepted[n % len(accepted)]  # Some customers order a second time.
        age = quote.age_days * 0.8
        values = {
            "Subject": quote.values["Subject"].replace("Quote for", f"Order {n + 1}:"),
            "Quote_Name": reference(quote),
            "Deal_Name": quote.values["Deal_Name"],
            "Purchase_Order": f"PO-{composer.number(2000, 9000)}",
            "Status": composer.pick(_PAPER_STATUSES),
            "Due_Date": composer.date(21 - age),
            "Carrier": quote.values["Carrier"],
            "Ordered_Items": quote.values["Quoted_Items"],
            **_parties(composer, quote),
        }
        composer.add("Sales_Orders", values, age * 0.9, age)


def invoices(composer: Composer) -> None:
    for order in composer.records["Sales_Orders"]:
        age = order.age_days * 0.7
        values = {
            "Subject": order.values["Subject"].replace("Order", "Invoice for order"),
            "Sales_Order": reference(order),
            "Purchase_Order": order.values["Purchase_Order"],
            "Status": composer.pick(_PAPER_STATUSES),
            "Invoice_Date": composer.date(-age),
            "Due_Date": composer.date(30 - age),
            "Invoiced_Items": order.values["Ordered_Items"],
            **_parties(composer, order),
        }
        composer.add("Invoices", values, age * 0.98, age)


def purchase_orders(composer: Composer) -> None:
    for n in range(8):
        vendor = composer.target(composer.records["Products"][n * 3], "Vendor_Name")
        supplied = [
            product
            for product in composer.records["Products"]
            if product.values["Vendor_Name"] == reference(vendor)
        ]
        age = composer.between(2, 80)
        values = {
            "Subject": f"{vendor.values['Category']}, lot {n + 11}",
            "Vendor_Name": reference(vendor),
            "PO_Number": f"HP-{1180 + n}",
            "Requisition_No": f"R{composer.number(300, 999)}",
            "PO_Date": composer.date(-age),
            "Due_Date": composer.date(35 - age),
            "Status": composer.pick(_PAPER_STATUSES),
            "Carrier": composer.pick(_CARRIERS),
            "Purchase_Items": _lines(composer, supplied, composer.amount(900, 24_000), 0.55),
        }
        composer.add("Purchase_Orders", values, age * 0.98, age)


def _lines(
    composer: Composer, products: Sequence[SampleRecord], budget: float, share: float = 1
) -> list[dict[str, Any]]:
    """One to four line items that cost about the budget. Their prices are a share of the list price.

    A purchase order has a smaller share, because a company buys for less than it sells.
    """
    lines = []
    chosen = composer.few(products, 4)
    for product in chosen:
        price = round(product.values["Unit_Price"] * share, 2)
        quantity = float(max(1, round(budget / len(chosen) / price)))
        line = {"Product_Name": reference(product), "Quantity": quantity, "List_Price": price}
        if composer.chance(0.3):
            line["Discount"] = round(price * quantity * 0.05, 2)
        lines.append(line)
    return lines


def _parties(composer: Composer, source: SampleRecord) -> dict[str, Any]:
    """The account, contact and addresses, from the deal, quote or order before it."""
    account = composer.target(source, "Account_Name").values
    addresses = {name: value for name, value in account.items() if name.startswith(("Billing_", "Shipping_"))}
    return {name: source.values[name] for name in ("Account_Name", "Contact_Name")} | addresses
