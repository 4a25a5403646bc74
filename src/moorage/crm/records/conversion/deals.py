"""The deal that a lead may become: what it needs, and whether its stage belongs to its pipeline [Z convert-lead]."""

from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Metadata

_NEEDED = ("Deal_Name", "Closing_Date", "Stage")


def require_deal(given: JsonObject, metadata: Metadata, deals: Module) -> None:
    """Raise the Fault for a deal that lacks something, or whose stage is not one of its pipeline."""
    for name in _NEEDED:
        given.require(name)
    pipeline, stage = given.raw("Pipeline"), given.raw("Stage")
    if not isinstance(pipeline, str) or "Pipeline" not in deals.fields:
        return
    field = metadata.find("field", deals.fields["Pipeline"].id)
    options = field.body["pick_list_values"] if field is not None else []
    stages = [
        value["actual_value"]
        for option in options
        if option["actual_value"] == pipeline
        for dependent in option.get("maps") or ()
        for value in dependent["pick_list_values"]
    ]
    if stage not in stages:
        message = "Pipeline doesn't contain the Stage"
        raise given.fault("MAPPING_MISMATCH", message, "Stage", mapped_field="Pipeline")
