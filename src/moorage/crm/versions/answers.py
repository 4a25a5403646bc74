"""Changes answers and errors of v8 into those of older versions. Each function changes its argument."""

from collections.abc import Iterable
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.rows import LINK_TYPES
from moorage.crm.versions.version import Answer
from moorage.crm.wire.call import Call

_INFO = ("per_page", "count", "page", "more_records")
# The type is a number up to v5. No source says which number means which order, so these numbers are our choice.
_TRAVERSAL = {"left_to_right": 1, "top_to_bottom": 2}


def brief_info(answer: Answer, _call: Call) -> None:
    info = answer.get("info")
    if info is not None:
        answer.set("info", {key: info[key] for key in _INFO if key in info})


def note_parents(answer: Answer, call: Call) -> None:
    if call.shown_module != "Notes":
        return
    for note in answer.get("data") or ():
        parent = note.get("Parent_Id")
        if isinstance(parent, dict):
            parent.pop("module", None)


def attachment_types(answer: Answer, _call: Call) -> None:
    for attachment in answer.get("data") or ():
        if attachment.get("$type") == "File":
            attachment["$type"] = "Attachment"


def approved(answer: Answer, call: Call) -> None:
    for record in _whole(answer, call):
        if "$approval_state" in record:
            record["$approved"] = record["$approval_state"] == "approved"


def converted(answer: Answer, call: Call) -> None:
    for lead in _whole_leads(answer, call):
        lead["$converted"] = lead.get("Converted__s", False)


def no_converted_field(answer: Answer, call: Call) -> None:
    for lead in _whole_leads(answer, call):
        lead.pop("Converted__s", None)


def _whole_leads(answer: Answer, call: Call) -> Iterable[dict[str, Any]]:
    return _whole(answer, call) if call.shown_module == "Leads" else ()


def _whole(answer: Answer, call: Call) -> Iterable[dict[str, Any]]:
    """The records of an answer, if they are shown with all fields; otherwise none."""
    return () if "fields" in call.params else answer.get("data") or ()


def plain_ids(answer: Answer, _call: Call) -> None:
    for outcome in answer.get("data") or ():
        details = outcome.get("details")
        if outcome.get("status") == "success" and isinstance(details, dict):
            outcome["details"] = {key: _id(value) for key, value in details.items()}


def _id(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def numbered_traversal(answer: Answer, _call: Call) -> None:
    for section in _sections(answer):
        section["tab_traversal"] = _TRAVERSAL.get(section["tab_traversal"])


def numbered_status(answer: Answer, _call: Call) -> None:
    for layout in answer.get("layouts") or ():
        layout["status"] = 0 if layout["status"] == "active" else 1


def named_modules(answer: Answer, _call: Call) -> None:
    """The module to which a field or a related list leads becomes an API name."""
    for field in fields(answer):
        _name_module(field.get("lookup"))
        for links in map(field.get, LINK_TYPES):
            _name_module(links, "linking_module")
            _name_module(links, "connected_module")
    for related in answer.get("related_lists") or ():
        _name_module(related)


def _name_module(holder: dict[str, Any] | None, member: str = "module") -> None:
    if holder and isinstance(holder.get(member), dict):
        holder[member] = holder[member]["api_name"]


def plain_forecasts(answer: Answer, _call: Call) -> None:
    for field in fields(answer):
        for value in field.get("pick_list_values") or ():
            if "forecast_category" in value:
                value["forecast_category"] = _id(value["forecast_category"])


def fields(answer: Answer) -> list[dict[str, Any]]:
    """The fields of `settings/fields`, or those in the sections of layouts."""
    return [
        *(answer.get("fields") or ()),
        *(field for section in _sections(answer) for field in section["fields"]),
    ]


def spaced_sections(answer: Answer, _call: Call) -> None:
    for section in _sections(answer):
        section["api_name"] = section["display_label"]


def _sections(answer: Answer) -> list[dict[str, Any]]:
    return [section for layout in answer.get("layouts") or () for section in layout["sections"]]


def visible_modules(answer: Answer, _call: Call) -> None:
    for module in answer.get("modules") or ():
        module["visible"] = module["status"] == "visible"


def accepted_failures(answer: Answer, _call: Call) -> None:
    if answer.status == 400 and answer.get("data") is not None:
        answer.status = 202


def plain_param(fault: Fault) -> None:
    if "param_name" in fault.details:
        fault.details["param"] = fault.details["param_name"]


def named_bulk_module(answer: Answer, _call: Call) -> None:
    for job in answer.get("data") or ():
        job["query"]["module"] = job["query"]["module"]["api_name"]
