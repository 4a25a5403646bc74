"""Calls of the request log, summed up: how many there were over the time, and which errors."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from moorage.http.timestamps import wire_time_of
from moorage.requests.blocks import ended_of, is_error
from moorage.requests.kinds import Group, Groups, Kind, kind_of, merge
from moorage.requests.model import Call, Names
from moorage.requests.notes import Ending, Note
from moorage.requests.store import Block

MOST_BUCKETS = 60
MOST_GROUPS = 100  # That are shown. Of the others there is only the number of their calls.
MOST_KEPT_GROUPS = 2000  # While calls are counted.
_SECOND = 1_000_000
_HOUR, _DAY = 3600 * _SECOND, 24 * 3600 * _SECOND
LONGEST_RANGE = 366 * _DAY
# Seconds of a bucket.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)


class Tally(NamedTuple):
    """The calls of a block: when the first and the last of them began, and how many there are."""

    first: int
    last: int
    calls: int
    errors: int


def tally_of(block: Block) -> Tally:
    endings = ended_of(block.content)
    began = [ending.began for ending in endings]
    first, last = (block.epoch + int(moment * _SECOND) for moment in (min(began), max(began)))
    return Tally(first, last, len(endings), sum(map(is_error, endings)))


class Summary(msgspec.Struct):
    """Calls between two times, in buckets of `step`, of which the first begins at `first`; all are microseconds.

    `counted_since` is later than `since` if there were too many calls to count.
    """

    since: int
    until: int
    first: int
    step: int
    counted_since: int
    calls: list[int]
    errors: list[int]
    groups: Groups | None = None
    others: int = 0

    @classmethod
    def of(cls, since: int | None, until: int | None, now: int, *, groups: bool) -> "Summary":
        """Without calls yet. Without `since`, it is about an hour."""
        end = min(max(now if until is None else until, _SECOND), now)
        begin = max(end - _HOUR if since is None else since, end - LONGEST_RANGE)
        begin = min(begin, end - _SECOND)
        step = _step(end - begin)
        first = begin // step * step
        count = -(-(end - first) // step)
        return cls(begin, end, first, step, begin, [0] * count, [0] * count, {} if groups else None)

    def count(self, tallies: Mapping[int, Tally]) -> list[int]:
        """Count the calls of whole blocks, by their first numbers. Gives those of which no bucket has all calls."""
        mixed: list[int] = []
        since, until, begin, step = self.since, self.until, self.first, self.step
        # A log of weeks has thousands of blocks, so nothing is called for each of them.
        for block, (first, last, calls, errors) in tallies.items():
            if last < since or first >= until:
                continue
            place = (first - begin) // step
            if first < since or last >= until or place != (last - begin) // step:
                mixed.append(block)
            else:
                self.calls[place] += calls
                self.errors[place] += errors
        return mixed

    def add_endings(self, block: Block) -> None:
        """Count the calls of a block."""
        for ending in ended_of(block.content):
            self._count(block.epoch + int(ending.began * _SECOND), ending)

    def add(self, calls: Iterable[Call]) -> None:
        """Count calls that are wanted, and their kinds if these are asked for."""
        for call in calls:
            self._count(call.at, call.note)
            self.add_error(call)

    def _count(self, at: int, ending: Ending | Note) -> None:
        if self.since <= at < self.until:
            place = (at - self.first) // self.step
            self.calls[place] += 1
            self.errors[place] += is_error(ending)

    def add_error(self, call: Call) -> None:
        """Count a call among those of its kind, if it is an error and kinds are asked for."""
        if self.groups is not None and is_error(call.note) and self.since <= call.at < self.until:
            group = Group(1, call.at, call.at, call.note.request_id)
            self.add_groups([(kind_of(call.note, call.note), group)])

    def add_groups(self, those: Iterable[tuple[Kind, Group]]) -> None:
        """Count errors by kind, as that is asked for."""
        assert self.groups is not None
        self.others += merge(self.groups, those, MOST_KEPT_GROUPS)

    def has_all_of(self, tally: Tally) -> bool:
        """Whether all calls of a block are between the two times."""
        return tally.first >= self.since and tally.last < self.until

    def break_off(self, at: int) -> None:
        """Count nothing that is older than this time."""
        self.counted_since = max(self.counted_since, min(at, self.until))


def _step(length: int) -> int:
    for seconds in _STEPS:
        if length <= (MOST_BUCKETS - 1) * seconds * _SECOND:  # It may begin within a bucket.
            return seconds * _SECOND
    return -(-length // ((MOST_BUCKETS - 1) * _DAY)) * _DAY


def summary_document(summary: Summary, names: Names) -> dict[str, Any]:
    document = {
        "since": wire_time_of(summary.since),
        "until": wire_time_of(summary.until),
        "counted_since": wire_time_of(summary.counted_since),
        "step_seconds": summary.step // _SECOND,
        "calls": sum(summary.calls),
        "errors": sum(summary.errors),
        "buckets": [
            {"at": wire_time_of(summary.first + index * summary.step), "calls": calls, "errors": errors}
            for index, (calls, errors) in enumerate(zip(summary.calls, summary.errors, strict=True))
        ],
    }
    if summary.groups is None:
        return document
    kinds = sorted(summary.groups.items(), key=lambda item: (-item[1].count, -item[1].last))
    shown = [_group_document(kind, group, names) for kind, group in kinds[:MOST_GROUPS]]
    others = summary.others + sum(group.count for _, group in kinds[MOST_GROUPS:])
    return {**document, "groups": shown, "other_errors": others}


def _group_document(kind: Kind, group: Group, names: Names) -> dict[str, Any]:
    return {
        "error": kind.error,
        "status": kind.status or None,
        "source": kind.source,
        "app": kind.app,
        "endpoint": kind.endpoint,
        "key": {"id": kind.key_id, "name": names.keys.get(kind.key_id)},
        "count": group.count,
        "first": wire_time_of(group.first),
        "last": wire_time_of(group.last),
        "request_id": group.newest.decode("ascii"),
    }
