"""The text that Prometheus reads [exposition format 0.0.4]."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from moorage.metrics.numbers import Key, Numbers, Times
from moorage.metrics.table import METRICS, TIMES, Metric

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_ENDS = [*(f"{end:g}" for end in TIMES), "+Inf"]


def text_of(numbers: Numbers) -> bytes:
    """All metrics that have a number. Counters without labels begin with 0, so that their first rise is seen."""
    lines = [line for metric in METRICS for line in _lines(metric, numbers)]
    return "\n".join([*lines, ""]).encode()


def _lines(metric: Metric, numbers: Numbers) -> Iterator[str]:
    values = _values(metric, numbers)
    if not values:
        return
    yield f"# HELP {metric.name} {metric.meaning}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for key in sorted(values):
        value = values[key]
        if isinstance(value, Times):
            yield from _histogram(metric, key[1:], value)
        else:
            yield f"{metric.name}{_labels(metric.labels, key[1:])} {_number(value)}"


def _values(metric: Metric, numbers: Numbers) -> Mapping[Key, float | Times]:
    parts: Mapping[str, Mapping[Key, float | Times]] = {
        "counter": numbers.counters,
        "gauge": numbers.gauges,
        "histogram": numbers.times,
    }
    values = {key: value for key, value in parts[metric.kind].items() if key[0] == metric.name}
    return values or ({(metric.name,): 0.0} if metric.kind == "counter" and not metric.labels else {})


def _histogram(metric: Metric, labels: Sequence[str], times: Times) -> Iterator[str]:
    names = *metric.labels, "le"
    for end, count in zip(_ENDS, accumulate(times.counts), strict=True):
        yield f"{metric.name}_bucket{_labels(names, (*labels, end))} {count}"
    shown = _labels(metric.labels, labels)
    yield f"{metric.name}_sum{shown} {_number(times.total)}"
    yield f"{metric.name}_count{shown} {sum(times.counts)}"


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    pairs = [f'{name}="{value.translate(_ESCAPES)}"' for name, value in zip(names, values, strict=True)]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
