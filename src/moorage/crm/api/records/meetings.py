"""Cancel a meeting, and tell those who take part [Z meeting-cancel]."""

from moorage.crm.api.items import outcomes_answer, specs_of
from moorage.crm.faults import Fault
from moorage.crm.records.meetings import Cancellation
from moorage.crm.records.outcomes import failed, succeeded
from moorage.crm.records.reading import record_id
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.call import Call
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MAX_BODY = 64 * 1024


async def cancel(call: Call) -> Response:
    meeting = record_id(call)
    [spec] = await specs_of(call, "data", 1)
    try:
        spec.require("send_cancelling_mail")
        sends_mail = spec.boolean("send_cancelling_mail")

        def job(transaction: Transaction) -> None:
            cancellation = Cancellation(call.organisation, transaction, call.caller.user)
            cancellation.run(meeting, sends_mail=sends_mail)

        await call.store.write(job)
    except Fault as fault:
        return outcomes_answer("data", [failed(fault)])
    return outcomes_answer("data", [succeeded({"id": str(meeting)}, "The event is successfully cancelled")])


ROUTES = (
    Route(
        "POST",
        "/crm/v8/Events/{id}/actions/cancel",
        cancel,
        ("ZohoCRM.modules.events.UPDATE",),
        max_body=MAX_BODY,
    ),
)
