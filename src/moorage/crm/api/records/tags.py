"""Tags of records, added and removed [Z add-tags], [Z remove-tags]."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from moorage.crm.api.items import joint_status
from moorage.crm.faults import Fault, module_unsupported
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.access import writable
from moorage.crm.records.changes import Change
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.reading import record_id
from moorage.crm.records.tag_names import MAX_TAGS, SentTag, TagChange, sent_tags
from moorage.crm.records.tags import Tags
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST_RECORDS = 500
MAX_BODY = 1024 * 1024


async def add(call: Call) -> Response:
    body = await _body(call)
    action: Literal["set", "add"] = "set" if _overwrites(call, body) else "add"
    return await _tag(call, body, action, _ids(call, body))


async def add_to_one(call: Call) -> Response:
    body = await _body(call)
    action: Literal["set", "add"] = "set" if _overwrites(call, body) else "add"
    return await _tag(call, body, action, [record_id(call)])


async def remove(call: Call) -> Response:
    body = await _body(call)
    return await _tag(call, body, "remove", _ids(call, body))


async def remove_from_one(call: Call) -> Response:
    return await _tag(call, await _body(call), "remove", [record_id(call)])


async def _body(call: Call) -> JsonObject:
    _tagged_module(call)
    return await object_of(call)


async def _tag(
    call: Call, body: JsonObject, action: Literal["set", "add", "remove"], ids: Sequence[int]
) -> Response:
    module, tags = _tagged_module(call), _tags(body)
    change = TagChange(action, tags, "tags", "$.tags")
    unknown = {"resource_path_index": 1} if "id" in call.path else None

    def job(transaction: Transaction) -> list[Outcome]:
        if action != "remove":
            _refuse_other_colours(Tags(call.organisation, module, transaction, call.caller.user), tags)
        return Change(call.organisation, module, call.caller.user, transaction).tag(ids, change, unknown)

    return _answer(await call.store.write(job))


def _tagged_module(call: Call) -> Module:
    module = writable(call, "editable")
    if "Tag" not in module.fields:
        raise module_unsupported()
    return module


def _ids(call: Call, body: JsonObject) -> list[int]:
    """The ids of the records: an array, the same as text [Z examples], or ids that are separated by commas."""
    value: Any = body.raw("ids") if "ids" in body else call.params.get("ids")
    if isinstance(value, str):
        value = _listed(value)
    if not value:
        raise body.missing("ids")
    if not isinstance(value, list):
        raise body.invalid("ids", expected_data_type="jsonarray")
    if len(value) > MOST_RECORDS:
        raise body.invalid("ids", maximum_length=MOST_RECORDS)
    ids = [whole_id(each) for each in value]
    if None in ids:
        details = {"api_name": "ids", "json_path": f"$.ids[{ids.index(None)}]"}
        raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", details)
    return [record for record in dict.fromkeys(ids) if record is not None]


def _listed(text: str) -> Any:
    if not text.strip().startswith("["):
        return [each.strip() for each in text.split(",") if each.strip()]
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text


def _overwrites(call: Call, body: JsonObject) -> bool:
    return body.boolean("over_write", default=call.params.get("over_write") == "true")


def _tags(body: JsonObject) -> list[SentTag]:
    items = body.items("tags", MAX_TAGS)
    if not items:
        raise body.missing("tags")
    return sent_tags(body.raw("tags"), "$.tags")


def _refuse_other_colours(known: Tags, tags: Sequence[SentTag]) -> None:
    """A colour says how a new tag is made. A tag that is there keeps its own [Z add-tags]."""
    for sent in tags:
        tag = known.find(sent)
        if tag is not None and sent.color_code not in (None, tag.color_code):
            details = {"api_name": "color_code", "json_path": f"{sent.path}.color_code"}
            raise Fault(400, "MAPPING_MISMATCH", "Given tag present with different color already.", details)


def _answer(outcomes: Sequence[Outcome]) -> Response:
    succeeded = sum(outcome.status == 200 for outcome in outcomes)
    document = {
        "data": [outcome.document for outcome in outcomes],
        "wf_scheduler": False,
        "success_count": str(succeeded),
        "locked_count": str(sum(outcome.document["code"] == "RECORD_LOCKED" for outcome in outcomes)),
    }
    return answer(document, joint_status([outcome.status for outcome in outcomes]))


_UPDATE = ("ZohoCRM.modules.{module}.UPDATE",)

ROUTES = (
    Route("POST", "/crm/v8/{module}/actions/add_tags", add, _UPDATE, max_body=MAX_BODY),
    Route("POST", "/crm/v8/{module}/{id}/actions/add_tags", add_to_one, _UPDATE, max_body=MAX_BODY),
    Route("POST", "/crm/v8/{module}/actions/remove_tags", remove, _UPDATE, max_body=MAX_BODY),
    Route("POST", "/crm/v8/{module}/{id}/actions/remove_tags", remove_from_one, _UPDATE, max_body=MAX_BODY),
)
