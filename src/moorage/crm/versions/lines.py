"""The line items of quotes, orders and invoices in v2: `Product_Details`, with other keys than in v8."""

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
# The field of v8 that has the line items, by module. Source: the field constants of [Z sdk], v2 and v8.
FIELDS = {
    "Quotes": "Quoted_Items",
    "Sales_Orders": "Ordered_Items",
    "Purchase_Orders": "Purchase_Items",
    "Invoices": "Invoiced_Items",
}
# The keys of a line item: in v2, and in v8. Source: the type InventoryLineItems of [Z sdk], v2.
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
_OLDER_KEYS = {current: older for older, current in KEYS.items()}
_PATH = re.compile(rf"\.({'|'.join(FIELDS.values())})(\[\d+\](?:\.(\w+))?)?")
# The fields of its product that a line item of v2 shows, and their keys there. The code is shown inside of `product`.
_OF_PRODUCT = {"Product_Code": None, "Unit_Price": "unit_price", "Qty_in_Stock": "quantity_in_stock"}


def written(call: Call) -> None:
    """Rename the line items in the body of a write, and their field in the parameter `fields`."""
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
    """A discount of v2 as a number. A text that is not a number stays as it is, and is refused later."""
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", text, re.ASCII):
        return text
    return float(text)


def shown(answer: Answer, call: Call) -> Awaitable[None] | None:
    """Rename line items in the records, outcomes or fields of an answer."""
    _rename_fields(answer)
    field = FIELDS.get(call.shown_module)
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
    read = _products(call, sorted(map(int, ids))) if ids else None

    def show(page: Page | None) -> None:
        products = {product["id"]: product for product in msgspec.json.decode(page.data)} if page else {}
        for record in records:
            _rename_field(record, field, products)

    async def later(waiting: Awaitable[Page]) -> None:
        show(await waiting)

    if isinstance(read, Awaitable):
        return later(read)
    show(read)
    return None


def _products(call: Call, ids: Sequence[int]) -> Page | Awaitable[Page]:
    """The products with the fields that line items show in v2, but not in v8."""
    module = call.organisation.catalog.modules["Products"]
    order, window = Order(module.fields["id"], descending=False), Window(len(ids))
    return call.store.page(module, shape(module, list(_OF_PRODUCT)), [Ids(tuple(ids))], order, window)


def _rename_field(record: dict[str, Any], field: str, products: dict[str, dict[str, Any]]) -> None:
    if field in record:
        record[NAME] = [_older(line, products) for line in record.pop(field)]
    has_more = record.get("$has_more") or {}
    if field in has_more:
        has_more[NAME] = has_more.pop(field)


def _older(line: dict[str, Any], products: dict[str, dict[str, Any]]) -> dict[str, Any]:
    older_line = {older: line.get(current) for older, current in KEYS.items()}
    older_line["book"] = (older_line["book"] or {}).get("id")
    lookup = older_line["product"]
    product = products.get(lookup["id"], {}) if lookup else {}
    for name, key in _OF_PRODUCT.items():
        if key is not None:
            older_line[key] = product.get(name)
    if lookup:
        older_line["product"] = {"Product_Code": product.get("Product_Code"), **lookup}
    return older_line


def _rename_paths(details: dict[str, Any], field: str) -> None:
    path = details.get("json_path", "")
    if f".{field}" in path:
        details["json_path"] = renamed = _PATH.sub(_older_path, path)
        details["api_name"] = re.sub(r"\[\d+\]$", "", renamed).rpartition(".")[2]


def _older_path(match: re.Match[str]) -> str:
    rest = match[2] or ""
    if match[3]:
        rest = rest.replace(f".{match[3]}", f".{_OLDER_KEYS.get(match[3], match[3])}")
    return f".{NAME}{rest}"


def _rename_fields(answer: Answer) -> None:
    for field in fields(answer):
        if field["data_type"] == "subform" and field["api_name"] in FIELDS.values():
            field["api_name"] = NAME
