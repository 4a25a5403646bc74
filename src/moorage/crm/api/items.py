"""Bodies and answers whose items succeed or fail alone, as `data` of records does."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.records.outcomes import Outcome, failed
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer
from moorage.http.message import Response

Item = TypeVar("Item")


async def specs_of(call: Call, name: str, most: int) -> list[JsonObject]:
    """The objects of the array with this name in the body. Raises the Fault of a body without any."""
    document = await object_of(call)
    specs = document.items(name, most)
    if not specs:
        raise document.missing(name)
    return specs


async def spec_of(call: Call, name: str) -> JsonObject:
    """The object with this name in the body. Raises the Fault of a body without it."""
    document = await object_of(call)
    spec = document.inner(name)
    if spec is None:
        raise document.missing(name)
    return spec


def outcome_of(work: Callable[[], Outcome]) -> Outcome:
    """What the work gives, or the Fault that it raises."""
    try:
        return work()
    except Fault as fault:
        return failed(fault)


def each_outcome(items: Iterable[Item], change: Callable[[Item], Outcome]) -> list[Outcome]:
    """The outcomes of a change of each item: it succeeds or fails alone."""
    return [outcome_of(partial(change, item)) for item in items]


def joint_status(statuses: Sequence[int], *, done: int = 200, refused: int = 400) -> int:
    """The status of an answer whose items have these: `done` if none failed, `refused` if all did, else 207."""
    failures = sum(status >= 300 for status in statuses)
    if not failures:
        return done
    return refused if failures == len(statuses) else 207


def outcomes_answer(name: str, outcomes: Sequence[Outcome], *, done: int = 200) -> Response:
    """`done` is the status when every item succeeded."""
    statuses = [outcome.status for outcome in outcomes]
    status = joint_status(statuses, done=done, refused=412 if set(statuses) == {412} else 400)
    return answer({name: [outcome.document for outcome in outcomes]}, status)
