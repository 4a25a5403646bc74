"""Convert a record into others: leads [Z convert-lead]."""

from collections.abc import Awaitable

from moorage.crm.faults import Fault, module_unsupported
from moorage.crm.records.access import writable
from moorage.crm.records.conversion.leads import LeadConversion
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
    if module.api_name != "Leads":
        raise module_unsupported()
    return await _convert_lead(call)


async def _convert_lead(call: Call) -> Response:
    lead = record_id(call)
    (element,), _ = await records_of(call, 1)
    try:
        request = read_request(call.organisation, element)
    except Fault as fault:
        return _answer(failed(fault))

    def permit(operation: str, module: str) -> None:
        call.require(f"ZohoCRM.modules.{{module}}.{operation}", module)

    def job(transaction: Transaction) -> Outcome:
        conversion = LeadConversion(call.organisation, call.caller.user, transaction, request, permit)
        return conversion.run(lead)

    return await _run(call.store.write(job))


async def _run(job: Awaitable[Outcome]) -> Response:
    try:
        return _answer(await job)
    except Refused as refused:
        return _answer(refused.outcome)


def _answer(outcome: Outcome) -> Response:
    return answer({"data": [outcome.document]}, outcome.status)


ROUTES = (
    Route("POST", "/crm/v8/{module}/{id}/actions/convert", convert, ("ZohoCRM.modules.{module}.UPDATE",)),
)
