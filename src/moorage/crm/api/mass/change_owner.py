"""Give records to another user [Z change-owner]."""

from collections.abc import Sequence

from moorage.crm.api.items import outcomes_answer
from moorage.crm.api.mass.asked_records import asked_ids, asked_owner
from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.records.access import writable
from moorage.crm.records.mass_actions import change_owners, lookups_to
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.place import Place
from moorage.crm.records.reading import record_id
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MAX_BODY = 64 * 1024
_MOST_RELATED = 20
_LONGEST_NAME = 100


async def of_one(call: Call) -> Response:
    module, record = owned(call), record_id(call)
    return await _change(call, module, [record], await object_of(call))


async def of_several(call: Call) -> Response:
    module, body = owned(call), await object_of(call)
    return await _change(call, module, asked_ids(body), body)


def owned(call: Call) -> Module:
    module = writable(call, "editable")
    if "Owner" not in module.fields:
        raise Fault(
            400, "NOT_SUPPORTED", "the api is not supported for this module", {"resource_path_index": 0}
        )
    return module


async def _change(call: Call, module: Module, records: Sequence[int], body: JsonObject) -> Response:
    owner, related = asked_owner(call, body), _related(call, module, body)
    body.boolean("notify")  # Nobody is notified: no e-mail leaves this machine.
    organisation, user = call.organisation, call.caller.user

    def job(transaction: Transaction) -> list[Outcome]:
        return change_owners(Place(organisation, module, user, transaction), records, owner, related)

    return outcomes_answer("data", await call.store.write(job))


def _related(call: Call, module: Module, body: JsonObject) -> list[Module]:
    """The modules whose records go along."""
    related = []
    for item in body.items("related_modules", _MOST_RELATED):
        member = "api_name" if "api_name" in item else "id"
        if member not in item:
            expected = [item.place(name) for name in ("api_name", "id")]
            raise Fault(
                400, "EXPECTED_FIELD_MISSING", "Specify atleast one field", {"expected_fields": expected}
            )
        name = item.text(member, _LONGEST_NAME) if member == "api_name" else str(item.raw(member))
        modules = call.organisation.catalog.modules.values()
        found = next((m for m in modules if name in {m.api_name, str(m.id)}), None)
        if found is None or "Owner" not in found.fields or not lookups_to(module, found):
            raise item.invalid(member)
        call.require("ZohoCRM.modules.{module}.UPDATE", found.api_name)
        related.append(found)
    return related


_SCOPES = ("ZohoCRM.change_owner.CREATE", "ZohoCRM.modules.{module}.UPDATE")

ROUTES = (
    Route("POST", "/crm/v8/{module}/actions/change_owner", of_several, _SCOPES, max_body=MAX_BODY),
    Route("POST", "/crm/v8/{module}/{id}/actions/change_owner", of_one, _SCOPES, max_body=MAX_BODY),
)
