"""Contact roles: what a contact can be in a deal. They are companions of the organisation [Z contact-roles].

The roles that an organisation begins with are made when somebody first asks for them.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.ids import whole_id
from moorage.crm.query.texts import folded
from moorage.crm.records.outcomes import Outcome, failed, succeeded
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.records import Transaction

KIND = "contact_role"
_BEGUN = "contact_roles"  # There is one companion of this kind once the first roles were made.
_FIRST = (
    "Developer/Evaluator",
    "Decision Maker",
    "Purchasing",
    "Executive Sponsor",
    "Engineering Lead",
    "Economic Decision Maker",
    "Product Management",
)
LONGEST_NAME = 50


class Role(msgspec.Struct, frozen=True):
    id: int
    name: str
    number: int  # Its place among all roles, from 1.

    def document(self) -> dict[str, Any]:
        return {"id": str(self.id), "name": self.name, "sequence_number": self.number}


class ContactRoles:
    """The roles of an organisation, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        companions = transaction.companions
        if not companions.of(_BEGUN, [0]):
            begun, *ids = transaction.new_ids(1 + len(_FIRST))
            companions.put([Companion(begun, _BEGUN)])
            self._put([Role(*each) for each in zip(ids, _FIRST, range(1, len(_FIRST) + 1), strict=True)])

    def all(self) -> list[Role]:
        """In the order of their numbers."""
        return roles_in(self._transaction.companions.of(KIND, [0]).get(0, []))

    def add(self, spec: JsonObject) -> Outcome:
        roles = self.all()
        name = spec.text("name", LONGEST_NAME)
        if name is None:
            raise spec.missing("name")
        _refuse_repeat(spec, roles, name)
        number = spec.whole_number("sequence_number")
        role = Role(self._transaction.new_ids(1)[0], name, 0)
        self._place(roles, role, len(roles) + 1 if number is None else number)
        return succeeded({"id": str(role.id)}, "contact role added", 201)

    def change(self, spec: JsonObject, role_id: int | None = None) -> Outcome:
        """`role_id` is the id that the path names."""
        if role_id is None:
            spec.require("id")
            role_id = whole_id(spec.raw("id"))
        roles = self.all()
        role = next((each for each in roles if each.id == role_id), None)
        if role is None:
            raise spec.fault("INVALID_DATA", "the id given seems to be invalid", "id")
        others = [each for each in roles if each is not role]
        name, number = spec.text("name", LONGEST_NAME), spec.whole_number("sequence_number")
        if name is None and spec.has_member("name"):
            raise spec.missing("name")
        if name is not None:
            _refuse_repeat(spec, others, name)
        changed = Role(role.id, name or role.name, role.number)
        self._place(others, changed, role.number if number is None else number)
        return succeeded({"id": str(role.id)}, "contact role updated")

    def remove(self, ids: Sequence[int]) -> list[Outcome]:
        known = {role.id for role in self.all()}
        self._transaction.companions.remove(known & set(ids))
        return [_removal(role, was_there=role in known) for role in ids]

    def _place(self, others: list[Role], role: Role, number: int) -> None:
        """Put a role at its place among the others, which make room for it."""
        place = min(max(number, 1), len(others) + 1)
        ordered = [*others[: place - 1], role, *others[place - 1 :]]
        self._put([Role(each.id, each.name, index) for index, each in enumerate(ordered, 1)])

    def _put(self, roles: Sequence[Role]) -> None:
        self._transaction.companions.put(
            [
                Companion(role.id, KIND, name=folded(role.name), body=[role.name, role.number])
                for role in roles
            ]
        )


def roles_in(companions: Sequence[Companion]) -> list[Role]:
    """In the order of their numbers."""
    return sorted((Role(each.id, *each.body) for each in companions), key=lambda role: role.number)


def _refuse_repeat(spec: JsonObject, roles: Sequence[Role], name: str) -> None:
    same = next((role for role in roles if folded(role.name) == folded(name)), None)
    if same is not None:
        raise spec.fault("DUPLICATE_DATA", "duplicate data", "name", id=str(same.id))


def _removal(role: int, *, was_there: bool) -> Outcome:
    details = {"id": str(role)}
    if was_there:
        return succeeded(details, "contact role deleted")
    return failed(Fault(400, "INVALID_DATA", "the id given seems to be invalid", details))


def role_named(field: Field, sent: Any, path: str, roles: Sequence[Role]) -> int | None:
    """The id of a role, which is sent as an object with its id or its name, or as one of both alone."""
    if sent is None:
        return None
    named = (sent.get("id") or sent.get("name")) if isinstance(sent, dict) else sent
    for role in roles:
        if isinstance(named, str | int) and (whole_id(named) == role.id or named == role.name):
            return role.id
    details = {"api_name": field.api_name, "json_path": path}
    raise Fault(400, "INVALID_DATA", "invalid data", details)
