"""Convert a record into others: leads [Z convert-lead], quotes and sales orders [Z convert-inventory]."""

from collections.abc import Awaitable

from moorage.crm.api.related.relations import make_links
from moorage.crm.faults import module_unsupported
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.relations import CONTACT_ROLE
from moorage.crm.records.access import writable
from moorage.crm.records.conversion.inventory import TARGETS, InventoryConversion, read_inventory_request
from moorage.crm.records.conversion.leads import LeadConversion, Permit, refusing
from moorage.crm.records.conversion.request import ConversionRequest, read_request
from moorage.crm.records.outcomes import Outcome, Refused
from moorage.crm.records.reading import record_id
from moorage.crm.records.related import related_list
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.body import records_of
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


async def convert(call: Call) -> Response:
    module = writable(call, "convertable")
    if module.api_name != "Leads" and module.api_name not in TARGETS:
        raise module_unsupported()
    record = record_id(call)
    (element,), _ = await records_of(call, 1)
    try:
        if module.api_name == "Leads":
            request = _read(call, element)
            await prepare_roles(call, request)
            job = _of_lead(call, record, request)
        else:
            job = _of_inventory(call, module, record, element)
        return _answer(await job)
    except Refused as refused:
        return _answer(refused.outcome)


def _read(call: Call, element: object) -> ConversionRequest:
    with refusing():
        return read_request(call.organisation, element)


async def prepare_roles(call: Call, request: ConversionRequest) -> None:
    """Let there be contact roles, if the request wants one."""
    deals = call.organisation.catalog.modules["Deals"]
    related = related_list(call.organisation, deals, "Contact_Roles")
    is_wanted = request.values.get("Deals", {}).get(CONTACT_ROLE) is not None
    if is_wanted and related is not None and related.links is None and related.relation is not None:
        await make_links(call, related.relation)


def _of_lead(call: Call, lead: int, request: ConversionRequest) -> Awaitable[Outcome]:

    def job(transaction: Transaction) -> Outcome:
        conversion = LeadConversion(call.organisation, call.caller.user, transaction, request, _permit(call))
        return conversion.run(lead)

    return call.store.write(job)


def _of_inventory(call: Call, module: Module, record: int, element: object) -> Awaitable[Outcome]:
    with refusing():
        request = read_inventory_request(call.organisation, module, element)

    def job(transaction: Transaction) -> Outcome:
        conversion = InventoryConversion(
            call.organisation, module, call.caller.user, transaction, _permit(call)
        )
        return conversion.run(record, request)

    return call.store.write(job)


def _permit(call: Call) -> Permit:
    return lambda operation, module: call.require(f"ZohoCRM.modules.{{module}}.{operation}", module)


def _answer(outcome: Outcome) -> Response:
    return answer({"data": [outcome.document]}, outcome.status)


ROUTES = (
    Route("POST", "/crm/v8/{module}/{id}/actions/convert", convert, ("ZohoCRM.modules.{module}.UPDATE",)),
)
