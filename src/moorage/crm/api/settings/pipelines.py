"""Pipelines of deals: made, changed, deleted, and their deals transferred [Z pipelines]."""

import msgspec

from moorage.crm.api.documents import module_named
from moorage.crm.api.items import specs_of
from moorage.crm.api.settings.changing import MAX_BODY, SettingsChange, change_each, require_customizer
from moorage.crm.faults import Fault, invalid_id, param_missing
from moorage.crm.jobs import replacing
from moorage.crm.jobs.asking import ask_for
from moorage.crm.jobs.replacing import Replacement, ReplaceRequest
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.pipelines import changed_pipeline, new_pipeline, new_stages, stages_of
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.query.tree import Equal
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME = "pipeline"
MOST_AT_ONCE = 50


def _require_layout(call: Call) -> None:
    """Raise the Fault unless the query names the layout of deals, whose pipelines these are."""
    text = call.params.get("layout_id")
    if not text:
        raise param_missing("layout_id")
    metadata = call.organisation.metadata
    deals = module_named(metadata, "Deals")
    layout = metadata.find("layout", whole_id(text) or 0)
    if deals is None or layout is None or layout.module != deals.id:
        raise Fault(400, "INVALID_DATA", "Invalid layoutid", {"param_name": "layout_id"})


def _field(metadata: Metadata, name: str) -> Document:
    deals = module_named(metadata, "Deals")
    assert deals is not None
    return next(field for field in metadata.all("field", deals.id) if field.name == name)


def _pipelines(metadata: Metadata) -> list[Body]:
    options: list[Body] = _field(metadata, "Pipeline").body["pick_list_values"]
    return options


def list_pipelines(call: Call) -> Response:
    _require_layout(call)
    metadata = call.organisation.metadata
    return answer({NAME: [_shown(metadata, pipeline) for pipeline in _pipelines(metadata)]})


def get_pipeline(call: Call) -> Response:
    _require_layout(call)
    metadata, identity = call.organisation.metadata, str(path_id(call.path, 2))
    shown = [_shown(metadata, each) for each in _pipelines(metadata) if each["id"] == identity]
    return answer({NAME: shown}) if shown else no_content()


def _shown(metadata: Metadata, pipeline: Body) -> Body:
    stages = {stage["id"]: stage for stage in _field(metadata, "Stage").body["pick_list_values"]}
    default = _field(metadata, "Pipeline").body["default_value"]
    maps = [
        {**stage, **{name: stages[stage["id"]][name] for name in ("forecast_category", "forecast_type")}}
        for stage in stages_of(pipeline)
    ]
    return {
        "display_value": pipeline["display_value"],
        "actual_value": pipeline["actual_value"],
        "default": pipeline["actual_value"] == default,
        "maps": maps,
        "id": pipeline["id"],
        "child_available": bool(maps),
    }


async def create_pipelines(call: Call) -> Response:
    specs = await _specs(call)

    def create(change: SettingsChange, spec: JsonObject) -> Outcome:
        pipelines, stages = _pipelines(change.metadata), _field(change.metadata, "Stage")
        pipeline = new_pipeline(spec, pipelines, stages.body["pick_list_values"], change)
        _put(change, [*pipelines, pipeline], pipeline, spec)
        return succeeded({"id": pipeline["id"]}, "Pipeline created successfully")

    return await change_each(call, NAME, specs, create, done=201)


async def update_pipelines(call: Call) -> Response:
    specs = await _specs(call)

    def update(change: SettingsChange, spec: JsonObject) -> Outcome:
        spec.require("id")
        pipeline = _find(change.metadata, spec.raw("id"))
        if pipeline is None:
            raise spec.fault("INVALID_DATA", "the id given seems to be invalid", "id")
        return _updated(change, pipeline, spec)

    return await change_each(call, NAME, specs, update)


async def update_pipeline(call: Call) -> Response:
    identity = path_id(call.path, 2)
    specs = await _specs(call, most=1)
    return await change_each(
        call, NAME, specs, lambda change, spec: _updated(change, _required(change.metadata, identity), spec)
    )


def _updated(change: SettingsChange, pipeline: Body, spec: JsonObject) -> Outcome:
    pipelines, stages = _pipelines(change.metadata), _field(change.metadata, "Stage")
    changed = changed_pipeline(spec, pipeline, pipelines, stages.body["pick_list_values"])
    _put(change, [changed if each["id"] == changed["id"] else each for each in pipelines], changed, spec)
    return succeeded({"id": pipeline["id"]}, "Pipeline updated")


def _put(change: SettingsChange, pipelines: list[Body], pipeline: Body, spec: JsonObject) -> None:
    """Store the pipelines. The one that was changed becomes the default if the caller says so."""
    field = _field(change.metadata, "Pipeline")
    default = pipeline["actual_value"] if spec.boolean("default") else field.body["default_value"]
    change.put(field.with_body({**field.body, "pick_list_values": pipelines, "default_value": default}))


async def delete_pipeline(call: Call) -> Response:
    """A pipeline that is the default, or that has deals, stays: first its deals have to be transferred."""
    identity = path_id(call.path, 2)
    [spec] = await _specs(call, most=1)
    spec.require("_delete")
    deals = call.organisation.catalog.modules["Deals"]
    pipeline = _required(call.organisation.metadata, identity)
    has_deals = await call.store.count(deals, [Equal(deals.fields["Pipeline"], pipeline["actual_value"])])

    def delete(change: SettingsChange, _: int) -> Outcome:
        pipelines, field = _pipelines(change.metadata), _field(change.metadata, "Pipeline")
        kept = [each for each in pipelines if each["id"] != str(identity)]
        if has_deals or pipeline["actual_value"] == field.body["default_value"]:
            reason = "has deals" if has_deals else "is the default"
            raise Fault(400, "CANNOT_DELETE", f"the pipeline {reason}", {"resource_path_index": 2})
        change.put(field.with_body({**field.body, "pick_list_values": kept}))
        return succeeded({"id": str(identity)}, "Pipeline deleted")

    return await change_each(call, NAME, [identity], delete)


async def transfer_deals(call: Call) -> Response:
    """A job gives the deals of a pipeline to another one."""
    require_customizer(call)
    _require_layout(call)
    [spec] = await specs_of(call, "transfer_pipeline", 1)
    try:
        request = _transfer(call.organisation.metadata, spec)
    except Fault as fault:
        return answer({"transfer_pipeline": [fault.document()]}, 400)
    job = await ask_for(call, replacing.KIND, msgspec.to_builtins(request))
    outcome = succeeded({"job_id": str(job.id)}, "transfer pipeline scheduled successfully")
    return answer({"transfer_pipeline": [outcome.document]})


def _transfer(metadata: Metadata, spec: JsonObject) -> ReplaceRequest:
    ends = spec.inner("pipeline")
    if ends is None:
        raise spec.missing("pipeline")
    pipelines = []
    for name in ("from", "to"):
        ends.require(name)
        pipeline = _find(metadata, ends.raw(name))
        if pipeline is None or pipeline in pipelines:
            raise ends.invalid(name)
        pipelines.append(pipeline)
    source, target = pipelines
    values = {source["actual_value"]: target["actual_value"]}
    stages = new_stages(spec, source, target)
    return ReplaceRequest(int(source["id"]), [Replacement("Deals", "Pipeline", values, "Stage", stages)])


async def _specs(call: Call, most: int = MOST_AT_ONCE) -> list[JsonObject]:
    require_customizer(call)
    _require_layout(call)
    return await specs_of(call, NAME, most)


def _find(metadata: Metadata, identity: object) -> Body | None:
    wanted = str(whole_id(identity))
    return next((pipeline for pipeline in _pipelines(metadata) if pipeline["id"] == wanted), None)


def _required(metadata: Metadata, identity: int) -> Body:
    pipeline = _find(metadata, identity)
    if pipeline is None:
        raise invalid_id(2)
    return pipeline


def _scope(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.settings.pipeline.{operation}",)


_ALL, _ONE = "/crm/v8/settings/pipeline", "/crm/v8/settings/pipeline/{id}"

ROUTES = (
    Route("GET", _ALL, list_pipelines, _scope("READ")),
    Route("POST", _ALL, create_pipelines, _scope("CREATE"), max_body=MAX_BODY),
    Route("PUT", _ALL, update_pipelines, _scope("UPDATE"), max_body=MAX_BODY),
    Route("GET", _ONE, get_pipeline, _scope("READ")),
    Route("PUT", _ONE, update_pipeline, _scope("UPDATE"), max_body=MAX_BODY),
    Route("PATCH", _ONE, delete_pipeline, _scope("UPDATE"), max_body=MAX_BODY),
    Route("POST", f"{_ALL}/actions/transfer", transfer_deals, _scope("CREATE"), max_body=MAX_BODY),
)
