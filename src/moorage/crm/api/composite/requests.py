"""Composite requests: the calls are made through the CRM's own door, one after the other or side by side.

With `rollback_on_fail`, all of them are one transaction of the organisation, which is undone if one of them fails.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import msgspec

from moorage.crm.api.composite.parts import PATH, Checked, Part, in_order, needed_by, parts_of
from moorage.crm.api.items import joint_status
from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import RecordStore, TookTooLong
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Parts, Response

SECONDS = 10.0  # For all parts of a transaction, as other writers wait for it.
_JSON = b"application/json"


async def composite(call: Call) -> Response:
    body = await object_of(call)
    rolls_back, is_parallel = _modes(body)
    parts = parts_of(body, _version(call))
    if rolls_back:
        return await _in_one_transaction(call, parts)
    parts_made = _Parts(call, None)
    outcomes = await parts_made.side_by_side(parts) if is_parallel else await parts_made.in_turn(parts)
    statuses = [200 if outcome["code"] == "SUCCESS" else 400 for outcome in outcomes]
    return answer({PATH: outcomes}, joint_status(statuses))


def _modes(body: JsonObject) -> tuple[bool, bool]:
    """`rollback_on_fail` and `parallel_execution`, which had another name before."""
    rolls_back = body.boolean("rollback_on_fail")
    name = "concurrent_execution" if "concurrent_execution" in body else "parallel_execution"
    is_parallel = body.boolean(name, default=not rolls_back)
    if rolls_back and is_parallel:
        places = [{"api_name": each, "json_path": f"$.{each}"} for each in ("rollback_on_fail", name)]
        message = f"cannot use rollback_on_fail and {name} together"
        raise Fault(400, "AMBIGUITY_DURING_PROCESSING", message, {"ambiguity_due_to": places})
    return rolls_back, is_parallel


def _version(call: Call) -> str:
    matched = re.search(rb"/v(\d+(?:\.\d+)?)/", call.request.path)
    return matched[1].decode() if matched else "8"


async def _in_one_transaction(call: Call, parts: Sequence[Checked]) -> Response:
    if any(isinstance(part, Fault) for part in parts):
        outcomes = [part.document() if isinstance(part, Fault) else _stopped() for part in parts]
        return answer({PATH: outcomes}, 400)

    async def work(store: RecordStore) -> list[Body]:
        return await _Parts(call, replace(call.organisation, store=store)).or_none(parts)

    try:
        return answer({PATH: await call.store.together(work, SECONDS)})
    except _RolledBack as rolled_back:
        outcomes = rolled_back.outcomes
    except TookTooLong:
        outcomes = [
            _error("REQUEST_TIMEOUT", f"the sub requests took longer than {SECONDS:.0f} seconds")
        ] * len(parts)
    return answer({PATH: outcomes}, 400)


class _RolledBack(Exception):
    """A part has failed, and so have all."""

    def __init__(self, outcomes: list[Body]) -> None:
        super().__init__()
        self.outcomes = outcomes


class _Parts:
    """The parts of one composite request, as they are made. `organisation` is that of a transaction."""

    def __init__(self, call: Call, organisation: Organisation | None) -> None:
        self._call = call
        self._organisation = organisation
        self._answers: dict[str, Any] = {}

    async def in_turn(self, parts: Sequence[Checked]) -> list[Body]:
        outcomes = _refused(parts)
        for part in in_order(parts):
            outcomes[part.index] = await self._made(part)
        return [outcomes[index] for index in range(len(parts))]

    async def side_by_side(self, parts: Sequence[Checked]) -> list[Body]:
        """Each part begins once those that it refers to have ended."""
        tasks: dict[str | int, asyncio.Task[Body]] = {}

        async def make(part: Part) -> Body:
            await asyncio.gather(*(tasks[each] for each in needed_by(part) if each in tasks))
            return await self._made(part)

        outcomes = _refused(parts)
        async with asyncio.TaskGroup() as group:
            for part in in_order(parts):
                tasks[part.id or part.index] = task = group.create_task(make(part))
                task.add_done_callback(
                    lambda done, index=part.index: outcomes.update({index: done.result()})  # type: ignore[misc]
                )
        return [outcomes[index] for index in range(len(parts))]

    async def or_none(self, parts: Sequence[Checked]) -> list[Body]:
        """The outcomes of all parts. Raises _RolledBack for the first one that fails."""
        outcomes: dict[int, Body] = {}
        for part in in_order(parts):
            outcome = outcomes[part.index] = await self._made(part)
            if _has_failed(outcome):
                details = {"rollbacked_by_sub_request_index": part.index}
                message = "the transaction was rolled back since another sub request in the same transaction failed."
                undone = dict.fromkeys(outcomes, _error("ROLLBACK_PERFORMED", message, details))
                known = {**dict.fromkeys(range(len(parts)), _stopped()), **undone, part.index: outcome}
                raise _RolledBack([known[index] for index in range(len(parts))])
        return [outcomes[index] for index in range(len(parts))]

    async def _made(self, part: Part) -> Body:
        """Make a part, if the parts that it refers to were made."""
        if not needed_by(part) <= self._answers.keys():
            return _stopped()
        try:
            request = part.request(self._answers)
        except Fault as fault:
            return fault.document()
        assert self._call.door is not None
        response = await self._call.door.answer_part(request, self._call.caller, self._organisation)
        try:
            body = await _json_of(response)
        except Fault as fault:
            return fault.document()
        if part.id is not None:
            self._answers[part.id] = body
        return _success(self._call, response, body)


async def _json_of(response: Response) -> Any:
    """The body of an answer; None if it has none. Raises the Fault of an answer that is no JSON."""
    if isinstance(response.body, Parts):
        await response.body.parts.aclose()
        raise _not_json()
    if not response.body:
        return None
    if not any(name == b"content-type" and value.startswith(_JSON) for name, value in response.headers):
        raise _not_json()
    return msgspec.json.decode(response.body)


def _not_json() -> Fault:
    return Fault(400, "NOT_SUPPORTED", "the answer of this api can't be in a composite request")


def _success(call: Call, response: Response, body: Any) -> Body:
    headers = {name.decode(): value.decode("latin-1") for name, value in response.headers}
    headers["date"] = formatdate(call.now, usegmt=True)
    details = {"response": {"headers": headers, "status_code": response.status, "body": body}}
    message = "composite sub request executed successfully"
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}


def _refused(parts: Sequence[Checked]) -> dict[int, Body]:
    return {index: part.document() for index, part in enumerate(parts) if isinstance(part, Fault)}


def _has_failed(outcome: Mapping[str, Any]) -> bool:
    """Also if only some of its records could be written."""
    if outcome["code"] != "SUCCESS":
        return True
    status: int = outcome["details"]["response"]["status_code"]
    return status >= 400 or status == 207


def _stopped() -> Body:
    return _error("PROCESSING_STOPPED", "the processing was stopped since another sub request failed")


def _error(code: str, message: str, details: Body | None = None) -> Body:
    return Fault(400, code, message, details).document()


ROUTES = (Route("POST", f"/crm/v8/{PATH}", composite, ("ZohoCRM.composite_requests.CUSTOM",)),)
