"""Results as Maton's toolkits read them: the JSON of the data, and nothing else."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from moorage.mcp.answers import Told
from moorage.mcp.errors import Held
from moorage.mcp.maton.asked import Asked
from moorage.mcp.maton.jq import Program, Unfit
from moorage.mcp.session import Session

A = TypeVar("A", bound=Asked)


def telling(run: Callable[[Session, A], Awaitable[Any]]) -> Callable[[Session, A], Awaitable[Told]]:
    """The function of a tool that tells what `run` gives, or what the argument `jq` keeps of it.

    A program that can't be read is refused before anything is done. One that does not fit the result keeps all of it,
    as the call may have changed something, and would be repeated if it looked like a failure.
    """

    async def tell(session: Session, asked: A) -> Told:
        program = None if asked.jq is None else Program(asked.jq)
        document = await run(session, asked)
        if program is None:
            return _json(document)
        try:
            return _json(program.applied(document))
        except Unfit as unfit:
            return _json({"note": str(unfit), "result": document})

    return tell


def waiting_told(held: Held) -> Told:
    """The result of a call that waits for a person. The same call again gets the answer, once it was sent."""
    approval = held.approval
    return _json(
        {
            "status": "waiting_for_approval",
            "approval_id": approval.get("id"),
            "link": approval.get("link"),
            "expires_at": approval.get("expires_at"),
            "message": "Nothing was sent yet. A person has to open the link and decide. Then make the same call again:"
            " it gets the answer.",
        }
    )


def _json(document: Any) -> Told:
    return Told("", None, msgspec.json.encode(document).decode(), verbatim=True)
