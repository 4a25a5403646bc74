"""Meetings that are cancelled, and who takes part in one [Z meeting-cancel]."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.emails import Address, Email, companion_of, new_message_id
from moorage.crm.records.locks import Locks
from moorage.crm.records.own_changes import modify
from moorage.crm.records.values import EMAIL
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

KIND = "cancelled meeting"
_MODULES = {"contact": "Contacts", "lead": "Leads"}


class Cancellation(msgspec.Struct, frozen=True):
    """One meeting that a user cancels, within a transaction."""

    organisation: Organisation
    transaction: Transaction
    user: int

    def run(self, meeting: int, *, sends_mail: bool) -> None:
        """Raises the Fault of a meeting that can't be cancelled."""
        module = self.organisation.catalog.modules["Events"]
        place = {"id": str(meeting)}
        row = self.transaction.rows(module, [meeting]).get(meeting)
        if row is None:
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", place)
        Locks(module, self.transaction, self.user).refuse(row, place)
        if self.transaction.companions.of(KIND, [meeting]):
            raise Fault(400, "NOT_ALLOWED", "the event is already cancelled", place)
        participants = participants_of(row.get(module.fields["Participants"].column))
        if not participants:
            raise _not_allowed("no participants were invited", "no_participants_invited", place)
        if row[module.fields["End_DateTime"].column] <= self.transaction.now:
            raise _not_allowed("the event is completed", "completed_meeting", place)
        [identity, number] = self.transaction.new_ids(2)
        self.transaction.companions.put([Companion(identity, KIND, meeting)])
        modify(self.organisation, module, self.transaction, self.user, {meeting: {}})
        addresses = list(self._addresses(participants)) if sends_mail else []
        if addresses:
            title = row.get(module.fields["Event_Title"].column)
            email = self._email(f"Cancelled: {title}", addresses)
            self.transaction.companions.put([companion_of(email, number, meeting)])

    def _email(self, subject: str, addresses: list[Address]) -> Email:
        user = self.organisation.metadata.find("user", self.user)
        body = user.body if user is not None else {}
        now = self.transaction.now
        return Email(
            message_id=new_message_id(),
            module="Events",
            user=self.user,
            sender=Address(body.get("full_name"), body.get("email") or ""),
            to=addresses,
            cc=[],
            bcc=[],
            reply_to=None,
            subject=subject,
            content=None,
            mail_format="text",
            time=now,
            created=now,
        )

    def _addresses(self, participants: Sequence[dict[str, Any]]) -> Iterator[Address]:
        """The addresses of those who take part, each once."""
        named = {name: self._emails(name, participants) for name in _MODULES.values()}
        known = set()
        for participant in participants:
            email = _sent_address(participant) or self._address(participant, named)
            if email is not None and email.lower() not in known:
                known.add(email.lower())
                yield Address(None, email)

    def _address(self, participant: dict[str, Any], named: dict[str, dict[int, str]]) -> str | None:
        identity = whole_id(participant.get("participant")) or 0
        if participant.get("type") == "user":
            user = self.organisation.metadata.find("user", identity)
            return user.body["email"] if user is not None else None
        return named.get(_MODULES.get(str(participant.get("type")), ""), {}).get(identity)

    def _emails(self, name: str, participants: Iterable[dict[str, Any]]) -> dict[int, str]:
        """By id, the addresses of the records of a module that take part."""
        module = self.organisation.catalog.modules[name]
        ids = {
            identity
            for participant in participants
            if _MODULES.get(str(participant.get("type"))) == name
            and (identity := whole_id(participant.get("participant"))) is not None
        }
        rows: dict[int, Row] = self.transaction.rows(module, ids) if ids else {}
        column = module.fields["Email"].column
        return {record: row[column] for record, row in rows.items() if row[column]}


def participants_of(text: str | None) -> list[dict[str, Any]]:
    """Those who were invited. A participant who says nothing of it is."""
    return [each for each in msgspec.json.decode(text or "[]") if each.get("invited") is not False]


def _sent_address(participant: dict[str, Any]) -> str | None:
    """The address that the participant has in the meeting itself."""
    for name in ("Email", "participant"):
        value = participant.get(name)
        if isinstance(value, str) and EMAIL.fullmatch(value):
            return value
    return None


def _not_allowed(message: str, reason: str, place: dict[str, str]) -> Fault:
    return Fault(400, "NOT_ALLOWED", message, {"reason": reason, **place})
