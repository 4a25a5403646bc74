"""The numbers of a process, and how those of several become one."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import repeat
from typing import TypeAlias

import msgspec

from moorage.metrics.table import BY_NAME, TIMES

# The name of a metric, and the values of its labels in the order of the table.
Key: TypeAlias = tuple[str, ...]


class Times(msgspec.Struct, gc=False, array_like=True):
    """How long something took: the seconds together, and how often it took up to each end of TIMES, and longer."""

    total: float = 0.0
    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(TIMES) + 1))

    def add(self, durations: Collection[float]) -> None:
        """Add seconds, which are many at once: so nearly all of it is done in C."""
        self.total += sum(durations)
        for place, count in Counter(map(bisect_left, repeat(TIMES), durations)).items():
            self.counts[place] += count

    def plus(self, other: "Times") -> "Times":
        counts = [ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)]
        return Times(self.total + other.total, counts)


class Numbers(msgspec.Struct):
    counters: dict[Key, float] = msgspec.field(default_factory=dict)
    gauges: dict[Key, float] = msgspec.field(default_factory=dict)
    times: dict[Key, Times] = msgspec.field(default_factory=dict)

    def rising(self) -> "Numbers":
        """These numbers without the gauges: whoever takes the place of a process goes on with them."""
        return Numbers(self.counters, {}, self.times)


def together(all_numbers: Iterable[Numbers]) -> Numbers:
    result = Numbers()
    for numbers in all_numbers:
        for key, value in numbers.counters.items():
            result.counters[key] = result.counters.get(key, 0) + value
        for key, value in numbers.gauges.items():
            before = result.gauges.get(key, 0.0)
            is_highest = BY_NAME[key[0]].over == "max"
            result.gauges[key] = max(before, value) if is_highest else before + value
        for key, times in numbers.times.items():
            before_times = result.times.get(key)
            result.times[key] = times if before_times is None else before_times.plus(times)
    return result


_Encoded: TypeAlias = tuple[list[tuple[Key, float]], list[tuple[Key, float]], list[tuple[Key, Times]]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Encoded).decode


def encoded(numbers: Numbers) -> bytes:
    return _encode([list(part.items()) for part in (numbers.counters, numbers.gauges, numbers.times)])


def decoded(content: bytes) -> Numbers:
    counters, gauges, times = _decode(content)
    return Numbers(dict(counters), dict(gauges), dict(times))
