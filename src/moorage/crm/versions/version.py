"""One version of the API, made of the differences that hold for it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.wire.call import RULES, Call, Rules, encode
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

CURRENT = "v8"
NAMES = ("v2", "v2.1", "v3", "v4", "v5", "v6", "v7")  # Oldest first; v8 is what the handlers speak.
EVERY = ("*",)
_AT_ONCE = 256 * 1024  # A longer answer is changed aside from the event loop.


class Answer:
    """An answer that an older version changes. Of its keys only those that are looked at are decoded."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self._headers = response.headers
        self._parts: dict[str, Any] = msgspec.json.decode(response.text, type=dict[str, msgspec.Raw])

    def get(self, key: str) -> Any:
        """The value of a key at the top, ready to be changed; None where there is none."""
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


@dataclass(frozen=True, slots=True)
class Difference:
    """What versions up to `last` say otherwise than v8, in the `calls` named by method and pattern.

    `says` is the sentence that docs/crm.md shows. `rules` are those of the handler; `request` puts a call into v8's
    words, `answer` puts the answer and `fault` an error into the older ones, and `words` has v8's error messages with
    the older ones.
    """

    last: str
    calls: tuple[str, ...]
    says: str
    rules: Mapping[str, bool] = field(default_factory=dict)
    request: Request | None = None
    answer: Change | None = None
    fault: Wording | None = None
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Steps:
    """What a version does around one operation."""

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
        """Put the call into v8's words."""
        steps = self._steps_of(route)
        call.rules = steps.rules
        for request in steps.requests:
            request(call)

    def answer(self, route: Route, call: Call) -> Response | Awaitable[Response]:
        """What the handler answers, in this version's words. Faults are raised in them, too."""
        steps = self._steps_of(route)
        try:
            response = route.handler(call)
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
        called = f"{route.method} {route.pattern}"
        steps = self._steps.get(called)
        if steps is None:
            # There are as many of these as there are routes.
            steps = self._steps[called] = self._joined(called)
        return steps

    def _joined(self, called: str) -> _Steps:
        differences = [
            change for change in self.differences if change.calls is EVERY or called in change.calls
        ]
        rules = {name: value for change in differences for name, value in change.rules.items()}
        return _Steps(
            replace(RULES, **rules),
            tuple(change.request for change in differences if change.request is not None),
            tuple(change.answer for change in differences if change.answer is not None),
            tuple(change.fault for change in differences if change.fault is not None),
            {ours: theirs for change in differences for ours, theirs in change.words.items()},
        )


def _is_long(response: Response, call: Call, steps: _Steps) -> bool:
    # That of a single record never counts as long: what its lines show of their products is read while it is changed,
    # and only the event loop may do that.
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
    """Every version by its name, the current one, which has no differences, among them."""
    rows = tuple(table)
    return {CURRENT: Version(CURRENT, ())} | {
        name: Version(name, [difference for difference in rows if NAMES.index(difference.last) >= place])
        for place, name in enumerate(NAMES)
    }
