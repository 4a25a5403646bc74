"""How a section is to measure: on how much data, how often and for how long."""

from dataclasses import dataclass
from pathlib import Path

LEADS = 200_000
CALLS = 100_000
LEAST_LEADS = 400  # Two pages, as what is asked for has to have a page after it.


@dataclass(frozen=True, slots=True)
class Run:
    """Every candidate is measured for `seconds` in each of the `rounds`, and before these for `warm_up` seconds.

    What is built, and what is measured on, lies below `folder`. The organisation that is measured has so many `leads`,
    and stands beside others where the start is measured, `organisations` in all. The request log has so many `calls`.
    Writers insert `batches` in turn. On PostgreSQL, `organisations` with few leads are held against a `crowd` of them,
    and processes share so many `jobs`. A file has `file_mb`.
    """

    folder: Path
    rounds: int
    seconds: float
    warm_up: float = 1
    leads: int = LEADS
    calls: int = CALLS
    organisations: int = 10
    batches: int = 40
    crowd: int = 1000
    jobs: int = 2000
    file_mb: int = 100
