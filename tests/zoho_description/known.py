"""Where the description and the CRM are known to disagree, and why the CRM is right."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

TABLE = Path(__file__).with_name("known.toml")


@dataclass(frozen=True)
class Known:
    """Shell patterns, in which `*` is any text. `says` has one of several texts, or parts of them."""

    operation: str
    place: str
    says: tuple[str, ...]
    reason: str

    def covers(self, disagreement: Mapping[str, str]) -> bool:
        return (
            _matches(disagreement["operation"], self.operation)
            and _matches(disagreement["place"], self.place)
            and any(_matches(disagreement["says"], f"*{text}*") for text in self.says)
        )


def known() -> list[Known]:
    rows = tomllib.loads(TABLE.read_text())["known"]
    return [Known(**row | {"says": tuple(row["says"])}) for row in rows]


def _matches(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))
