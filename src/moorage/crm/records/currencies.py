"""In which currency the amounts of a record are, and its rate [Z description].

Amounts stay as they were sent: nothing is worked out with a rate.
"""

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.currencies import BASE_RATE, CURRENCY, RATE
from moorage.crm.records.draft import Draft
from moorage.crm.storage.contract.records import Row


class Currencies:
    """Of the records of one module. They do nothing if the organisation has a single currency."""

    def __init__(self, catalog: Catalog, module: Module) -> None:
        self._known = catalog.currencies
        self._base = next(iter(self._known), None)
        currency = module.currency
        self._currency = currency.column if currency is not None else ""
        self._rate = module.fields[RATE].column if currency is not None else ""

    def check(self, draft: Draft, old: Row) -> None:
        """Raise the Fault for a currency that records can't have, or a rate that is none."""
        if not self._currency:
            return
        code, rate = draft.row.get(self._currency), draft.row.get(self._rate)
        if code is not None and code != old.get(self._currency):
            known = self._known.get(code)
            if known is None or not known.is_active:
                codes = [code for code, currency in self._known.items() if currency.is_active]
                raise _invalid(draft, CURRENCY, supported_values=codes)
        if rate is not None and rate <= 0:
            raise _invalid(draft, RATE)

    def set_rate(self, row: Row, old: Row, sent_fields: set[str]) -> None:
        """Without a rate of its own, a record takes that of its currency at the time."""
        if not self._currency:
            return
        if row.get(self._currency) is None:
            row[self._currency] = self._base
        code = row[self._currency]
        is_given = row.get(self._rate) is not None and RATE in sent_fields
        if code == self._base:
            row[self._rate] = BASE_RATE
        elif not is_given and (code != old.get(self._currency) or row.get(self._rate) is None):
            row[self._rate] = self._known[code].rate if code in self._known else BASE_RATE


def _invalid(draft: Draft, name: str, **details: object) -> Fault:
    place = {"api_name": name, "json_path": f"{draft.path}.{name}"}
    return Fault(400, "INVALID_DATA", "invalid data", {**details, **place})
