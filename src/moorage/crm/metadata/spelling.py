"""Unknown modules: the refusal, which helps where only the case of letters is wrong."""

from typing import Any

from moorage.crm.faults import Fault, invalid_module
from moorage.crm.metadata.documents import Metadata
from moorage.logs import Log

log = Log(__name__)

# The log is told of each module once.
_told: set[str] = set()


def unknown_module(metadata: Metadata, name: str, details: dict[str, Any]) -> Fault:
    """The fault for a name that is no module's. In v8 names are case-sensitive."""
    fault = invalid_module(details)
    right = metadata.module_spelling(name)
    if right is not None:
        fault.hint = f"module names are case-sensitive; this one is {right}"
        if right not in _told:
            _told.add(right)
            log.warning("crm.module_misspelled", module=right)
    return fault
