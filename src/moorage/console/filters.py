"""How values are written on pages. Templates use these functions as filters."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from moorage.console.charts import bars, parted, spark
from moorage.console.tables import cell_text

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def moment(text: str | None) -> datetime | None:
    """A time of the API, such as `2026-11-30T10:00:00Z`, or None if it is none."""
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None


def clock(text: str | None) -> str:
    """A time for people, in UTC."""
    at = moment(text)
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float) -> str:
    """`3 d`, `2 h`, `5 min` or `9 s`."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "0 s"


def ago(text: str | None) -> str:
    """How long ago a time was, or how long until it comes."""
    at = moment(text)
    if at is None:
        return ""
    seconds = (datetime.now(UTC) - at.astimezone(UTC)).total_seconds()
    if seconds >= 0:
        return f"{duration(seconds)} ago"
    # What ends in thirty days does not end in 29 a second later.
    unit, size = next((one for one in _UNITS if -seconds >= one[1]), _UNITS[-1])
    return f"in {round(-seconds / size)} {unit}"


def left(text: str | None) -> str:
    """How long until a time comes, as `m-countdown` counts it down."""
    at = moment(text)
    seconds = 0.0 if at is None else (at.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return duration(seconds) if seconds >= 1 else "no time"


def capital(text: str) -> str:
    """The text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


def number(value: float | None) -> str:
    return "" if value is None else f"{value:,}"


def ms(value: float | None) -> str:
    """Milliseconds with the digits that matter."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def size(value: float | None) -> str:
    """A number of bytes."""
    if value is None:
        return ""
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def pretty(value: Any) -> str:
    """JSON that people read."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text.encode("utf-8", "replace").decode()


def qr(text: str) -> Markup:
    """A QR code of a text, as SVG. It is dark on white in each theme, as cameras want it."""
    import segno  # noqa: PLC0415 (few pages show a QR code)

    code = segno.make(text, error="m").svg_inline(light="white", border=4, omitsize=True)
    return Markup(code)  # noqa: S704 - it has numbers alone


FILTERS: Mapping[str, Callable[..., Any]] = {
    "clock": clock,
    "ago": ago,
    "left": left,
    "capital": capital,
    "duration": duration,
    "number": number,
    "ms": ms,
    "size": size,
    "pretty": pretty,
    "qr": qr,
    "cell": cell_text,
    "bars": bars,
    "parted": parted,
    "spark": spark,
}
