"""The values of a CSV file, from texts to what a record of the API has.

A text that is no such value stays as it is: the rules for records refuse it then, and name its field.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from moorage.crm.metadata.catalog import Field

Convert: TypeAlias = Callable[[str], Any]

DATE, DATETIME = "MM/dd/yyyy", "MM/dd/yyyy HH:mm:ss"  # Unless a mapping has a format of its own.

_FORMULA = re.compile(r'="(.*)"', re.DOTALL)  # So Excel keeps the zeros at the beginning of a text.
_INTEGER = re.compile(r"[+-]?\d{1,3}(,\d{3})*(\.0*)?|[+-]?\d{1,30}(\.0*)?", re.ASCII)
# A currency may stand before or behind a number, and a percent sign behind it.
_REAL = re.compile(
    r"([+-]?)[$€£¥₹]?\s?(\d{1,3}(?:,\d{3})+|\d{1,30})(\.\d*)?([eE][+-]?\d{1,3})?\s?[$€£¥₹%]?", re.ASCII
)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
# The letters of a format, and what Python calls them. The longest come first.
_LETTERS = {
    "yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%m", "dd": "%d", "d": "%d", "EEEE": "%A",
    "EEE": "%a", "HH": "%H", "H": "%H", "hh": "%I", "h": "%I", "mm": "%M", "m": "%M", "ss": "%S", "s": "%S", "a": "%p",
    "XXX": "%z", "XX": "%z", "X": "%z", "Z": "%z",
}  # fmt: skip
_FORMAT = re.compile("|".join(sorted(_LETTERS, key=len, reverse=True)) + r"|'[^']*'|.", re.DOTALL)


def bare(text: str) -> str:
    """A cell without the spaces around it, and without what Excel puts around texts of digits."""
    text = text.strip()
    matched = _FORMULA.fullmatch(text) if text.startswith("=") else None
    return text if matched is None else matched[1].replace('""', '"')


def converter(field: Field, written: str | None, zone: ZoneInfo) -> Convert:
    """What makes values of texts that are not empty. `written` is the format of a mapping.

    A time without an offset is one of the zone. Raises ValueError for a format that is none.
    """
    match field.storage:
        case "integer" | "bigint":
            return _integer
        case "real":
            return _real
        case "boolean":
            return lambda text: _BOOLEANS.get(text.lower(), text)
        case "date":
            return _dates(python_format(written or DATE), is_said=written is not None)
        case "datetime":
            return _times(python_format(written or DATETIME), zone, is_said=written is not None)
        case "list":
            return lambda text: [item.strip() for item in text.split(";") if item.strip()]
        case "tags":
            return lambda text: [{"name": name.strip()} for name in re.split("[;,]", text) if name.strip()]
        case "json":
            return _json
    return _same


def python_format(written: str) -> str:
    """The format of a mapping, such as dd-MM-yyyy, as Python has it. Raises ValueError."""
    parts = []
    for part in _FORMAT.findall(written):
        if part in _LETTERS:
            if _LETTERS[part] in parts:  # Python could not read the format.
                raise ValueError(f"{part!r} is there twice")
            parts.append(_LETTERS[part])
        elif part.isalpha():
            raise ValueError(f"{part!r} stands for nothing")
        else:
            parts.append(part.strip("'").replace("%", "%%"))
    return "".join(parts)


def _same(text: str) -> str:
    return text


def _integer(text: str) -> Any:
    if not _INTEGER.fullmatch(text):
        return text
    return int(text.replace(",", "").partition(".")[0])


def _real(text: str) -> Any:
    matched = _REAL.fullmatch(text)
    if matched is None:
        return text
    sign, whole, decimals, exponent = matched.groups("")
    return float(f"{sign}{whole.replace(',', '')}{decimals}{exponent}")


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return text


def _dates(written: str, *, is_said: bool) -> Convert:
    def convert(text: str) -> str:
        if not is_said and _ISO_DATE.fullmatch(text):
            return text
        try:
            return datetime.strptime(text, written).date().isoformat()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            return text

    return convert


def _times(written: str, zone: ZoneInfo, *, is_said: bool) -> Convert:
    def convert(text: str) -> str:
        try:
            if not is_said and _ISO_TIME.fullmatch(text):
                moment = datetime.fromisoformat(text)
            else:
                moment = datetime.strptime(text, written)  # noqa: DTZ007 (it gets its zone below)
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
            return moment.isoformat(timespec="seconds")
        except (ValueError, OverflowError):
            return text

    return convert
