"""Calls as they end, for the page that shows them: the live tail of the API, in the name of the person."""

from starlette.responses import Response, StreamingResponse

from moorage.console.visit import Visit
from moorage.web.pages import named_headers

_PATH = "/requests/tail"


async def follow(visit: Visit) -> Response:
    """Refused as the API refuses it, before anything is sent."""
    query = {"q": visit.query.get("q", "")}
    await visit.control("HEAD", _PATH, query)
    after = visit.request.headers.get("last-event-id") or visit.query.get("after", "")
    headers = {"Last-Event-ID": after} if after.isascii() and after.isdigit() else {}
    return StreamingResponse(
        visit.events(_PATH, query, headers),
        headers=named_headers() | {"x-accel-buffering": "no"},
        media_type="text/event-stream",
    )
