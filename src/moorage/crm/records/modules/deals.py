"""Deals: a stage of their pipeline, its probability, and the revenue to be expected [Z insert-records]."""

from moorage.crm.faults import Fault
from moorage.crm.metadata.json_numbers import exact, number
from moorage.crm.records.modules.rules import ModuleRules, PendingRecord
from moorage.crm.records.money import percentage, rounded


def _check(deal: PendingRecord) -> None:
    probability = deal.get("Probability") if "Probability" in deal.sent_fields else None
    if probability is not None and not 0 <= probability <= 100:
        raise Fault(400, "INVALID_DATA", "Given Probability is not valid", deal.details("Probability"))
    if deal.changes("Stage") or deal.changes("Pipeline"):
        _require_stage(deal)


def _require_stage(deal: PendingRecord) -> None:
    """A stage of another pipeline is refused. A pipeline or a stage that is no option is taken as it is."""
    pipelines = deal.module.fields["Pipeline"].stages if "Pipeline" in deal.module.fields else {}
    stages, stage = pipelines.get(deal.get("Pipeline")), deal.get("Stage")
    is_option = stage in deal.module.fields["Stage"].pick_list
    if stages is not None and is_option and stage not in stages:
        details = {"mapped_field": "Pipeline", **deal.details("Stage")}
        raise Fault(400, "MAPPING_MISMATCH", "Pipeline doesn't contain the Stage", details)


def _compute(deal: PendingRecord) -> None:
    if deal.changes("Stage") and "Probability" not in deal.sent_fields:
        by_stage = deal.module.fields["Stage"].probabilities
        deal.set("Probability", by_stage.get(deal.get("Stage"), deal.get("Probability")))
    amount, probability = deal.get("Amount"), deal.get("Probability")
    if amount is None or probability is None:
        deal.set("Expected_Revenue", None)
    else:
        revenue = percentage(exact(amount), exact(probability))
        deal.set("Expected_Revenue", number(rounded(revenue)))


RULES = ModuleRules(check=_check, compute=_compute, has_territories=True)
