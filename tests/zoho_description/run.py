"""Holds the answers of a whole run of tests, in all its processes, and tells at the end what was found."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.zoho_description.description import read
from tests.zoho_description.known import Known, known

VARIABLE = "MOORAGE_TEST_ZOHO_DESCRIPTION"
ABSENT = f"Zoho's description: not here, answers not held against it; set {VARIABLE} to its folder or archive"
_IN_SERVERS = Path(__file__).with_name("in_servers")
_of_this_run: list[Path] = []  # The description and the notes.


def begin(config: pytest.Config) -> None:
    """The first process of a run makes the file of notes, and tells the others."""
    place = os.environ.get(VARIABLE)
    if place is None:
        return
    if not Path(place).exists():
        raise pytest.UsageError(f"{VARIABLE}: there is no {place}")
    if hasattr(config, "workerinput"):
        notes = config.workerinput["zoho_notes"]
    else:
        config.zoho_notes = notes = tempfile.mkstemp(prefix="zoho-", suffix=".notes")[1]
    _of_this_run[:] = [Path(place).absolute(), Path(notes)]
    hold(*_of_this_run)


def hold(place: Path, notes: Path) -> None:
    """Hold all answers of this process from now on."""
    from moorage.crm.server import Crm
    from tests.zoho_description.holding import Holder

    Crm.answer = Holder(read(place), notes).watch(Crm.answer)


def in_servers() -> dict[str, str]:
    """What the environment of a server needs so that its answers are held."""
    if not _of_this_run:
        return {}
    return {"PYTHONPATH": str(_IN_SERVERS), "HELD_AGAINST": os.pathsep.join(map(str, _of_this_run))}


def end(config: pytest.Config) -> tuple[list[str], bool]:
    """What was found, in lines; and whether there are disagreements that are not known."""
    if not hasattr(config, "zoho_notes"):
        return [ABSENT], False
    notes = Path(config.zoho_notes)
    lines = notes.read_text().splitlines()
    notes.unlink()
    return summary(lines, known())


def summary(notes: Sequence[str], known: Sequence[Known]) -> tuple[list[str], bool]:
    """How many answers were held, of each family; and each disagreement that is not known, with a test that met it."""
    held: Counter[str] = Counter()
    known_count, unknown = 0, {}
    for note in map(json.loads, notes):
        held[note["family"]] += 1
        for disagreement in note["disagreements"]:
            if any(row.covers(disagreement) for row in known):
                known_count += 1
            else:
                unknown.setdefault(_without_value(disagreement), (_in_words(disagreement), note["test"]))
    lines = [
        f"Zoho's description: {held.total()} answers of {len(held)} families held against it",
        *(f"  {family}: {count}" for family, count in sorted(held.items())),
        f"  {known_count} times a known disagreement was met, and {len(unknown)} that are not known",
        *(f"  {words} (in {test})" for words, test in sorted(unknown.values())),
    ]
    return lines, bool(unknown)


def _without_value(disagreement: Mapping[str, Any]) -> tuple[str, ...]:
    """What is the same for all values of which the same is wrong: the words begin with the value."""
    return *(str(disagreement[name]) for name in ("operation", "status", "place")), disagreement[
        "says"
    ].rpartition(" is ")[2]


def _in_words(disagreement: Mapping[str, Any]) -> str:
    place = f" {disagreement['place']}" if disagreement["place"] else ""
    return f"{disagreement['operation']} {disagreement['status']}{place}: {disagreement['says']}"
