"""What people may do with the API when they use the console: the scopes of each role."""

from collections.abc import Mapping

from moorage.keys.model import Principal
from moorage.keys.scopes import CONTROL, ProxyScope, Scopes
from moorage.people.model import Person, Role

_EVERYTHING = Scopes(frozenset(CONTROL), frozenset({ProxyScope()}))
_SEEN = ("approvals:read", "connections:read", "keys:read", "organisations:read", "policies:read")
SCOPES: Mapping[Role, Scopes] = {
    "owner": _EVERYTHING,
    "operator": _EVERYTHING,
    "approver": Scopes(frozenset({*_SEEN, "requests:read"}), frozenset({ProxyScope()})),
    # Whoever helps others sees no values, so they may call no app.
    "support": Scopes(frozenset({*_SEEN, "audit:read", "requests:read"}), frozenset()),
}


WRITERS: frozenset[Role] = frozenset({"owner", "operator"})  # They may change what apps hold.


def caller(person: Person, *, reads_only: bool = False) -> Principal:
    """The person as the caller of the API; with `reads_only`, without the right to change what apps hold."""
    return Principal(
        person.id,
        person.account_id,
        SCOPES[person.role],
        name=person.name,
        kind="person",
        reads_only=reads_only or person.role not in WRITERS,
    )
