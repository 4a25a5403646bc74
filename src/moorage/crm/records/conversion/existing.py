"""Finds the contact and the account that a lead is added to when it is converted [Z convert-lead]."""

from collections.abc import Callable
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.records.conversion.matches import deciding_values, has_unique_fields
from moorage.crm.records.conversion.request import ConversionRequest
from moorage.crm.records.outcomes import user_details
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.members import invalid


class Existing:
    """The records that are there already. `values` gives what the lead would write into a module's record.

    `permit` is asked before a match is told, as whoever could not make such a record must not learn of it.
    """

    def __init__(
        self,
        organisation: Organisation,
        transaction: Transaction,
        request: ConversionRequest,
        values: Callable[[str], dict[str, Any]],
        permit: Callable[[str, str], None],
    ) -> None:
        self._organisation = organisation
        self._modules = organisation.catalog.modules
        self._transaction = transaction
        self._request = request
        self._values = values
        self._permit = permit

    def contact_and_account(self) -> tuple[int | None, int | None]:
        """The contact and the account that the lead is added to."""
        contact, account = self._named("Contacts"), self._named("Accounts")
        if contact is None:
            contact = self._matching("Contacts")
        of_contact = self.account_of(contact)
        if account is None:
            account = of_contact if of_contact is not None else self._matching("Accounts")
        return contact, account

    def _named(self, name: str) -> int | None:
        record = self._request.ids.get(name)
        if record is None:
            return None
        module, path = self._modules[name], f"{self._request.path}.{name}.id"
        if not self._transaction.existing(module, [record]):
            raise invalid("id", path)
        other = self._match(name) if has_unique_fields(module) else None
        if other is not None and other[1] != record:
            kind = "account" if name == "Accounts" else "contact"
            details = {"api_name": "id", "json_path": path}
            raise Fault(400, "INVALID_DATA", f"give {kind} id is mismatched with the data", details)
        return record

    def _matching(self, name: str) -> int | None:
        """A record that matches, if the lead may be added to it. Raises the Fault if it may not."""
        match = self._match(name)
        if match is None or self._request.adds_to_existing:
            return None if match is None else match[1]
        self._permit("CREATE", name)
        field, record = match
        raise self._duplicate(self._modules[name], field, record)

    def _match(self, name: str) -> tuple[Field, int] | None:
        module = self._modules[name]
        path = f"{self._request.path}.{name}"
        for field, value in deciding_values(module, self._values(name), path):
            matching = self._transaction.matching(module, field, [value]).get(value)
            if matching:
                return field, matching[0]
        return None

    def _duplicate(self, module: Module, field: Field, record: int) -> Fault:
        row = self._transaction.rows(module, [record])[record]
        owner = user_details(self._organisation, row[module.fields["Owner"].column], "zuid")
        of_module = module.reference
        details = {
            "api_name": field.api_name,
            "json_path": f"{self._request.path}.{module.api_name}.{field.api_name}",
            "id": str(record),
            "duplicate_record": {"id": str(record), "Owner": owner, "module": of_module},
            "more_records": False,
        }
        return Fault(400, "DUPLICATE_DATA", "duplicate data", details)

    def account_of(self, contact: int | None) -> int | None:
        if contact is None:
            return None
        module = self._modules["Contacts"]
        row = self._transaction.rows(module, [contact])[contact]
        account: int | None = row[module.fields["Account_Name"].column]
        is_there = account is not None and self._transaction.existing(self._modules["Accounts"], [account])
        return account if is_there else None
