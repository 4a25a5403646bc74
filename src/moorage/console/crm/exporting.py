"""Export of a view as CSV. It is sent as it is read, so it may be long."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from moorage.console.calls import Refused
from moorage.console.crm.grid import source_of
from moorage.console.crm.place import Place, module_of, place_of
from moorage.console.crm.view_calls import Source, count_of, records_of
from moorage.console.crm.writing import refused_words
from moorage.console.tables import cell_text, harmless
from moorage.console.visit import Page, Visit, get
from moorage.errors import MoorageError
from moorage.web.pages import named_headers

_BY_QUERY = 2_000  # Records of one call.
_BY_LIST = 200


async def export(visit: Visit) -> Response:
    place = await place_of(visit)
    source, _, _ = await source_of(place, module_of(visit))
    parts = _parts(place, source)
    first: list[dict[str, Any]] = await anext(parts, [])  # An error of the first call is a page.
    headers = {
        **named_headers(sources="sandbox"),
        "content-disposition": f'attachment; filename="{source.module}.csv"',
    }
    return StreamingResponse(_lines(source, first, parts), headers=headers, media_type="text/csv")


async def _lines(
    source: Source, first: Sequence[dict[str, Any]], parts: AsyncIterator[list[dict[str, Any]]]
) -> AsyncIterator[bytes]:
    columns = ["id", *(name for name in source.columns if name != "id")]
    yield _csv([columns]).encode("utf-8-sig")
    yield _csv([_row(record, columns) for record in first]).encode("utf-8", "replace")
    try:
        async for part in parts:
            yield _csv([_row(record, columns) for record in part]).encode("utf-8", "replace")
    except Refused as refused:
        yield _csv([[f"The export broke off here. {refused_words(refused)}"]]).encode("utf-8", "replace")
    except MoorageError as error:
        yield _csv([[f"The export broke off here. {error.message}"]]).encode("utf-8", "replace")


async def _parts(place: Place, source: Source) -> AsyncIterator[list[dict[str, Any]]]:
    """All records of a view. A query in the order of ids goes on behind the last id, however many there are."""
    by_query = not source.view.word
    size = _BY_QUERY if by_query else _BY_LIST
    by_id = by_query and source.sort in {None, "id"}
    total = None if by_id else await count_of(place, source)
    offset, last = 0, None
    while True:
        call = source.behind(last, size) if by_id else source.call(offset, size, total)
        records, more = await records_of(place, call)
        if records:
            yield records
        if not records or not more or (total is not None and offset + size >= total):
            return
        offset, last = offset + size, str(records[-1]["id"])


def _row(record: dict[str, Any], columns: Sequence[str]) -> list[str]:
    return [harmless(cell_text(record.get(name))) for name in columns]


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


PAGES: tuple[Page, ...] = (get("/crm/{connection}/{module}/export", export),)
