"""Which records a caller may see and change. Every operation on records asks here."""

from moorage.crm.faults import Fault, module_unsupported
from moorage.crm.metadata.catalog import Module
from moorage.crm.records.modules import rules_of
from moorage.crm.records.reading import module_of
from moorage.crm.storage.contract.records import Filter
from moorage.crm.wire.call import Call


def visible(call: Call, module: Module) -> list[Filter]:
    """What narrows a module's records to those that the caller may see: in lists, searches, counts, the recycle bin.

    Raises the fault for records that the caller may not see all together; those of one record are for whoever may see
    that record.
    """
    if rules_of(module).for_administrators and not is_administrator(call):
        raise Fault(403, "NOT_SUPPORTED", "This API is supported only for admin users.")
    return []


def is_administrator(call: Call) -> bool:
    user = call.organisation.metadata.find("user", call.caller.user)
    return user is not None and user.body["profile"]["name"] == "Administrator"


def require_administrator(call: Call, permission: str) -> None:
    """Raise the Fault for a user who lacks a permission that only administrators have."""
    if not is_administrator(call):
        raise Fault(403, "NO_PERMISSION", "permission denied", {"permissions": [permission]})


def writable(call: Call, flag: str) -> Module:
    """The module of the path. Raises the Fault if its records can't be changed, or only through their parents."""
    module = module_of(call)
    if not module.flags.get(flag) or module.parent_field is not None:
        raise module_unsupported()
    return module
