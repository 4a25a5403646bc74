"""Import of a CSV file: first a look at it without writing, then its rows in calls of 100, with a report of each."""

import codecs
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from moorage.console.calls import Refused
from moorage.console.crm.checks import row_faults
from moorage.console.crm.csv_files import Sheet, broken_form, packed, sheet_of, unpacked
from moorage.console.crm.fields import Field, meant
from moorage.console.crm.layouts import layouts_of
from moorage.console.crm.place import Place, module_of, named, place_of
from moorage.console.crm.writing import MOST, outcomes
from moorage.console.saving import saved
from moorage.console.tables import csv_of
from moorage.console.visit import Page, Shown, Visit, get, post
from moorage.http.errors import ParameterInvalid

MOST_FILE = 2_000_000  # Bytes.
_FORM = 6 * 1024 * 1024  # With the file, or what the form remembers.
_CALLS = 5  # For each page, so that nobody waits long for one.
_SHOWN = 20  # Rows of the preview.
_SHOWN_FAULTS = 100
_METHODS = {"new": "", "upsert": "/upsert"}


async def begin(visit: Visit) -> Shown:
    place = await place_of(visit)
    return await _first(place, "", 200)


async def _first(place: Place, fault: str, status: int) -> Shown:
    module = await place.module(module_of(place.visit))
    values = {**place.values(), "module": named(module), "fault": fault, "size": MOST_FILE}
    return Shown("crm/import.html", values, status)


async def look(visit: Visit) -> Shown:
    """Shows what the file would become, and what is wrong with it. Nothing is written."""
    place = await place_of(visit)
    try:
        sheet = _sheet(visit)
    except Refused as refused:
        return await _first(place, f"{refused.message} {refused.help}", refused.status)
    name = module_of(visit)
    fields = _writable(await place.fields(name))
    columns = _columns(visit, sheet, fields)
    layout = (await layouts_of(place, name))[0]
    mode = _mode(visit)
    required = {key: field.label for key, field in layout.fields.items() if key in layout.required}
    faults = []
    for number, row in enumerate(sheet.rows, 2):
        if found := row_faults(row, columns, {} if mode == "upsert" else required):
            faults.append({"row": number, "words": "; ".join(found)})
    values = {
        **place.values(),
        "module": named(await place.module(name)),
        "delimiter": sheet.delimiter,
        "encoding": sheet.encoding,
        "count": len(sheet.rows),
        "columns": [
            {"name": column, "field": field.name if field else None}
            for column, field in zip(sheet.names, columns, strict=True)
        ],
        "fields": [field.document() for field in fields.values()],
        "preview": sheet.rows[:_SHOWN],
        "faults": faults[:_SHOWN_FAULTS],
        "fault_count": len(faults),
        "mode": mode,
        "sheet": packed([sheet.names, sheet.rows, sheet.delimiter, sheet.encoding]),
    }
    return Shown("crm/import_look.html", values)


async def run(visit: Visit) -> Shown:
    """Writes some hundreds of rows. The page that it shows goes on with the next ones."""
    place = await place_of(visit)
    name = module_of(visit)
    sheet = _sheet(visit)
    columns = _columns(visit, sheet, _writable(await place.fields(name)))
    if not any(columns):
        raise ParameterInvalid("No column has a field.", help="Go back and choose one.")
    asked = visit.form.get("from", "")
    start = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0
    report = _report(visit)
    path = f"/{name}{_METHODS[_mode(visit)]}"
    end = min(start + _CALLS * MOST, len(sheet.rows))
    for first in range(start, end, MOST):
        part = sheet.rows[first : min(first + MOST, end)]
        answer = await place.write("POST", path, None, {"data": [_record(row, columns) for row in part]})
        for number, outcome in enumerate(outcomes(answer, len(part)), first + 2):
            report.append([number, outcome.done, outcome.id, outcome.words[:300]])
    refused = [row for row in report if not row[1]]
    values = {
        **place.values(),
        "module": named(await place.module(name)),
        "count": len(sheet.rows),
        "next": end,
        "is_over": end >= len(sheet.rows),
        "done": len(report) - len(refused),
        "refused": [{"row": row[0], "words": row[3]} for row in refused[:_SHOWN_FAULTS]],
        "refused_count": len(refused),
        "report": packed(report),
        "sheet": visit.form["sheet"] if end < len(sheet.rows) else "",
        "choices": {key: value for key, value in visit.form.items() if key.startswith("column-")},
        "mode": _mode(visit),
        "confirmed": visit.form.get("confirm", ""),
    }
    return Shown("crm/import_run.html", values)


async def report(visit: Visit) -> Response:
    """What became of each row, as a file."""
    await place_of(visit)
    lines: list[list[Any]] = [["row", "result", "id", "message"]]
    for number, done, identity, words in _report(visit):
        lines.append([number, "done" if done else "refused", identity, words])
    return saved(codecs.BOM_UTF8 + csv_of(lines), f"{module_of(visit)}-import.csv", "text/csv")


def _sheet(visit: Visit) -> Sheet:
    """The file that was sent, or what the form remembers of it. Raises Refused."""
    file = visit.files.get("file")
    if file is not None and file.content:
        if len(file.content) > MOST_FILE:
            raise Refused(400, "file_too_long", "The file has more than 2 MB.", "Part it.")
        return sheet_of(file.content)
    if not visit.form.get("sheet"):
        raise Refused(400, "file_needed", "No file was sent, or an empty one.", "Choose a CSV file.")
    known = unpacked(visit.form["sheet"])
    try:
        names, rows, delimiter, encoding = known
        texts = all(len(row) == len(names) and all(isinstance(cell, str) for cell in row) for row in rows)
    except (TypeError, ValueError):
        texts = False
    if not texts:
        raise broken_form()
    return Sheet(names, rows, delimiter, encoding)


def _report(visit: Visit) -> list[Any]:
    """What became of the rows before, as the form remembers it: the row, whether it is written, its id, and words."""
    rows = unpacked(visit.form["report"]) if visit.form.get("report") else []
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise broken_form()
    return rows


def _is_row(row: Any) -> bool:
    is_whole = isinstance(row, list) and len(row) == 4
    return is_whole and not any(isinstance(part, list | dict) for part in row)


def _writable(fields: Mapping[str, Field]) -> dict[str, Field]:
    return {name: field for name, field in fields.items() if field.in_new}


def _columns(visit: Visit, sheet: Sheet, fields: Mapping[str, Field]) -> list[Field | None]:
    """The field of each column: as the form says, else the one that has its name. Each field has one column."""
    names = {_plain(field.label): field for field in fields.values()}
    names |= {_plain(field.name): field for field in fields.values()}
    found: list[Field | None] = []
    for index, name in enumerate(sheet.names):
        chosen = visit.form.get(f"column-{index}")
        field = names.get(_plain(name)) if chosen is None else fields.get(chosen)
        found.append(None if field in found else field)
    return found


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _mode(visit: Visit) -> str:
    mode = visit.form.get("mode", "new")
    return mode if mode in _METHODS else "new"


def _record(row: Sequence[str], columns: Sequence[Field | None]) -> dict[str, Any]:
    return {
        field.name: meant(field, [text])
        for text, field in zip(row, columns, strict=True)
        if field is not None and text.strip()
    }


_PATH = "/crm/{connection}/{module}/import"
PAGES: tuple[Page, ...] = (
    get(_PATH, begin),
    post(_PATH, look, most=_FORM),
    post(f"{_PATH}/run", run, most=_FORM),
    post(f"{_PATH}/report", report, most=_FORM),
)
