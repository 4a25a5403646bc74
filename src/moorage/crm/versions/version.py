"""A version of the API, with its differences from v8."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from moorage.crm.faults import Fault
from moorage.crm.records.external_ids import handled
from moorage.crm.wire.call import RULES, Call, Rules, encode
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

CURRENT = "v8"
NAMES = ("v2", "v2.1", "v3", "v4", "v5", "v6", "v7")  # The older versions, the oldest first.
EVERY = ("*",)
_AT_ONCE = 256 * 1024  # Bytes. A longer answer is changed in a thread.


class Answer:
    """An answer that an older version changes. Only the keys that are read are decoded."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self._headers = response.headers
        self._parts: dict[str, Any] = msgspec.json.decode(response.text, type=dict[str, msgspec.Raw])

    def get(self, key: str) -> Any:
        """The value of a key of the answer, which may be changed; None if there is no such key."""
        value = self._parts.get(key)
        if isinstance(value, msgspec.Raw):
            value = self._parts[key] = msgspec.json.decode(value)
        return value

    def set(self, key: str, value: Any) -> None:
        self._parts[key] = value

    def response(self) -> Response:
        return Response(self.status, encode(self._parts), self._headers)


Request: TypeAlias = Callable[[Call], None]
Change: TypeAlias = Callable[[Answer, Call], Awaitable[None] | None]
Wording: TypeAlias = Callable[[Fault], None]


class Difference(msgspec.Struct, frozen=True):
    """A difference between the versions up to `last` and v8. `calls` are methods with patterns, as in `Route`.

    `says` is the sentence about it in docs/crm/versions.md. `rules` are for the handler. `request` changes a call into
    a call of v8. `answer` and `fault` change an answer or an error of v8 into that of the older version. `words` has
    error messages of v8, each with the older message.
    """

    last: str
    calls: tuple[str, ...]
    says: str
    rules: Mapping[str, Any] = msgspec.field(default_factory=dict)
    request: Request | None = None
    answer: Change | None = None
    fault: Wording | None = None
    words: Mapping[str, str] = msgspec.field(default_factory=dict)


class _Steps(msgspec.Struct, frozen=True):
    """The changes that a version makes before and after one operation."""

    rules: Rules
    requests: tuple[Request, ...]
    answers: tuple[Change, ...]
    faults: tuple[Wording, ...]
    words: Mapping[str, str]


class Version:
    def __init__(self, name: str, differences: Iterable[Difference]) -> None:
        self.name = name
        self.differences = tuple(differences)
        self._steps: dict[str, _Steps] = {}

    def prepare(self, route: Route, call: Call) -> None:
        """Change a call of this version into a call of v8."""
        steps = self._steps_of(route)
        call.rules = steps.rules
        for request in steps.requests:
            request(call)

    def answer(self, route: Route, call: Call) -> Response | Awaitable[Response]:
        """Call the handler, and change its answer into an answer of this version. So is the Fault that it raises."""
        steps = self._steps_of(route)
        try:
            response = handled(route, call)
        except Fault as fault:
            raise self._reworded(fault, steps) from None
        if not isinstance(response, Response):
            return self._later(response, call, steps)
        if _is_long(response, call, steps):
            return _changed_aside(response, call, steps)
        return _changed(response, call, steps)

    async def _later(self, waiting: Awaitable[Response], call: Call, steps: _Steps) -> Response:
        try:
            response = await waiting
            if _is_long(response, call, steps):
                return await _changed_aside(response, call, steps)
            changed = _changed(response, call, steps)
            return changed if isinstance(changed, Response) else await changed
        except Fault as fault:
            raise self._reworded(fault, steps) from None

    def _reworded(self, fault: Fault, steps: _Steps) -> Fault:
        fault.message = steps.words.get(fault.message, fault.message)
        for change in steps.faults:
            change(fault)
        if fault.hint is not None:
            fault.hint = fault.hint.replace("/v8/", f"/{self.name}/")
        return fault

    def _steps_of(self, route: Route) -> _Steps:
        operation = f"{route.method} {route.pattern}"
        steps = self._steps.get(operation)
        if steps is None:
            # There are at most as many steps as routes.
            steps = self._steps[operation] = self._joined(operation)
        return steps

    def _joined(self, operation: str) -> _Steps:
        differences = [
            difference
            for difference in self.differences
            if difference.calls is EVERY or operation in difference.calls
        ]
        rules = {name: value for difference in differences for name, value in difference.rules.items()}
        return _Steps(
            replace(RULES, **rules),
            tuple(difference.request for difference in differences if difference.request is not None),
            tuple(difference.answer for difference in differences if difference.answer is not None),
            tuple(difference.fault for difference in differences if difference.fault is not None),
            {text: older for difference in differences for text, older in difference.words.items()},
        )


def _is_long(response: Response, call: Call, steps: _Steps) -> bool:
    # The answer with a single record never counts as long. While it is changed, the products of its line items are
    # read, and only the event loop may read.
    return bool(steps.answers) and len(response.body) > _AT_ONCE and "id" not in call.path


async def _changed_aside(response: Response, call: Call, steps: _Steps) -> Response:
    changed = await asyncio.to_thread(_changed, response, call, steps)
    return changed if isinstance(changed, Response) else await changed


def _changed(response: Response, call: Call, steps: _Steps) -> Response | Awaitable[Response]:
    body = response.body
    if not steps.answers or not isinstance(body, bytes) or not body.startswith(b"{"):
        return response
    answer, changes = Answer(response), iter(steps.answers)
    for change in changes:
        waiting = change(answer, call)
        if waiting is not None:
            return _go_on(waiting, answer, call, changes)
    return answer.response()


async def _go_on(waiting: Awaitable[None], answer: Answer, call: Call, changes: Iterator[Change]) -> Response:
    """The rest of the changes, after one that has to be awaited."""
    await waiting
    for change in changes:
        following = change(answer, call)
        if following is not None:
            await following
    return answer.response()


def versions(table: Iterable[Difference]) -> Mapping[str, Version]:
    """All versions by name. The current version is one of them, and has no differences."""
    rows = tuple(table)
    return {CURRENT: Version(CURRENT, ())} | {
        name: Version(name, [difference for difference in rows if NAMES.index(difference.last) >= place])
        for place, name in enumerate(NAMES)
    }
