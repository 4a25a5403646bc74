"""The list of calls: a query with its terms, calls over the time, and one page of calls."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from moorage.console.calls import Refused
from moorage.console.visit import QUICK, Shown, Visit

LIMIT = 50
TIMES = (("15 minutes", "15m"), ("1 hour", "1h"), ("1 day", "1d"), ("1 week", "7d"))
_OF_TIME = frozenset({"since", "until"})


async def show(visit: Visit) -> Shown:
    query, cursor = visit.query.get("q", "").strip(), visit.query.get("cursor", "")
    asked = {"q": query} if query else {}
    paged = {**asked, "limit": LIMIT, **({"cursor": cursor} if cursor else {})}
    try:
        listed, summed = await asyncio.gather(
            visit.control("GET", "/requests", paged),
            visit.control("GET", "/requests/summary", asked | _longest(visit, query)),
        )
    except Refused as refused:
        if refused.code != "query_invalid":
            raise
        return _refused(query, refused)
    summary = summed.document["summary"]
    return Shown("requests.html", listed.document | _values(query, cursor, summary))


def _longest(visit: Visit, query: str) -> dict[str, int]:
    """How long calls may be counted that fit more than a time, as their blocks have to be read.

    It is as long as the API counts if somebody asks for the whole time.
    """
    is_quick = visit.query.get("whole") != "true" and any(
        not term.startswith(("since:", "until:")) for term in query.split()
    )
    return {"milliseconds": QUICK} if is_quick else {}


def _values(query: str, cursor: str, summary: Mapping[str, Any]) -> dict[str, Any]:
    terms = summary["terms"]
    return {
        "q": query,
        "cursor": cursor,
        "terms": [{**term, "without": query_of(terms, without=index)} for index, term in enumerate(terms)],
        "timeless": query_of([term for term in terms if term["field"] not in _OF_TIME]),
        "programs": _programs(terms),
        "times": [{"title": title, "since": since} for title, since in TIMES],
        "summary": summary,
    }


def _programs(terms: Sequence[Mapping[str, str]]) -> str | None:
    """The query without the calls that people make by pages; None if it says already whose calls are meant."""
    if any(term["field"] in {"caller", "key"} for term in terms):
        return None
    return f"{query_of(terms)} caller:key".strip()


def query_of(terms: Sequence[Mapping[str, str]], without: int | None = None) -> str:
    """The query with these terms, but for the one at an index."""
    return " ".join(term["text"] for index, term in enumerate(terms) if index != without)


def _refused(query: str, refused: Refused) -> Shown:
    """The page with what was typed, and what is wrong with it."""
    nothing: dict[str, Any] = {
        "requests": [],
        "next_cursor": None,
        "notices": [],
        "terms": [],
        "summary": None,
    }
    told = {"message": refused.message, "help": refused.help}
    return Shown("requests.html", {**nothing, "q": query, "fault": told}, refused.status)
