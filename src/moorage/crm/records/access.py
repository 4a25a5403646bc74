"""Decides which records a caller may see and change. Every operation on records asks here.

`visible` is for operations on many records, `readable` for those that read one record, `writable` for writes.
"""

from moorage.crm.faults import Fault, module_unsupported
from moorage.crm.metadata.catalog import Module
from moorage.crm.records.modules import rules_of
from moorage.crm.records.reading import module_of
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Filter
from moorage.crm.wire.call import Call


def visible(call: Call, module: Module) -> list[Filter]:
    """Filters for the records of a module that the caller may see, in lists, searches, counts and the recycle bin.

    Raises the Fault of a module whose records only administrators may see all together.
    """
    return visible_to(call.organisation, call.caller.user, module)


def visible_to(organisation: Organisation, user: int, module: Module) -> list[Filter]:
    """As `visible`, for work that goes on when the call has been answered."""
    if rules_of(module).for_administrators and not _is_administrator(organisation, user):
        raise Fault(403, "NOT_SUPPORTED", "This API is supported only for admin users.")
    return []


def visible_with(_call: Call, _module: Module) -> list[Filter]:
    """Filters for the records of a module that the caller may see with the record that they belong to.

    Everybody may read the notes of a record, although only administrators may read all notes together.
    """
    return []


def readable(call: Call) -> Module:
    """The module of the path, of which the caller wants to read one record. Raises the Fault of an unknown module.

    No record is private to a user here: a token that may read a module may read each record of it.
    """
    return module_of(call)


def is_administrator(call: Call) -> bool:
    return _is_administrator(call.organisation, call.caller.user)


def _is_administrator(organisation: Organisation, identity: int) -> bool:
    user = organisation.metadata.find("user", identity)
    return user is not None and user.body["profile"]["name"] == "Administrator"


def require_administrator(call: Call, permission: str) -> None:
    """Raise the Fault for a user who lacks a permission that administrators have, and profiles that were given it."""
    if not is_administrator(call) and not _is_permitted(call, permission):
        raise Fault(403, "NO_PERMISSION", "permission denied", {"permissions": [permission]})


def _is_permitted(call: Call, permission: str) -> bool:
    metadata = call.organisation.metadata
    user = metadata.find("user", call.caller.user)
    profile = user and metadata.find("profile", int(user.body["profile"]["id"]))
    permissions = profile.body["permissions_details"] if profile else ()
    return any(each["name"] == permission and each["enabled"] for each in permissions)


def _are_parts(module: Module) -> bool:
    """Whether the records of a module are only written with others, as rows of subforms are."""
    return module.is_part or rules_of(module).through_parents


def writable(call: Call, flag: str) -> Module:
    """The module of the path. Raises the Fault if its records can't be changed, or only through their parents."""
    module = module_of(call)
    if not module.flags.get(flag) or _are_parts(module):
        raise module_unsupported()
    return module
