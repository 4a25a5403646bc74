"""Errors by kind: those with the same code, endpoint and key are one row."""

from moorage.console.requests.listing import TIMES, query_of
from moorage.console.visit import Shown, Visit

_DEFAULT = "since:1d"


async def show(visit: Visit) -> Shown:
    query = visit.query.get("q", "").strip() or _DEFAULT
    answer = await visit.control("GET", "/requests/summary", {"q": query, "groups": "true"})
    summary = answer.document["summary"]
    timeless = query_of([term for term in summary["terms"] if term["field"] not in {"since", "until"}])
    times = [{"title": title, "since": since} for title, since in TIMES]
    return Shown(
        "request_errors.html", {"q": query, "timeless": timeless, "times": times, "summary": summary}
    )
