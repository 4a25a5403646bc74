"""What is done with several things that were ticked in a list: with each by itself, so no failure hides another."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

from moorage.console.calls import Refused
from moorage.console.visit import Visit
from moorage.http.inside import InsideBroken

MOST = 200  # That a list shows.
_AT_ONCE = 5


def ticked(visit: Visit) -> list[str]:
    """The ids that were ticked: of the address of the page that asks, or of the form that it sends. Raises Refused."""
    given = visit.chosen("ids") or visit.request.query_params.getlist("ids")
    ids = [identity for identity in dict.fromkeys(given) if identity]
    if not ids:
        raise Refused(
            400, "nothing_ticked", "Nothing was ticked.", "Go back to the list, and tick what is meant."
        )
    if len(ids) > MOST:
        raise Refused(400, "too_many_ticked", f"{len(ids)} are too many at once.", f"Tick up to {MOST}.")
    return ids


async def each(ids: Sequence[str], do: Callable[[str], Awaitable[str]]) -> list[dict[str, Any]]:
    """What became of each. `do` gets an id as a segment of a path, and says what it did, or raises Refused."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def done(identity: str) -> dict[str, Any]:
        async with turns:
            try:
                return {"id": identity, "done": True, "said": await do(quote(identity, safe=""))}
            except Refused as refused:
                return {"id": identity, "done": False, "said": f"{refused.message} {refused.help}".strip()}
            except InsideBroken as broken:
                return {"id": identity, "done": False, "said": f"{broken.message} {broken.help}"}

    return await asyncio.gather(*map(done, ids))
