"""Turns a lead into a contact, an account and a deal, in one transaction [Z convert-lead]."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.relations import CONTACT_ROLE
from moorage.crm.records.attachments import move as move_attachments
from moorage.crm.records.changes import Change
from moorage.crm.records.contact_roles import ContactRoles, role_named
from moorage.crm.records.conversion.deals import require_deal
from moorage.crm.records.conversion.existing import Existing
from moorage.crm.records.conversion.matches import mapped_fields
from moorage.crm.records.conversion.request import ConversionRequest
from moorage.crm.records.conversion.surroundings import move_activities, move_notes
from moorage.crm.records.copies import Copies, is_active
from moorage.crm.records.locks import Locks
from moorage.crm.records.outcomes import Outcome, Refused, failed, succeeded
from moorage.crm.records.own_changes import modify, set_values
from moorage.crm.records.prepare import insertable, updatable
from moorage.crm.records.related import related_list
from moorage.crm.records.relations import RecordLinks, Wish
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction
from moorage.crm.wire.members import invalid

# Given an operation and the API name of a module, raises the Fault of a caller who may not do that.
Permit: TypeAlias = Callable[[str, str], None]
_DAY = 86_400


class Became(msgspec.Struct, frozen=True):
    """A record that a lead became, and the module that it is of."""

    module: Module
    id: int


class LeadConversion:
    """The conversion of one lead by one user, as the request says."""

    def __init__(
        self,
        organisation: Organisation,
        user: int,
        transaction: Transaction,
        request: ConversionRequest,
        permit: Permit,
    ) -> None:
        self._organisation = organisation
        self._modules = organisation.catalog.modules
        self._user = user
        self._transaction = transaction
        self._request = request
        self._permit = permit
        self._lead: Row = {}
        self._became: dict[str, Became] = {}
        self._existing = Existing(organisation, transaction, request, self._values, permit)

    def run(self, lead: int) -> Outcome:
        """Raises the Fault of a lead that can't be converted, and Refused for what the request wants."""
        self._lead = _convertible(self._modules["Leads"], self._transaction, lead)
        place = {"resource_path_index": 1}
        Locks(self._modules["Leads"], self._transaction, self._user).refuse(self._lead, place)
        with refusing():
            contact, account = self._existing.contact_and_account()
        self._permit("CREATE" if contact is None else "UPDATE", "Contacts")
        if self._has_account(account):
            self._permit("CREATE" if account is None else "UPDATE", "Accounts")
        if "Deals" in self._request.values:
            self._permit("CREATE", "Deals")
        with refusing():
            self._make(contact, account)
        self._mark_converted()
        self._move()
        details = {name: self._shown(name) for name in ("Contacts", "Deals", "Accounts")}
        return succeeded(details, "The record has been converted successfully")

    def _make(self, contact: int | None, account: int | None) -> None:
        """Make the records, or add the lead to those that are there."""
        if self._has_account(account):
            self._write("Accounts", account, {})
        self._contact(contact)
        if "Deals" in self._request.values:
            self._deal()

    def _has_account(self, existing: int | None) -> bool:
        return existing is not None or bool(self._values("Accounts").get("Account_Name"))

    # Records that the lead becomes

    def _values(self, name: str) -> dict[str, Any]:
        """What the mapping takes from the lead, under what the caller gives."""
        copies = Copies(self._organisation, self._transaction)
        mapped = {
            to.api_name: copies.value(self._lead, field)
            for field, to in mapped_fields(self._organisation.catalog, name)
        }
        return {key: value for key, value in mapped.items() if value is not None} | self._request.values.get(
            name, {}
        )

    def _contact(self, existing: int | None) -> None:
        links = {}
        if "Accounts" in self._became and (existing is None or self._existing.account_of(existing) is None):
            links["Account_Name"] = {"id": str(self._became["Accounts"].id)}
        self._write("Contacts", existing, links)

    def _deal(self) -> None:
        given = JsonObject(self._request.values["Deals"], f"{self._request.path}.Deals")
        require_deal(given, self._organisation.metadata, self._modules["Deals"])
        links = {"Contact_Name": {"id": str(self._became["Contacts"].id)}}
        if "Accounts" in self._became:
            links["Account_Name"] = {"id": str(self._became["Accounts"].id)}
        self._write("Deals", None, links)
        self._give_role(given)
        duration = self._modules["Deals"].fields["Lead_Conversion_Time"].column
        values = {self._became["Deals"].id: {duration: self._days()}}
        set_values(self._organisation, self._modules["Deals"], self._transaction, values)

    def _give_role(self, given: JsonObject) -> None:
        """The role of the contact in the deal, which is a link between both."""
        contacts, deal = self._modules["Contacts"], self._became["Deals"]
        related = related_list(self._organisation, deal.module, "Contact_Roles")
        links = related.links if related is not None else None
        if CONTACT_ROLE not in given or links is None:
            return
        field, path = links.rows.fields[CONTACT_ROLE], f"{given.path}.{CONTACT_ROLE}"
        role = role_named(field, given.raw(CONTACT_ROLE), path, ContactRoles(self._transaction).all())
        wish = Wish(path, self._became["Contacts"].id, {field.column: role})
        row_links = RecordLinks(links.rows, links.own, links.connected, deal.id, contacts)
        written(row_links.relate(self._transaction, [wish], self._user)[0])

    def _write(self, name: str, existing: int | None, links: dict[str, Any]) -> None:
        """Make a record of the lead, or write the lead's values into one that is there, if the caller wants that."""
        module, path = self._modules[name], f"{self._request.path}.{name}"
        change = Change(self._organisation, module, self._user, self._transaction)
        if existing is None:
            record = {"Owner": self._owner(), **links, **self._values(name)}
            record |= self._tags(name, None)
            (outcome,) = change.insert([insertable(self._organisation.catalog, module, record, path)])
            existing = int(written(outcome)["id"])
        else:
            given = self._request.values.get(name, {})
            record = {**links, **(self._values(name) if self._request.overwrite else given)}
            record |= self._tags(name, existing)
            if record:
                prepared = updatable(self._organisation.catalog, module, record, path)
                written(change.update_one(existing, prepared)[0])
        self._became[name] = Became(module, existing)

    def _owner(self) -> dict[str, str]:
        owner = self._request.owner or self._lead[self._modules["Leads"].fields["Owner"].column]
        return {"id": str(owner if is_active(self._organisation, owner) else self._user)}

    def _tags(self, name: str, existing: int | None) -> dict[str, Any]:
        """The tags that are carried over, with those that the record has."""
        carried = self._request.tags.get(name)
        if not carried:
            return {}
        of_lead = tag_names(self._modules["Leads"], self._lead)
        if unknown := [tag for tag in carried if tag not in of_lead]:
            index = carried.index(unknown[0])
            raise invalid(
                name, f"{self._request.path}.carry_over_tags.{name}[{index}]", supported_values=of_lead
            )
        module = self._modules[name]
        row = {} if existing is None else self._transaction.rows(module, [existing])[existing]
        return {"Tag": [{"name": tag} for tag in dict.fromkeys([*tag_names(module, row), *carried])]}

    # The lead, and what belongs to it

    def _days(self) -> int:
        """How long the lead was one."""
        created: int = self._lead[self._modules["Leads"].fields["Created_Time"].column]
        return (self._transaction.now - created) // _DAY

    def _mark_converted(self) -> None:
        module = self._modules["Leads"]
        values = {"Converted__s": 1, "Converted_Date_Time": self._transaction.now}
        values["Lead_Conversion_Time"] = self._days()
        for name, field in (
            ("Accounts", "Converted_Account"),
            ("Contacts", "Converted_Contact"),
            ("Deals", "Converted_Deal"),
        ):
            if name in self._became:
                values[field] = self._became[name].id
        row = {module.fields[name].column: value for name, value in values.items()}
        modify(self._organisation, module, self._transaction, self._user, {self._lead["id"]: row})

    def _move(self) -> None:
        target = self._became.get(self._request.moved_to or "Contacts", self._became["Contacts"])
        move_notes(self._organisation, self._transaction, self._lead["id"], target.module, target.id)
        move_attachments(
            self._transaction, self._organisation.catalog, [self._lead["id"]], target.module, target.id
        )
        about = self._became.get("Deals") or self._became.get("Accounts")
        move_activities(
            self._organisation,
            self._transaction,
            self._lead["id"],
            self._became["Contacts"].id,
            None if about is None else (about.module, about.id),
        )

    def _shown(self, name: str) -> dict[str, Any] | None:
        became = self._became.get(name)
        if became is None:
            return None
        return named(self._transaction, became.module, became.id)


@contextmanager
def refusing() -> Iterator[None]:
    try:
        yield
    except Fault as fault:
        if fault.status == 401:  # A missing scope is about the whole call.
            raise
        raise Refused(failed(fault)) from None


def _convertible(leads: Module, transaction: Transaction, lead: int) -> Row:
    place = {"resource_path_index": 1}
    row = transaction.rows(leads, [lead]).get(lead)
    if row is None:
        raise Fault(400, "INVALID_DATA", "invalid data", place)
    if row[leads.fields["Converted__s"].column]:
        raise Fault(400, "ID_ALREADY_CONVERTED", "id already converted", place)
    return row


def written(outcome: Outcome) -> dict[str, Any]:
    """The details of a record that was written. Raises Refused for one that was not."""
    if outcome.status >= 300:
        raise Refused(outcome)
    details: dict[str, Any] = outcome.document["details"]
    return details


def named(transaction: Transaction, module: Module, record: int) -> dict[str, Any]:
    """A record as an answer names it."""
    row = transaction.rows(module, [record])[record]
    return {"name": row[module.name_field.column] if module.name_field else None, "id": str(record)}


def tag_names(module: Module, row: Row) -> list[str]:
    tags = row.get(module.fields["Tag"].column)
    return [tag["name"] for tag in msgspec.json.decode(tags or "[]")]
