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


def joint_status(statuses: Sequence[int], *, done: int = 200, refused: int = 400) -> int:
    """The status of an answer whose items have these: `done` if none failed, `refused` if all did, else 207."""
    failures = sum(status >= 300 for status in statuses)
    if not failures:
        return done
    return refused if failures == len(statuses) else 207


def outcomes_answer(name: str, outcomes: Sequence[dict[str, Any]], *, done: int = 200) -> Response:
    statuses = [400 if outcome["status"] == "error" else done for outcome in outcomes]
    return answer({name: list(outcomes)}, joint_status(statuses, done=done))
