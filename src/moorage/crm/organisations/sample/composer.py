"""The tools with which all sample records are composed: texts, random choices, a calendar, and the records so far."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from random import Random
from typing import Any

import msgspec

_SEED = 1729
_SATURDAY = 5
# The hours in UTC at which activities take place: morning in America, evening in Europe.
_OFFICE_HOURS = range(15, 23)


class SampleRecord(msgspec.Struct, frozen=True):
    """`values` are as in a POST of a client, but a lookup is `{"$ref": key of an earlier record}`.

    `owner` is the index of a user. The record was created `age_days` days ago.
    """

    key: str
    values: dict[str, Any]
    owner: int
    age_days: float


class Composer:
    """`records` are the records composed so far, by module."""

    def __init__(self, now: datetime, users: int) -> None:
        self.texts: dict[str, Any] = json.loads((files(__package__) / "sample.json").read_bytes())
        self.records: dict[str, list[SampleRecord]] = {}
        self._now = now.astimezone(UTC)
        self._users = users
        self._random = Random(_SEED)  # noqa: S311 - every organisation shall have the same records.
        self._by_key: dict[str, SampleRecord] = {}

    # Records

    def rows(self, module: str) -> list[dict[str, Any]]:
        table = self.texts["tables"][module]
        return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]

    def add(self, module: str, values: dict[str, Any], youngest: float, oldest: float) -> None:
        """Add a record with an age between two numbers of days.

        It is younger than the records that it refers to, and has the owner of the first of them.
        """
        records = self.records.setdefault(module, [])
        values = {name: value for name, value in values.items() if value is not None}
        references = [self._by_key[key] for key in _references(values)]
        oldest = min([oldest, *(source.age_days * 0.98 for source in references)])
        age_days = round(self.between(min(youngest, oldest * 0.8), oldest), 4)
        any_owner = self.number(0, self._users)
        owner = references[0].owner if references else any_owner
        record = SampleRecord(f"{module}-{len(records)}", values, owner, age_days)
        self._by_key[record.key] = record
        records.append(record)

    def target(self, record: SampleRecord, lookup: str) -> SampleRecord:
        """The record that a lookup of a record refers to."""
        return self._by_key[record.values[lookup]["$ref"]]

    def older(self, module: str, days: float) -> SampleRecord:
        """A random record that is at least a day older than `days`."""
        candidates = [record for record in self.records[module] if record.age_days > days + 1]
        return candidates[self.number(0, len(candidates))]

    # Random choices

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[self.number(0, len(choices))]

    def text(self, subject: str, probability: float = 1) -> str | None:
        return self.pick(self.texts[subject]) if self.chance(probability) else None

    def few(self, choices: Sequence[Any], most: int) -> list[Any]:
        return self._random.sample(choices, self.number(1, min(most, len(choices)) + 1))

    def number(self, start: int, stop: int) -> int:
        return start + int(self.between(0, 1) * (stop - start))

    def between(self, low: float, high: float) -> float:
        # Each choice takes one random number, so that the other choices don't depend on the number of users.
        return low + self._random.random() * (high - low)

    def chance(self, probability: float) -> bool:
        return self.between(0, 1) < probability

    def amount(self, low: int, high: int) -> float:
        """An amount of money, mostly small and always round, as in a forecast."""
        return float(round(low + (high - low) * self.between(0, 1) ** 2, -2))

    # Calendar

    def date(self, days: float) -> str:
        return self._workday(days).date().isoformat()

    def moment(self, days: float) -> datetime:
        """A time in the office hours of a workday, on a quarter of an hour."""
        hour, minute = self.pick(_OFFICE_HOURS), self.pick((0, 15, 30, 45))
        return self._workday(days).replace(hour=hour, minute=minute, second=0, microsecond=0)

    def ago(self, moment: datetime) -> float:
        return (self._now - moment) / timedelta(days=1)

    def _workday(self, days: float) -> datetime:
        """The day; instead of a day on a weekend, the Friday before it, or the Monday after it for a future day."""
        day = self._now + timedelta(days=days)
        into_weekend = day.weekday() - _SATURDAY
        if into_weekend < 0:
            return day
        return day + timedelta(days=2 - into_weekend if days > 0 else -1 - into_weekend)


def reference(record: SampleRecord) -> dict[str, str]:
    return {"$ref": record.key}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
