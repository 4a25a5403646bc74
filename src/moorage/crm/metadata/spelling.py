"""The Fault for an unknown module, which helps if only the case of letters is wrong."""

from typing import Any

from moorage.crm.faults import Fault, invalid_module
from moorage.crm.metadata.documents import Metadata
from moorage.logs import Log

log = Log(__name__)

# Modules that the log has named; each one once is enough.
_logged: set[str] = set()


def unknown_module(metadata: Metadata, name: str, details: dict[str, Any]) -> Fault:
    """The Fault for a name that no module has. In v8 names are case-sensitive."""
    fault = invalid_module(details)
    right = metadata.module_spelling(name)
    if right is not None:
        fault.hint = f"module names are case-sensitive; this one is {right}"
        if right not in _logged:
            _logged.add(right)
            log.warning("crm.module_misspelled", module=right)
    return fault
