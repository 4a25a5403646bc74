"""The operations of Zoho's API that are not here yet: each says so, by name, and not that something else is wrong.

`operations.json` lists the operations of Zoho's own description of v8 [Z description], and a few that only its pages or
clients name. What `api/` declares comes before what is listed there.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files

import msgspec

from moorage.crm.faults import Fault, invalid_url
from moorage.crm.wire.call import Call
from moorage.crm.wire.routing import Route
from moorage.http.message import Response
from moorage.logs import Log

log = Log(__name__)

_PLACEHOLDER = re.compile(r"\{\w+\}")
_MODULE = re.compile(r"^/crm/v8/[A-Z]\w*")


class Operations(msgspec.Struct, frozen=True):
    """By path template, such as `/crm/v8/{module}/{id}/photo`, the methods, separated by spaces.

    `described` has them by the file that describes them; the same may stand in several. `undescribed` are those that
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


@cache
def listed() -> tuple[tuple[str, str], ...]:
    """Every operation, once: method and path.

    What differs only in the names of placeholders is one operation. So is what is described for one module, such as
    `/crm/v8/Notes`, where there is the same for any module.
    """
    operations = read_operations()
    listing = [pair for family in operations.described.values() for pair in pairs(family)]
    listing += pairs(operations.undescribed)
    # The first of those that have one shape gives the names. Taken backwards, it is the last that is kept.
    first = {(method, shape(path)): (method, path) for method, path in reversed(listing)}
    special = {
        (method, shape(path))
        for method, path in listing
        if path != of_any_module(path) and (method, shape(of_any_module(path))) in first
    }
    return tuple(pair for operation, pair in first.items() if operation not in special)


def shape(path: str) -> str:
    """A path template without the names of its placeholders."""
    return _PLACEHOLDER.sub("{}", path)


def of_any_module(path: str) -> str:
    """A path template with a placeholder where a module is named: its name begins with a capital."""
    return _MODULE.sub("/crm/v8/{module}", path)


def absent_routes() -> Iterator[Route]:
    """A route for every operation that is listed. What is no path of the API's is an address that an answer gave."""
    for method, path in listed():
        if path.startswith("/crm/"):
            yield Route(method, path, _refusal(f"{method} {path}"), (), absent=True)


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
