"""Results as Maton's toolkits read them: the JSON of the data, and nothing else."""

from typing import Any

import msgspec

from moorage.mcp.answers import Told
from moorage.mcp.errors import Held
from moorage.mcp.maton.asked import Asked
from moorage.mcp.maton.jq import selected


def told(asked: Asked, document: Any) -> Told:
    """The result, or what the argument `jq` wants of it."""
    return _json(document if asked.jq is None else selected(asked.jq, document))


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
