"""Convert a record into others: leads [Z convert-lead], quotes and sales orders [Z convert-inventory]."""

from collections.abc import Awaitable

from moorage.crm.faults import Fault, module_unsupported
from moorage.crm.metadata.catalog import Module
from moorage.crm.records.access import writable
from moorage.crm.records.conversion.inventory import TARGETS, InventoryConversion, read_inventory_request
from moorage.crm.records.conversion.leads import LeadConversion, Permit
from moorage.crm.records.conversion.request import read_request
from moorage.crm.records.outcomes import Outcome, Refused, failed
from moorage.crm.records.reading import record_id
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
            job = _of_lead(call, record, element)
        else:
            job = _of_inventory(call, module, record, element)
    except Fault as fault:
        return _answer(failed(fault))
    try:
        return _answer(await job)
    except Refused as refused:
        return _answer(refused.outcome)


def _of_lead(call: Call, lead: int, element: object) -> Awaitable[Outcome]:
    request = read_request(call.organisation, element)

    def job(transaction: Transaction) -> Outcome:
        conversion = LeadConversion(call.organisation, call.caller.user, transaction, request, _permit(call))
        return conversion.run(lead)

    return call.store.write(job)


def _of_inventory(call: Call, module: Module, record: int, element: object) -> Awaitable[Outcome]:
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
