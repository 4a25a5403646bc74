"""Tags of several modules, deleted at once [Z description]."""

from functools import partial

from moorage.crm.api.items import each_outcome
from moorage.crm.api.settings.changing import require_customizer
from moorage.crm.api.settings.tags import MAX_BODY, MOST_AT_ONCE, deleted
from moorage.crm.faults import Fault, param_missing
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.ids import whole_id
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer, settled
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

DELETION = "tag_deletion"  # The kind of the companions that tell what a deletion has done.


async def delete_many(call: Call) -> Response:
    """Tags of several modules are deleted in one transaction, before the answer; the job only tells what was done."""
    require_customizer(call)
    tag_ids = await _to_delete(call)

    def job(transaction: Transaction) -> int:
        outcomes = each_outcome(tag_ids, partial(deleted, call, transaction))
        gone = sum(outcome.status == 200 for outcome in outcomes)
        [job_id] = transaction.new_ids(1)
        counts = {
            "total_count": len(tag_ids),
            "failed_count": len(tag_ids) - gone,
            "deleted_count": gone,
        }
        transaction.companions.put([Companion(job_id, DELETION, body={**counts, "status": "COMPLETED"})])
        return job_id

    details = {"job_id": str(await call.store.write(job))}
    message = "tags deletion scheduled successfully"
    return answer({"code": "SCHEDULED", "details": details, "message": message, "status": "success"}, 202)


async def deletion_status(call: Call) -> Response:
    require_customizer(call)
    text = call.params.get("job_id")
    if not text:
        raise param_missing("job_id")
    found = call.store.companion(DELETION, whole_id(text) or 0)
    job = await settled(found)
    if job is None:
        fault = Fault(400, "INVALID_DATA", "the id given seems to be invalid", {"param_name": "job_id"})
        return answer({"mass_delete": [fault.document()]}, 400)
    return answer({"mass_delete": [{"job_id": str(job.id), **job.body}]})


async def _to_delete(call: Call) -> list[int]:
    """The ids of the tags that the body names, each with its module."""
    body = await object_of(call)
    groups = body.items("mass_delete", MOST_AT_ONCE)
    if not groups:
        raise body.missing("mass_delete")
    tag_ids = []
    for group in groups:
        _require_module(call, group)
        tags = group.items("tags", MOST_AT_ONCE)
        if not tags:
            raise group.missing("tags")
        for tag in tags:
            tag.require("id")
            tag_id = whole_id(tag.raw("id"))
            if tag_id is None:
                raise tag.fault("TAG_ID_NOT_FOUND", "the id given seems to be invalid", "id")
            tag_ids.append(tag_id)
    return list(dict.fromkeys(tag_ids))


def _require_module(call: Call, group: JsonObject) -> None:
    module = group.inner("module")
    if module is None:
        raise group.missing("module")
    name, module_id = module.raw("api_name"), whole_id(module.raw("id"))
    known = call.organisation.catalog.modules.values()
    if not any(each.api_name == name or each.id == module_id for each in known):
        raise module.invalid("api_name" if "api_name" in module else "id")


_PATH = "/crm/v8/settings/tags/actions/mass_delete"

ROUTES = (
    Route("POST", _PATH, delete_many, ("ZohoCRM.settings.tags.DELETE",), max_body=MAX_BODY),
    Route("GET", _PATH, deletion_status, ("ZohoCRM.settings.tags.READ",)),
)
