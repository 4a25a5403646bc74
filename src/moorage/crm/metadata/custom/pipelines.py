"""Pipelines of deals as callers specify them [Z pipelines].

A pipeline is an option of the field Pipeline. Its `maps` name the stages, which are options of the field Stage, in the
pipeline's own order.
"""

from collections.abc import Sequence

from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.definitions import Ids
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.ids import whole_id

MOST_PIPELINES = 50
MOST_STAGES = 200
LONGEST_LABEL = 120
_IN_MAPS = ("display_value", "actual_value", "sequence_number", "id")


def stages_of(pipeline: Body) -> list[Body]:
    """What a pipeline says of its stages, in their order."""
    return [stage for child in pipeline.get("maps") or () for stage in child["pick_list_values"]]


def new_pipeline(spec: JsonObject, pipelines: Sequence[Body], stages: Sequence[Body], ids: Ids) -> Body:
    """The option of a new pipeline. Raises the Fault for one that is not possible."""
    for name in ("display_value", "maps"):
        if not spec.raw(name):
            raise spec.missing(name)
    if len(pipelines) >= MOST_PIPELINES:
        raise spec.fault("LIMIT_EXCEEDED", "limit exceeded", "display_value", limit=MOST_PIPELINES)
    label = _label(spec, pipelines, None)
    maps = _maps(spec, [], stages)
    return {
        "display_value": label,
        "actual_value": label,
        "reference_value": label,
        "sequence_number": len(pipelines) + 1,
        "id": ids.new_id(),
        "type": "used",
        "maps": maps,
    }


def changed_pipeline(
    spec: JsonObject, pipeline: Body, pipelines: Sequence[Body], stages: Sequence[Body]
) -> Body:
    """A pipeline as the caller wants it. Stages that are not named stay in it; `_delete` takes one out."""
    changed = dict(pipeline)
    if "display_value" in spec:
        changed["display_value"] = _label(spec, pipelines, pipeline)
    if "maps" in spec:
        changed["maps"] = _maps(spec, stages_of(pipeline), stages)
    return changed


def _label(spec: JsonObject, pipelines: Sequence[Body], own: Body | None) -> str:
    label = spec.text("display_value", LONGEST_LABEL)
    if label is None:
        raise spec.missing("display_value")
    for other in pipelines:
        names = {other["display_value"].casefold(), other["actual_value"].casefold()}
        if (own is None or other["id"] != own["id"]) and label.casefold() in names:
            raise spec.fault("DUPLICATE_DATA", "Duplicate pipeline label found", "display_value")
    return label


def _maps(spec: JsonObject, known: Sequence[Body], stages: Sequence[Body]) -> list[Body]:
    """The stages of a pipeline with a number each, in the order of the caller's numbers."""
    by_id = {stage["id"]: stage for stage in stages}
    numbers = {stage["id"]: stage["sequence_number"] for stage in known}
    named: set[str] = set()
    for item in spec.items("maps", MOST_STAGES):
        stage = _stage(item, by_id)
        if stage in named:
            raise item.fault("DUPLICATE_DATA", "duplicate data", "id")
        named.add(stage)
        if item.boolean("_delete"):
            numbers.pop(stage, None)
            continue
        number = item.whole_number("sequence_number")
        if number is None:
            raise item.missing("sequence_number")
        numbers[stage] = number
    if not numbers:
        raise spec.invalid("maps")
    # Where two have one number, the one that the caller has named comes first.
    in_order = sorted(numbers, key=lambda stage: (numbers[stage], stage not in named))
    values = [
        {**{key: by_id[stage][key] for key in _IN_MAPS}, "sequence_number": number}
        for number, stage in enumerate(in_order, 1)
    ]
    return [{"api_name": "Stage", "pick_list_values": values}]


def _stage(item: JsonObject, by_id: dict[str, Body]) -> str:
    """The id of the stage that the item names."""
    item.require("id")
    identity = str(whole_id(item.raw("id")))
    if identity not in by_id:
        raise item.fault("INVALID_DATA", "Invalid child option id", "id")
    return identity


def new_stages(spec: JsonObject, source: Body, target: Body) -> dict[str, str]:
    """The stages of deals that go from one pipeline to another, by the stages they have: actual values.

    A stage that both have needs no new one. Raises the Fault for a stage that has none in the other pipeline.
    """
    here, there = (
        {stage["id"]: stage["actual_value"] for stage in stages_of(pipeline)} for pipeline in (source, target)
    )
    new: dict[str, str] = {}
    for item in spec.items("stages", MOST_STAGES):
        ends = {}
        for name, known in (("from", here), ("to", there)):
            item.require(name)
            ends[name] = known.get(str(whole_id(item.raw(name))))
            if ends[name] is None:
                raise item.fault("INVALID_DATA", "invalid data", name)
        new[str(ends["from"])] = str(ends["to"])
    if missing := [value for value in here.values() if value not in new and value not in there.values()]:
        raise spec.missing("stages", stages=missing)
    return new
