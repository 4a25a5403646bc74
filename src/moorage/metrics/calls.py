"""Counts the calls on the sheets of the request log, whether the log keeps them or not."""

from collections import Counter
from collections.abc import Sequence

from moorage.metrics.numbers import Key, Times
from moorage.metrics.table import APP_TIME, DECISIONS, ERRORS, OWN_TIME, REQUESTS, WHOLE_TIME
from moorage.requests import Sheet
from moorage.requests.blocks import Called, endings_of


class CallCounts:
    """`counters` and `times` have the numbers of all calls since the start of this process."""

    def __init__(self) -> None:
        self.counters = Counter[Key]()
        self.times: dict[Key, Times] = {}

    def add(self, sheet: Sheet, called: Sequence[Called]) -> None:
        """Count the calls of a sheet. `called` is in the order of `sheet.places`."""
        apps = [what.caller.app for what in called]
        classes = [what.operation.kind if what.operation is not None else "unknown" for what in called]
        times = {app: self._times_of(app) for app in apps}
        for place, ending in zip(sheet.order, endings_of(sheet), strict=True):
            _, began, sent, answered, ended, status, source, error, *_ = ending
            app, decision = apps[place], called[place].verdict
            family = f"{status // 100}xx" if status else "none"
            self.counters[REQUESTS, app, classes[place], family, source] += 1
            if error is not None:
                self.counters[ERRORS, app, error] += 1
            if decision is not None:
                self.counters[DECISIONS, app, decision] += 1
            whole, of_app, own = times[app]
            duration = ended - began
            whole.add(duration)
            if answered:
                of_app.add(answered - sent)
                own.add(duration - (answered - sent))

    def _times_of(self, app: str) -> list[Times]:
        return [self.times.setdefault((name, app), Times()) for name in (WHOLE_TIME, APP_TIME, OWN_TIME)]
