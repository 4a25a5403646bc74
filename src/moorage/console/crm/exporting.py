"""Export of a view as CSV. It is sent as it is read, so it may be long."""

import codecs
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse

from moorage.console.calls import Refused
from moorage.console.crm.grid import source_of
from moorage.console.crm.place import Place, module_of, place_of
from moorage.console.crm.view_calls import Source, count_of, records_of
from moorage.console.crm.writing import refused_words
from moorage.console.tables import csv_of
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
    yield codecs.BOM_UTF8 + csv_of([columns])
    yield _csv(first, columns)
    try:
        async for part in parts:
            yield _csv(part, columns)
    except Refused as refused:
        yield csv_of([[f"The export broke off here. {refused_words(refused)}"]])
    except MoorageError as error:
        yield csv_of([[f"The export broke off here. {error.message}"]])


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


def _csv(records: Sequence[dict[str, Any]], columns: Sequence[str]) -> bytes:
    return csv_of([record.get(name) for name in columns] for record in records)


PAGES: tuple[Page, ...] = (get("/crm/{connection}/{module}/export", export),)
