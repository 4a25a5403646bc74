"""The operations of Zoho's API that are not here yet: each says so, by name, and not that something else is wrong.

`operations.json` lists the operations of Zoho's published description of v8, and a few that only its pages or
clients name. What `api/` declares comes before what is listed there.
"""

from collections.abc import Callable, Iterator
from importlib.resources import files

import msgspec
import structlog

from moorage.crm.faults import Fault, invalid_url
from moorage.crm.wire.call import Call
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

log = structlog.get_logger(__name__)


def listed() -> dict[str, str]:
    """By path template, such as `/crm/v8/{module}/{id}/photo`: the methods, separated by spaces."""
    found: dict[str, str] = msgspec.json.decode((files(__package__) / "operations.json").read_bytes())
    return found


def absent_routes(prefix: str) -> Iterator[Route]:
    """A route for every operation listed below a prefix, such as `/crm/v8/`."""
    for path, methods in listed().items():
        if path.startswith(prefix):
            for method in methods.split():
                refusal = _refusal(f"{method} {path}")
                yield Route(method, path.removeprefix(prefix), refusal, (), absent=True)


def _refusal(operation: str) -> Callable[[Call], Response]:
    told = False

    def refuse(_call: Call) -> Response:
        nonlocal told
        if not told:  # Once is enough for whoever reads the log: a program asks again and again.
            told = True
            log.warning("crm.not_implemented", operation=operation)
        raise not_implemented(operation)

    return refuse


def not_implemented(operation: str) -> Fault:
    fault = invalid_url()
    fault.hint = f"not implemented: {operation}"
    return fault
