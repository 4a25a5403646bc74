"""What was measured, for people and for programs."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.figures import FIGURES, Figure, Measured


def document(measured: Measured) -> dict[str, Any]:
    """What `--json` writes: every figure with the median of its rounds, null where it wasn't measured."""
    unknown = measured.keys() - {figure.name for figure in FIGURES}
    assert not unknown, f"not in the table of figures: {sorted(unknown)}"
    return {"figures": [_entry(figure, measured.get(figure.name)) for figure in FIGURES]}


def table(measured: Measured) -> str:
    """The figures that were measured, as a Markdown table; the spread is the lowest and the highest round."""
    rows = [("figure", "median", "spread", "unit", "target", "")]
    rows += [_row(figure, measured[figure.name]) for figure in FIGURES if measured.get(figure.name)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _entry(figure: Figure, values: Sequence[float] | None) -> dict[str, Any]:
    return {
        "name": figure.name,
        "value": median(values) if values else None,
        "unit": figure.unit,
        "target": figure.target,
        "better": figure.better,
    }


def _row(figure: Figure, values: Sequence[float]) -> tuple[str, str, str, str, str, str]:
    middle = median(values)
    spread = f"{_number(min(values))} to {_number(max(values))}"
    if figure.target is None:
        return figure.name, _number(middle), spread, figure.unit, "", ""
    bound = "at least" if figure.better == "higher" else "at most"
    verdict = "met" if figure.met(middle) else "missed"
    return figure.name, _number(middle), spread, figure.unit, f"{bound} {_number(figure.target)}", verdict


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
