"""Bodies and answers whose items succeed or fail alone, as `data` of records does."""

from collections.abc import Callable, Sequence
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer
from moorage.http.message import Response


async def specs_of(call: Call, name: str, most: int) -> list[JsonObject]:
    """The objects of the array with this name in the body. Raises the Fault of a body without any."""
    document = await object_of(call)
    specs = document.items(name, most)
    if not specs:
        raise document.fault("MANDATORY_NOT_FOUND", "required field not found", name)
    return specs


def success(details: dict[str, Any], message: str) -> dict[str, Any]:
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}


def outcome_of(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the work gives, or the Fault that it raises."""
    try:
        return work()
    except Fault as fault:
        return fault.document()


def outcomes_answer(name: str, outcomes: Sequence[dict[str, Any]], *, done: int = 200) -> Response:
    failures = sum(outcome["status"] == "error" for outcome in outcomes)
    status = done if not failures else 400 if failures == len(outcomes) else 207
    return answer({name: list(outcomes)}, status)
