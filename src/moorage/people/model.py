"""People as values: their roles, what each role may do, and the rules for their names and addresses."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

from moorage.http.errors import quoted
from moorage.http.timestamps import wire_time
from moorage.ids import new_uuid
from moorage.letters import lowered
from moorage.near import did_you_mean
from moorage.people.errors import PermissionMissing, PersonInvalid

Role: TypeAlias = Literal["owner", "operator", "approver", "support"]
ROLES: tuple[Role, ...] = get_args(Role)

Permission: TypeAlias = Literal[
    "people:write",  # Invite people, change their roles, remove them.
    "approvals:read",  # See which calls wait for a person, and what came of others.
    "approvals:see_values",  # See what such a call would change: old and new values, bodies.
    "approvals:decide",  # Approve or decline such a call.
    "grants:give",  # Let a program outside act, and end that.
    "settings:read",  # See the settings of the server, without secrets.
]

# The only place that says what a role may do.
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    "owner": frozenset(get_args(Permission)),
    "operator": frozenset(get_args(Permission)) - {"people:write"},
    "approver": frozenset({"approvals:read", "approvals:see_values", "approvals:decide"}),
    # Whoever helps others sees that something happened, and no values, bodies or secrets.
    "support": frozenset({"approvals:read"}),
}
MEANINGS: dict[Role, str] = {
    "owner": "does everything, and decides who else signs in",
    "operator": "runs the gateway, lets programs act, and approves calls",
    "approver": "approves calls, and sees what they would change",
    "support": "sees what happened, but no values, bodies or secrets",
}

LONGEST_NAME = 100
LONGEST_EMAIL = 254  # RFC 5321
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)*")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in. Who `has_joined` has a password or an identity at an issuer, or `enters_here`: by links
    on the machine of the server, without a password. Others have a link to choose one.
    """

    id: str
    account_id: str
    name: str
    email: str
    role: Role
    has_password: bool = True
    created_at: datetime | None = None
    signed_in_at: datetime | None = None
    has_second_factor: bool = False
    has_identity: bool = False
    enters_here: bool = False
    # A digest that differs after each change of password, identity or role. A sign-in ends with what it began with.
    credentials: bytes = field(default=b"", repr=False, compare=False)

    @property
    def has_joined(self) -> bool:
        return self.has_password or self.has_identity or self.enters_here

    def may(self, permission: Permission) -> bool:
        return permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Raises PermissionMissing."""
        if not self.may(permission):
            raise PermissionMissing(permission, self.role)


def new_person(account_id: str, name: str, email: str, role: Role) -> Person:
    """A person with an id of their own. `store.add` says whether they have a password."""
    return Person(f"person_{new_uuid()[:13]}", account_id, name, email, role)


def person_document(person: Person) -> dict[str, Any]:
    """The person in the form of the command line."""
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "role": person.role,
        "has_joined": person.has_joined,
        "has_second_factor": person.has_second_factor,
        "created_at": person.created_at and wire_time(person.created_at),
        "signed_in_at": person.signed_in_at and wire_time(person.signed_in_at),
    }


def welcome_url(base_url: str, token: str) -> str:
    """The link with which a person chooses a password. It is a secret."""
    return f"{base_url}/welcome?token={token}"


def entry_url(base_url: str, token: str) -> str:
    """The link with which somebody at this machine signs in. It is a secret."""
    return f"{base_url}/enter?token={token}"


def as_stored(text: str) -> str:
    """An e-mail address in the spelling that is stored."""
    return lowered(text.strip())


def read_email(text: str) -> str:
    """The e-mail address in the spelling that is stored. Raises PersonInvalid."""
    email = as_stored(text)
    if len(email) > LONGEST_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise PersonInvalid(
            f"The e-mail address can't be {quoted(text)}.", help="Write it as ada@example.com."
        )
    return email


def read_name(text: str) -> str:
    """The name, without spaces around it. Raises PersonInvalid."""
    name = text.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise PersonInvalid(
            f"The name can't be {quoted(text)}.", help=f"Use up to {LONGEST_NAME} printable characters."
        )
    return name


def read_role(text: str) -> Role:
    """Raises PersonInvalid."""
    for role in ROLES:
        if role == text:
            return role
    raise PersonInvalid(
        f"There is no role {quoted(text)}.{did_you_mean(text, ROLES)}", help=f"Use {', '.join(ROLES)}."
    )
