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


class Operations(msgspec.Struct, frozen=True):
    """By path template, such as `/crm/v8/{module}/{id}/photo`, the methods, separated by spaces.

    `described` has them by the file of Zoho's description; the same may stand in several. `undescribed` are those that
    only its pages or clients name.
    """

    described: dict[str, dict[str, str]]
    undescribed: dict[str, str]


def read_operations() -> Operations:
    return msgspec.json.decode((files(__package__) / "operations.json").read_bytes(), type=Operations)


def pairs(paths: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each method with its path."""
    for path, methods in paths.items():
        for method in methods.split():
            yield method, path


def listed() -> Iterator[tuple[str, str]]:
    """Every operation, once: method and path.

    What differs only in the names of placeholders is one operation. So is what is described for one module, such as
    `/crm/v8/Notes`, where there is the same for any module.
    """
    operations = read_operations()
    listing = [pair for family in operations.described.values() for pair in pairs(family)]
    listing += pairs(operations.undescribed)
    known = {(method, shape(path)) for method, path in listing}
    seen = set()
    for method, path in listing:
        operation, general = (method, shape(path)), (method, shape(of_any_module(path)))
        if operation not in seen and (general == operation or general not in known):
            seen.add(operation)
            yield method, path


def shape(path: str) -> str:
    """A path template without the names of its placeholders."""
    return "/".join("{}" if segment.startswith("{") else segment for segment in path.split("/"))


def of_any_module(path: str) -> str:
    """A path template with a placeholder where a module is named."""
    segments = path.split("/")
    return "/".join(
        "{module}" if segment[:1].isupper() and index == 3 else segment
        for index, segment in enumerate(segments)
    )


def absent_routes(prefix: str) -> Iterator[Route]:
    """A route for every operation listed below a prefix, such as `/crm/v8/`."""
    for method, path in listed():
        if path.startswith(prefix):
            yield Route(method, path.removeprefix(prefix), _refusal(f"{method} {path}"), (), absent=True)


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
