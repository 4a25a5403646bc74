"""The records that a lead matches, to which its conversion could add it [Z conversion-options]."""

from collections.abc import Sequence
from typing import Any

import msgspec

from moorage.crm.faults import module_unsupported
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.shown import shape
from moorage.crm.query.tree import AnyOf, Checked, Equal
from moorage.crm.records.access import readable, visible
from moorage.crm.records.conversion.matches import deciding_values, mapped_fields
from moorage.crm.records.reading import record_id
from moorage.crm.storage.contract.records import Ids, Order, Page, Window
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_SHOWN = {
    "Contacts": ("Full_Name", "First_Name", "Last_Name", "Email", "Account_Name", "Owner"),
    "Accounts": ("Account_Name", "Owner"),
    "Deals": ("Deal_Name", "Stage", "Amount", "Closing_Date", "Account_Name", "Contact_Name", "Owner"),
}
_MOST = 200  # Records of each module that are shown.


async def conversion_options(call: Call) -> Response:
    module = readable(call)
    if module.api_name != "Leads":
        raise module_unsupported()
    lead = await _lead(call, module, record_id(call))
    if lead is None:
        return no_content()
    for name in _SHOWN:
        call.require("ZohoCRM.modules.{module}.READ", name)
    matches = {name: _matches(call, name, lead) for name in ("Contacts", "Accounts")}
    records = {name: await _matching(call, name, matches[name]) for name in matches}
    records["Deals"] = await _deals(call, records)
    if not any(records.values()):
        return no_content()
    first = next(name for name in matches if records[name])
    return answer({"__conversion_options": _options(call, first, records, matches)})


async def _lead(call: Call, leads: Module, lead: int) -> dict[str, Any] | None:
    """The values of a lead that is not converted yet."""
    names = [
        "Converted__s",
        *(field.api_name for name in _SHOWN for field, _ in mapped_fields(call.organisation.catalog, name)),
    ]
    rows = await _page(call, leads, names, [Ids((lead,))])
    return rows[0] if rows and not rows[0]["Converted__s"] else None


def _matches(call: Call, name: str, lead: dict[str, Any]) -> list[tuple[Field, Any]]:
    """The fields that decide, with the values of the lead."""
    pairs = mapped_fields(call.organisation.catalog, name)
    values = {to.api_name: lead[field.api_name] for field, to in pairs}
    return deciding_values(call.organisation.catalog.modules[name], values, "$")


async def _matching(call: Call, name: str, matches: Sequence[tuple[Field, Any]]) -> list[Any] | None:
    module = call.organisation.catalog.modules[name]
    condition = AnyOf(tuple(Equal(field, value) for field, value in matches))
    return await _page(call, module, _SHOWN[name], [condition]) or None


async def _deals(call: Call, records: dict[str, list[Any] | None]) -> list[Any] | None:
    """The deals of these contacts and accounts."""
    deals = call.organisation.catalog.modules["Deals"]
    pairs = (("Contact_Name", "Contacts"), ("Account_Name", "Accounts"))
    conditions = [
        Equal(deals.fields[lookup], int(record["id"]))
        for lookup, name in pairs
        for record in records[name] or ()
    ]
    return await _page(call, deals, _SHOWN["Deals"], [AnyOf(tuple(conditions))]) or None


async def _page(
    call: Call, module: Module, names: Sequence[str], filters: Sequence[Checked | Ids]
) -> list[Any]:
    order = Order(module.fields["id"], descending=True)
    page = call.store.page(
        module, shape(module, names), [*visible(call, module), *filters], order, Window(_MOST)
    )
    records = page if isinstance(page, Page) else await page
    rows: list[Any] = msgspec.json.decode(records.data)
    return rows


def _options(
    call: Call, first: str, records: dict[str, Any], matches: dict[str, list[tuple[Field, Any]]]
) -> dict[str, Any]:
    modules, metadata = call.organisation.catalog.modules, call.organisation.metadata
    several = [modules[name] for name in _SHOWN if len(metadata.all("layout", modules[name].id)) > 1]
    return {
        "module_preference": modules[first].reference,
        **records,
        "preference_field_matched_value": {
            name: [_value(field, value) for field, value in matches[name]] if records[name] else None
            for name in matches
        }
        | {"Deals": None},
        "modules_with_multiple_layouts": [module.reference for module in several],
    }


def _value(field: Field, value: Any) -> dict[str, Any]:
    return {"field": {"api_name": field.api_name, "id": str(field.id)}, "matched_lead_value": str(value)}


ROUTES = (
    Route(
        "GET",
        "/crm/v8/{module}/{id}/__conversion_options",
        conversion_options,
        ("ZohoCRM.modules.{module}.READ",),
    ),
)
