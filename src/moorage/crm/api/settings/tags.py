"""The tags of a module: list, create, change, delete, merge, count [Z get-tag-list], [Z create-tags], [Z update-tags].

More sources: [Z delete-tag], [Z merge-tags], [Z get-record-count-tag].
"""

from collections.abc import Callable
from functools import partial

from moorage.crm.api.documents import module_parameter
from moorage.crm.api.items import each_outcome, outcome_of, outcomes_answer, specs_of
from moorage.crm.faults import Fault, module_unsupported
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import zoned
from moorage.crm.query.tree import Member
from moorage.crm.records.access import visible
from moorage.crm.records.outcomes import Outcome, succeeded, user_details
from moorage.crm.records.tag_names import tag_colour, tag_name
from moorage.crm.records.tags import (
    KIND,
    MAX_OF_MODULE,
    Tag,
    Tags,
    adopt_old,
    find_tag,
    limit_of_module,
    tag_of,
)
from moorage.crm.storage.contract.companions import CompanionsOf
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MAX_BODY = 1024 * 1024
MOST_AT_ONCE = 100
_REFUSED = "<>,"  # Tags of records may have commas, because programs send such tags.


async def list_tags(call: Call) -> Response:
    module = _module(call)
    tags = await _tags_of(call, module)
    shown = [
        tag for tag in tags if call.params.get("my_tags") != "true" or tag.created_by == call.caller.user
    ]
    if not shown:
        return no_content()
    info = {"count": len(shown), "allowed_count": MAX_OF_MODULE}
    return answer({"tags": [_shown(call.organisation, tag) for tag in shown], "info": info})


async def create_tags(call: Call) -> Response:
    module, specs = _module(call), await specs_of(call, "tags", MOST_AT_ONCE)

    def create(tags: Tags) -> list[Outcome]:
        outcomes = each_outcome(specs, partial(_created, call, tags))
        tags.write()
        return outcomes

    return outcomes_answer("tags", await _change(call, module, create), done=201)


async def update_tags(call: Call) -> Response:
    module, specs = _module(call), await specs_of(call, "tags", MOST_AT_ONCE)

    def update(tags: Tags) -> list[Outcome]:
        return each_outcome(specs, partial(_updated, call, tags))

    return outcomes_answer("tags", await _change(call, module, update))


async def update_tag(call: Call) -> Response:
    module, tag_id, [spec] = _module(call), path_id(call.path, 2), await specs_of(call, "tags", 1)

    def update(tags: Tags) -> list[Outcome]:
        return [outcome_of(partial(_updated, call, tags, spec, tag_id))]

    return outcomes_answer("tags", await _change(call, module, update))


async def delete_tag(call: Call) -> Response:
    tag_id = path_id(call.path, 2)
    outcome = await call.store.write(
        lambda transaction: outcome_of(partial(deleted, call, transaction, tag_id))
    )
    return outcomes_answer("tags", [outcome])


async def merge_tags(call: Call) -> Response:
    """The tag of the path is merged into the other one, as a note of [Z merge-tags] says."""
    tag_id, [spec] = path_id(call.path, 2), await specs_of(call, "tags", 1)
    spec.require("conflict_id")
    outcome = await call.store.write(
        lambda transaction: outcome_of(partial(_merged, call, transaction, tag_id, spec))
    )
    return outcomes_answer("tags", [outcome])


async def count_records(call: Call) -> Response:
    module, tag_id = _module(call), path_id(call.path, 2)
    tag = next((tag for tag in await _tags_of(call, module) if tag.id == tag_id), None)
    if tag is None:
        raise _not_found()
    filters = [*visible(call, module), Member(module.fields["Tag"], tag.name, start=False)]
    return answer({"count": str(await call.store.count(module, filters))})


def _module(call: Call) -> Module:
    """The module that the query names. Raises the Fault of one whose records have no tags."""
    document = module_parameter(call)
    module = call.organisation.catalog.modules.get(document.name)
    if module is None or "Tag" not in module.fields:
        raise module_unsupported({"param_name": "module"})
    return module


async def _tags_of(call: Call, module: Module) -> list[Tag]:
    which, window = CompanionsOf(KIND, owner=module.id), Window(MAX_OF_MODULE)
    found = call.store.companions(which, window)
    page = await settled(found)
    if not page.companions and await call.store.write(
        lambda transaction: adopt_old(call.organisation, transaction, call.caller.user)
    ):
        return await _tags_of(call, module)
    return [tag_of(companion) for companion in page.companions]


async def _change(call: Call, module: Module, change: Callable[[Tags], list[Outcome]]) -> list[Outcome]:
    return await call.store.write(
        lambda transaction: change(Tags(call.organisation, module, transaction, call.caller.user))
    )


def _created(call: Call, tags: Tags, spec: JsonObject) -> Outcome:
    spec.require("name")
    name = tag_name(spec.raw("name"), spec.path, refused=_REFUSED)
    colour = _colour(spec)
    _refuse_duplicate(tags, spec, name, None)
    if len(tags.all()) >= MAX_OF_MODULE:
        raise limit_of_module(spec.path)
    return succeeded(_details(call.organisation, tags.add(name, colour)), "tags created successfully")


def _updated(call: Call, tags: Tags, spec: JsonObject, tag_id: int | None = None) -> Outcome:
    """A colour that is not named is taken away [Z update-tags]. `tag_id` is the id of the path, if it has one."""
    tag = _tag_in(spec, tags) if tag_id is None else tags.by_id(tag_id)
    if tag is None:
        raise _not_found()
    name = tag_name(spec.raw("name"), spec.path, refused=_REFUSED) if "name" in spec else tag.name
    colour = _colour(spec)
    _refuse_duplicate(tags, spec, name, tag)
    return succeeded(_details(call.organisation, tags.change(tag, name, colour)), "tags updated successfully")


def deleted(call: Call, transaction: Transaction, tag_id: int) -> Outcome:
    tags, tag = _found(call, transaction, tag_id)
    tags.remove(tag)
    return succeeded({"id": str(tag.id)}, "tags deleted successfully")


def _merged(call: Call, transaction: Transaction, tag_id: int, spec: JsonObject) -> Outcome:
    tags, tag = _found(call, transaction, tag_id)
    into = tags.by_id(whole_id(spec.raw("conflict_id")) or 0)
    if into is None or into.id == tag.id:
        raise spec.invalid("conflict_id")
    return succeeded(_details(call.organisation, tags.merge(tag, into)), "tags merged successfully")


def _found(call: Call, transaction: Transaction, tag_id: int) -> tuple[Tags, Tag]:
    found = find_tag(call.organisation, transaction, call.caller.user, tag_id)
    if found is None:
        raise _not_found()
    tag, module = found
    return Tags(call.organisation, module, transaction, call.caller.user), tag


def _tag_in(spec: JsonObject, tags: Tags) -> Tag:
    spec.require("id")
    tag = tags.by_id(whole_id(spec.raw("id")) or 0)
    if tag is None:
        raise spec.fault("INVALID_DATA", "tags not found", "id")
    return tag


def _colour(spec: JsonObject) -> str | None:
    return tag_colour(spec.raw("color_code"), spec.path) if "color_code" in spec else None


def _refuse_duplicate(tags: Tags, spec: JsonObject, name: str, tag: Tag | None) -> None:
    other = tags.named(name)
    if other is not None and (tag is None or other.id != tag.id):
        raise spec.fault("DUPLICATE_DATA", "duplicate data", "name", id=str(other.id))


def _not_found() -> Fault:
    return Fault(400, "INVALID_DATA", "tags not found", {"resource_path_index": 2})


def _details(organisation: Organisation, tag: Tag) -> Body:
    return {
        "created_time": zoned(organisation.zone, tag.created_time),
        "modified_time": zoned(organisation.zone, tag.modified_time),
        "name": tag.name,
        "modified_by": user_details(organisation, tag.modified_by),
        "id": str(tag.id),
        "created_by": user_details(organisation, tag.created_by),
        "color_code": tag.color_code,
    }


_shown = _details  # A list shows the same of each tag.


def _scopes(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.settings.tags.{operation}",)


_ONE = "/crm/v8/settings/tags/{id}"

ROUTES = (
    Route("GET", "/crm/v8/settings/tags", list_tags, _scopes("READ")),
    Route("POST", "/crm/v8/settings/tags", create_tags, _scopes("CREATE"), max_body=MAX_BODY),
    Route("PUT", "/crm/v8/settings/tags", update_tags, _scopes("UPDATE"), max_body=MAX_BODY),
    Route("PUT", _ONE, update_tag, _scopes("UPDATE"), max_body=MAX_BODY),
    Route("DELETE", _ONE, delete_tag, _scopes("DELETE")),
    Route("POST", f"{_ONE}/actions/merge", merge_tags, _scopes("CREATE"), max_body=MAX_BODY),
    Route("GET", f"{_ONE}/actions/records_count", count_records, _scopes("READ")),
)
