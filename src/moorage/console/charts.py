"""What pages draw: where bars stand, and how high they are."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from moorage.http.timestamps import read_time, wire_time

WIDTH, HEIGHT = 10, 60  # Of a place for a bar, and of the picture, in the units of the SVG.
SPARK_HEIGHT = 12
_SHORTEST = 2  # A bar that is there can be seen.


def bars(summary: Mapping[str, Any], timeless: str = "") -> list[dict[str, Any]]:
    """A bar for each bucket of a summary of calls. Its `q` is the query for its calls: `timeless`, and its time."""
    buckets = summary["buckets"]
    most = max((bucket["calls"] for bucket in buckets), default=0)
    step = timedelta(seconds=summary["step_seconds"])
    return [_bar(index, bucket, most, step, timeless) for index, bucket in enumerate(buckets)]


def _bar(index: int, bucket: Mapping[str, Any], most: int, step: timedelta, timeless: str) -> dict[str, Any]:
    begin = read_time(bucket["at"])
    assert begin is not None
    since, until = wire_time(begin), wire_time(begin + step)
    calls, errors = bucket["calls"], bucket["errors"]
    return {
        "x": index * WIDTH,
        "calls": _height(calls, most),
        "errors": _height(errors, most),
        "since": since,
        "until": until,
        "q": f"{timeless} since:{since} until:{until}".strip(),
        "label": f"{begin:%Y-%m-%d %H:%M:%S}: {calls:,} calls, {errors:,} errors",
        "is_empty": not calls,
    }


def spark(buckets: Sequence[int]) -> str:
    """The bars of a small picture, one for each bucket, as the path of an SVG that is `SPARK_HEIGHT` high."""
    most = max(buckets, default=0)
    heights = [max(round(calls / most * SPARK_HEIGHT, 1), 1) if calls else 0 for calls in buckets]
    return "".join(
        f"M{index} {SPARK_HEIGHT - height:g}h.8v{height:g}h-.8z"
        for index, height in enumerate(heights)
        if height
    )


def _height(value: int, most: int) -> int:
    return max(round(value / most * HEIGHT), _SHORTEST) if value else 0


def parted(path: str, module: str | None) -> tuple[str, str, str]:
    """A path in three parts, of which the one in the middle is the module that it is about."""
    place = f"/{module}" if module else ""
    if not place or not f"{path}/".count(f"{place}/"):
        return path, "", ""
    before, _, after = f"{path}/".partition(f"{place}/")
    return f"{before}/", place[1:], f"/{after}".rstrip("/")
