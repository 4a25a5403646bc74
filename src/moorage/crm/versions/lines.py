"""The lines of quotes, orders and invoices as v2 writes them: `Product_Details`, with keys of its own."""

import re
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Any

import msgspec

from moorage.crm.metadata.shown import shape
from moorage.crm.storage.contract.records import Ids, Order, Page, Window
from moorage.crm.versions.answers import fields
from moorage.crm.versions.version import Answer
from moorage.crm.wire.call import Call

NAME = "Product_Details"
# What v8 calls the field that holds the lines, by module. Source: the field constants of [Z sdk], v2 and v8.
FIELDS = {
    "Quotes": "Quoted_Items",
    "Sales_Orders": "Ordered_Items",
    "Purchase_Orders": "Purchase_Items",
    "Invoices": "Invoiced_Items",
}
# The keys of a line, v2's and v8's. Source: the type InventoryLineItems of [Z sdk], v2.
KEYS = {
    "id": "id",
    "product": "Product_Name",
    "quantity": "Quantity",
    "list_price": "List_Price",
    "Discount": "Discount",
    "Tax": "Tax",
    "line_tax": "Line_Tax",
    "product_description": "Description",
    "book": "Price_Book_Name",
    "total": "Total",
    "total_after_discount": "Total_After_Discount",
    "net_total": "Net_Total",
}
_OLDER_KEYS = {theirs: ours for ours, theirs in KEYS.items()}
_PATH = re.compile(rf"\.({'|'.join(FIELDS.values())})(\[\d+\](?:\.(\w+))?)?")
_OF_PRODUCT = {"Product_Code": None, "Unit_Price": "unit_price", "Qty_in_Stock": "quantity_in_stock"}


def written(call: Call) -> None:
    """The lines of a write, and the field's name among `fields`."""
    field = FIELDS.get(call.path.get("module", ""))
    if field is None:
        return
    if NAME in call.params.get("fields", ""):
        names = [field if name.strip() == NAME else name for name in call.params["fields"].split(",")]
        call.params = {**call.params, "fields": ",".join(names)}
    call.put_right = partial(_rename_lines, field)


def _rename_lines(field: str, records: list[Any]) -> None:
    for record in records:
        if isinstance(record, dict) and NAME in record:
            lines = record.pop(NAME)
            record[field] = [_line(line) for line in lines] if isinstance(lines, list) else lines


def _line(line: Any) -> Any:
    if not isinstance(line, dict):
        return line
    renamed = {KEYS.get(key, key): value for key, value in line.items()}
    discount = renamed.get("Discount")
    if isinstance(discount, str):
        renamed["Discount"] = _number(discount)
    return renamed


def _number(text: str) -> float | str:
    """v2's type of a discount is text; what is no number in it is refused as it came."""
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", text, re.ASCII):
        return text
    return float(text)


def shown(answer: Answer, call: Call) -> Awaitable[None] | None:
    """The lines of a record, what became of those that were sent, or the field that holds them."""
    _rename_fields(answer)
    field = FIELDS.get(call.path.get("module", ""))
    if field is None:
        return None
    records = []
    for record in answer.get("data") or ():
        if "details" in record and "code" in record:
            _rename_paths(record["details"], field)
        else:
            records.append(record)
    return _show_lines(records, field, call)


def _show_lines(records: list[dict[str, Any]], field: str, call: Call) -> Awaitable[None] | None:
    ids = {
        line["Product_Name"]["id"]
        for record in records
        for line in record.get(field) or ()
        if line.get("Product_Name")
    }
    found = _products(call, sorted(map(int, ids))) if ids else None

    def show(products: Page | None) -> None:
        known = {product["id"]: product for product in msgspec.json.decode(products.data)} if products else {}
        for record in records:
            _rename_field(record, field, known)

    async def later(waiting: Awaitable[Page]) -> None:
        show(await waiting)

    if isinstance(found, Awaitable):
        return later(found)
    show(found)
    return None


def _products(call: Call, ids: Sequence[int]) -> Page | Awaitable[Page]:
    """What lines show of their products besides what v8 shows."""
    module = call.organisation.catalog.modules["Products"]
    order, window = Order(module.fields["id"], descending=False), Window(len(ids))
    return call.organisation.store.page(
        module, shape(module, list(_OF_PRODUCT)), [Ids(tuple(ids))], order, window
    )


def _rename_field(record: dict[str, Any], field: str, products: dict[str, dict[str, Any]]) -> None:
    if field in record:
        record[NAME] = [_older(line, products) for line in record.pop(field)]
    more = record.get("$has_more") or {}
    if field in more:
        more[NAME] = more.pop(field)


def _older(line: dict[str, Any], products: dict[str, dict[str, Any]]) -> dict[str, Any]:
    shown = {ours: line.get(theirs) for ours, theirs in KEYS.items()}
    shown["book"] = (shown["book"] or {}).get("id")
    known = products.get(shown["product"]["id"], {}) if shown["product"] else {}
    for theirs, ours in _OF_PRODUCT.items():
        if ours is not None:
            shown[ours] = known.get(theirs)
    if shown["product"]:
        shown["product"] = {"Product_Code": known.get("Product_Code"), **shown["product"]}
    return shown


def _rename_paths(details: dict[str, Any], field: str) -> None:
    path = details.get("json_path", "")
    if f".{field}" in path:
        details["json_path"] = renamed = _PATH.sub(_older_path, path)
        details["api_name"] = re.sub(r"\[\d+\]$", "", renamed).rpartition(".")[2]


def _older_path(match: re.Match[str]) -> str:
    inside = match[2] or ""
    if match[3]:
        inside = inside.replace(f".{match[3]}", f".{_OLDER_KEYS.get(match[3], match[3])}")
    return f".{NAME}{inside}"


def _rename_fields(answer: Answer) -> None:
    for field in fields(answer):
        if field["data_type"] == "subform" and field["api_name"] in FIELDS.values():
            field["api_name"] = NAME
