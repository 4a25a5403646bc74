"""Who takes part in a meeting: a related list whose rows are in the meeting itself [Z get-related-records]."""

from typing import Any

import msgspec

from moorage.crm.api.records.listing import asked_fields
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.shown import shape
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.parameters import page_and_size
from moorage.http.message import Response

NAME = "Invitees"


def is_invitees(parents: Module, name: str) -> bool:
    return name == NAME and parents.api_name == "Events"


async def list_invitees(call: Call, meetings: Module, meeting: int) -> Response | None:
    """A page of those who take part, in the order of the meeting. None if there is no such meeting."""
    names = asked_fields(call)
    page, size = page_and_size(call.params)
    data = await settled(call.store.record(meetings, shape(meetings, ["Participants"]), meeting))
    if data is None:
        return None
    participants = msgspec.json.decode(data)["Participants"] or []
    start = (page - 1) * size
    shown = [_shown(participant, names) for participant in participants[start : start + size]]
    if not shown:
        return no_content()
    more = len(participants) > start + size
    return answer(
        {
            "data": shown,
            "info": {"per_page": size, "count": len(shown), "page": page, "more_records": more},
        }
    )


def _shown(participant: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
    """What the meeting says of one, and the id of the record or the user who it is."""
    identity = whole_id(participant.get("participant"))
    shown = {name: value for name, value in participant.items() if names is None or name in names}
    return {**shown, "id": None if identity is None else str(identity)}
