"""Counts the calls on the sheets of the request log, whether the log keeps them or not."""

from collections import Counter
from collections.abc import Sequence
from operator import attrgetter

from moorage.metrics.numbers import Key, Times
from moorage.metrics.table import APP_TIME, DECISIONS, ERRORS, OWN_TIME, REQUESTS, WHOLE_TIME
from moorage.requests import Sheet
from moorage.requests.blocks import Called, endings_of
from moorage.requests.notes import Ending

_HOW = attrgetter("status", "source", "error")


class CallCounts:
    """`counters` and `times` have the numbers of all calls since the start of this process."""

    def __init__(self) -> None:
        self.counters = Counter[Key]()
        self.times: dict[Key, Times] = {}

    def add(self, sheet: Sheet, called: Sequence[Called]) -> None:
        """Count the calls of a sheet. `called` is in the order of `sheet.places`."""
        endings = endings_of(sheet)
        # Of hundreds of calls few ended in different ways.
        ways = Counter(zip(sheet.order, map(_HOW, endings), strict=True))
        for (place, (status, source, error)), count in ways.items():
            self._count(called[place], status, source, error, count)
        apps = [what.caller.app for what in called]
        of_places = list(zip(sheet.order, endings, strict=True))
        for app in set(apps):
            self._add_times(app, [ending for place, ending in of_places if apps[place] == app])

    def _count(self, called: Called, status: int, source: str, error: str | None, count: int) -> None:
        app, operation = called.caller.app, called.operation
        kind = "unknown" if operation is None else operation.kind
        family = f"{status // 100}xx" if status else "none"
        self.counters[REQUESTS, app, kind, family, source] += count
        if error is not None:
            self.counters[ERRORS, app, error] += count
        if called.verdict is not None:
            self.counters[DECISIONS, app, called.verdict] += count

    def _add_times(self, app: str, endings: Sequence[Ending]) -> None:
        self._times(WHOLE_TIME, app).add([ending.ended - ending.began for ending in endings])
        # Most were answered in one piece, and sent at once: all of the time is the app's.
        plain = [ending.ended - ending.began for ending in endings if ending.answered_at is None]
        others = [
            (ending.ended - ending.began, ending.answered_at - ending.was_sent_at)
            for ending in endings
            if ending.answered_at
        ]
        self._times(APP_TIME, app).add(plain + [of_app for _, of_app in others])
        self._times(OWN_TIME, app).add([0.0] * len(plain) + [whole - of_app for whole, of_app in others])

    def _times(self, name: str, app: str) -> Times:
        return self.times.setdefault((name, app), Times())
