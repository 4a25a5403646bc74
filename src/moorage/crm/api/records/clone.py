"""Make a record like another one [Z clone-record]."""

from moorage.crm.api.items import outcomes_answer
from moorage.crm.faults import invalid_id
from moorage.crm.records.access import writable
from moorage.crm.records.changes import Change
from moorage.crm.records.copies import Copies
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.prepare import insertable
from moorage.crm.records.reading import record_id
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.body import records_of
from moorage.crm.wire.call import Call
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_PATH = "$.data[0]"


async def clone(call: Call) -> Response:
    module, record = writable(call, "creatable"), record_id(call)
    (overrides,) = (await records_of(call, 1))[0] if await call.request.whole() else [{}]
    organisation, user = call.organisation, call.caller.user

    def job(transaction: Transaction) -> list[Outcome]:
        row = transaction.rows(module, [record]).get(record)
        if row is None:
            raise invalid_id(1)
        copied = Copies(organisation, transaction).whole(module, row)
        values = copied | overrides if isinstance(overrides, dict) else overrides
        change = Change(organisation, module, user, transaction)
        return change.insert([insertable(organisation.catalog, module, values, _PATH)])

    return outcomes_answer("data", await call.store.write(job), done=201)


ROUTES = (
    Route(
        "POST",
        "/crm/v8/{module}/{id}/actions/clone",
        clone,
        ("ZohoCRM.modules.{module}.READ", "ZohoCRM.modules.{module}.CREATE"),
    ),
)
