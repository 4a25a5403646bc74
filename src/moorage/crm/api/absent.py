"""The operations of Zoho's API that are missing here: the answer names the operation, so that nobody looks elsewhere.

`operations.json` lists the operations of Zoho's own description of v8 [Z description], and a few that only its pages or
clients name. An operation that `api/` declares is not missing.
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
    """Methods, separated by spaces, by path template, such as `/crm/v8/{module}/{id}/photo`.

    `described` holds such a table for each file of the description; an operation can be in several files.
    `undescribed` holds the operations that only pages or clients name.
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
    """Every operation once, as method and path.

    Paths that differ only in the names of placeholders are one operation. A path of one module, such as
    `/crm/v8/Notes`, is left out if there is the same path for any module.
    """
    operations = read_operations()
    listing = [pair for family in operations.described.values() for pair in pairs(family)]
    listing += pairs(operations.undescribed)
    # Of paths with the same shape the first is kept: a dict keeps the last value of a key, so they are read backwards.
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
    """A path template with a placeholder in place of a module's name, which begins with a capital."""
    return _MODULE.sub("/crm/v8/{module}", path)


def absent_routes() -> Iterator[Route]:
    """A route for every listed operation. Paths outside `/crm/` are addresses that come from answers, and have none."""
    for method, path in listed():
        if path.startswith("/crm/"):
            yield Route(method, path, _refusal(f"{method} {path}"), (), absent=True)


def _refusal(operation: str) -> Callable[[Call], Response]:
    is_logged = False

    def refuse(_call: Call) -> Response:
        nonlocal is_logged
        if not is_logged:  # Once is enough: a program may call again and again.
            is_logged = True
            log.warning("crm.not_implemented", operation=operation)
        raise not_implemented(operation)

    return refuse


def not_implemented(operation: str) -> Fault:
    fault = invalid_url()
    fault.hint = f"not implemented: {operation}"
    return fault
