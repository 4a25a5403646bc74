"""Answers that are certain to be made by the metadata of now."""

from collections.abc import Awaitable, Callable

from moorage.crm.faults import Fault
from moorage.crm.wire.call import Call
from moorage.http.message import Response


def certain(
    call: Call, work: Callable[[Call], Response | Awaitable[Response]]
) -> Response | Awaitable[Response]:
    """Do the work of a call with metadata that are certain to be those of now."""
    confirm = call.organisation.store.confirm
    return work(call) if confirm is None else _confirmed(call, work, confirm)


async def _confirmed(
    call: Call, work: Callable[[Call], Response | Awaitable[Response]], confirm: Callable[[], Awaitable[None]]
) -> Response:
    """Whoever asks the store learns from it whether the metadata have changed. Any other answer is confirmed.

    Raises StoreClosed. Then the call has done nothing, and can begin again.
    """
    try:
        result = work(call)
        response = await result if isinstance(result, Awaitable) else result
    except Fault:
        if not call.has_asked:
            await confirm()
        raise
    if not call.has_asked:
        await confirm()
    return response
