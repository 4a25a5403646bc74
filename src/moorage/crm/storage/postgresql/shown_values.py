"""Numbers and times as SQLite writes them into JSON, so that both storages give the same bytes."""

import math
from zoneinfo import ZoneInfo

import msgspec

from moorage.crm.metadata.times import zoned

_MOST_REALS = 10_000  # Remembered for all organisations together.
_MOST_TIMES = 2_000  # Of each organisation.
_MOST_HUNDREDTHS = 10**13
_LOG_2 = math.log10(2)


class ShownReals(dict[float | None, float | msgspec.Raw | None]):
    """By number, what msgspec writes as SQLite does: 17 digits and not fewer, unless the last of them are all 0 or 9.

    That holds from 1e-10 to 1e18, and so for all numbers that fields can hold.
    """

    def __missing__(self, number: float | None) -> float | msgspec.Raw | None:
        if len(self) >= _MOST_REALS:
            self.clear()
        value = self[number] = None if number is None else _shown_real(number)
        return value


def _shown_real(number: float) -> float | msgspec.Raw:
    hundredths = round(number * 100) if math.isfinite(number * 100) else _MOST_HUNDREDTHS
    if abs(hundredths) < _MOST_HUNDREDTHS and hundredths / 100 == number:
        return number + 0.0  # Few digits are written alike. There is no minus zero.
    return msgspec.Raw(_real_text(number).encode())


def _real_text(number: float) -> str:
    digits, exponent = _digits(abs(number))
    for ending, places in (("000", 13), ("99", 14)):
        shorter = f"{abs(number):.{places - 1}e}"
        if digits[:16].endswith(ending) and float(shorter) == abs(number):
            mantissa, _, power = shorter.partition("e")
            return _written(mantissa.replace(".", ""), int(power), "-" if number < 0 else "")
    rounded = str((int(digits) + 5) // 10)
    if len(rounded) == 18:
        rounded, exponent = rounded[:17], exponent + 1
    return _written(rounded, exponent, "-" if number < 0 else "")


def _digits(number: float) -> tuple[str, int]:
    """18 digits, and the exponent of the first. SQLite works out 18 or 19, and does not look at the last of 19."""
    mantissa, _, exponent = f"{number:.17e}".partition("e")
    if int(exponent) > math.floor((math.frexp(number)[1] - 1) * _LOG_2):
        mantissa, _, exponent = f"{number:.18e}".partition("e")
    return mantissa.replace(".", "")[:18], int(exponent)


def _written(digits: str, exponent: int, sign: str) -> str:
    digits = digits.rstrip("0")
    if not -5 < exponent < 17:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}e{exponent:+03d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    digits = digits.ljust(exponent + 1, "0")
    return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :] or '0'}"


def real_text(number: float) -> str:
    return msgspec.json.encode(_shown_real(number)).decode()


class ShownTimes(dict[int | None, str | None]):
    """By timestamp, the time in a zone. What pages show most is remembered, and the minutes around it."""

    def __init__(self, zone: ZoneInfo) -> None:
        super().__init__()
        self._zone = zone
        self._minutes: dict[int, tuple[str, str] | None] = {}

    def __missing__(self, timestamp: int | None) -> str | None:
        if len(self) >= _MOST_TIMES:
            self.clear()
        text = self[timestamp] = None if timestamp is None else self._text(timestamp)
        return text

    def _text(self, timestamp: int) -> str | None:
        minute, second = divmod(timestamp, 60)
        if minute not in self._minutes:
            self._look_around(minute)
        around = self._minutes[minute]
        return zoned(self._zone, timestamp) if around is None else f"{around[0]}{second:02d}{around[1]}"

    def _look_around(self, minute: int) -> None:
        """Remember what stands before and after the seconds in this minute; None if the zone's offset changes in it."""
        if len(self._minutes) >= _MOST_TIMES:
            self._minutes.clear()
        first, last = (zoned(self._zone, minute * 60 + second) or "" for second in (0, 59))
        around = (first[:17], first[19:])
        self._minutes[minute] = around if around == (last[:17], last[19:]) else None
