"""The first records of a demo organisation: the customers, deals and daily work of a company that makes sensors.

The texts are in `sample.json`. Dates, amounts and lookups are random with a fixed seed, so all demo organisations are
alike. No record names a real person: e-mail addresses end with `.example`, and nobody has these phone numbers.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import TypeAlias

import msgspec

from moorage.crm.organisations.sample import activities, customers, papers
from moorage.crm.organisations.sample.composer import Composer, SampleRecord


class SampleBatch(msgspec.Struct, frozen=True):
    """Records of one module, the oldest first."""

    module: str
    records: list[SampleRecord]


_Writer: TypeAlias = Callable[[Composer], None]
_WRITERS: dict[str, _Writer] = {
    "Vendors": partial(customers.table, module="Vendors", youngest=700, oldest=900),
    "Products": partial(customers.table, module="Products", youngest=430, oldest=690),
    "Price_Books": partial(customers.table, module="Price_Books", youngest=380, oldest=430),
    "Accounts": partial(customers.table, module="Accounts", youngest=430, oldest=690),
    "Contacts": partial(customers.table, module="Contacts", youngest=240, oldest=420),
    "Leads": customers.leads,
    "Campaigns": customers.campaigns,
    "Deals": customers.deals,
    "Solutions": partial(customers.table, module="Solutions", youngest=30, oldest=300),
    "Cases": activities.cases,
    "Quotes": papers.quotes,
    "Sales_Orders": papers.sales_orders,
    "Invoices": papers.invoices,
    "Purchase_Orders": papers.purchase_orders,
    "Tasks": activities.tasks,
    "Events": activities.events,
    "Calls": activities.calls,
    "Notes": activities.notes,
}


def sample_records(now: datetime, users: int) -> Iterator[SampleBatch]:
    """All sample records, with dates around `now` (an aware datetime), for `users` users (one or more).

    A record comes after the records that it refers to, and is younger.
    """
    composer = Composer(now, users)
    for module, write in _WRITERS.items():
        write(composer)
        composer.records[module].sort(key=lambda record: -record.age_days)
        yield SampleBatch(module, composer.records[module])
