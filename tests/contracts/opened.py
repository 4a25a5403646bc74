"""What the suites of the record store share: an open organisation, asked through the contract alone."""

import asyncio
import contextlib
import json
from dataclasses import dataclass

import pytest

from moorage.crm.metadata.shown import shape
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.lines import Column
from moorage.crm.storage.contract.records import Deleted, Order, StoreClosed, Window


async def awaited(result):
    return await result if hasattr(result, "__await__") else result


class Single:
    """A transaction that can be asked about one record, too; all else is the transaction's own."""

    def __init__(self, transaction) -> None:
        self.transaction = transaction

    def __getattr__(self, name):
        return getattr(self.transaction, name)

    def next_number(self, field):
        return self.transaction.next_numbers(field, 1)[0]

    def row(self, module, record):
        return self.transaction.rows(module, [record]).get(record)

    def matching(self, module, field, value):
        return self.transaction.matching(module, field, [value])[value]

    def children(self, module, parent_column, parent):
        return self.transaction.children(module, parent_column, [parent]).get(parent, [])

    def update(self, module, record, changes):
        self.transaction.update(module, {record: changes})

    def recycle(self, module, record, by):
        return self.transaction.recycle(module, [record], by) == {record}


@dataclass
class Opened:
    """Calls one store, and waits where it has to."""

    organisation: object

    @property
    def store(self):
        return self.organisation.store

    def is_closed(self):
        """Whether the store is closed, or another one has changed the metadata."""
        if not self.store.closed and self.store.confirm is not None:
            with contextlib.suppress(StoreClosed):
                self._run(self.store.confirm)
        return self.store.closed

    @property
    def user(self):
        return self.organisation.metadata.all("user")[0]

    def module(self, name):
        return self.organisation.catalog.modules[name]

    def write(self, job, **how):
        return self._run(lambda: self.store.write(lambda transaction: job(Single(transaction)), **how))

    def change(self, job):
        return self._run(lambda: self.store.change_metadata(job))

    def page(self, module, filters=(), window=None, *, by="id", descending=True, names=("Last_Name",)):
        module = self.module(module)
        shown, order = shape(module, names), Order(module.fields[by], descending)
        return self._run(lambda: self.store.page(module, shown, filters, order, window or Window(200)))

    def ids(self, module, filters=(), window=None, **order):
        return [int(record["id"]) for record in json.loads(self.page(module, filters, window, **order).data)]

    def record(self, module, record, *names):
        """One record as it is shown, whole."""
        module = self.module(module)
        shown = shape(module, names or None, whole=True)
        document = self._run(lambda: self.store.record(module, shown, record))
        return None if document is None else json.loads(document)

    def count(self, module, filters=()):
        return self._run(lambda: self.store.count(self.module(module), filters))

    def lines(self, module, *columns, filters=(), after=0, limit=200):
        """Lines of columns, each of which may be the name of a field."""
        module = self.module(module)
        columns = [Column(module.fields[each]) if isinstance(each, str) else each for each in columns]
        return self._run(lambda: self.store.lines(module, columns, filters, after, limit))

    def deleted(self, module, window=None, *, kind=None, since=None):
        page = self._run(
            lambda: self.store.deleted(self.module(module), Deleted(kind, since), window or Window(200))
        )
        return json.loads(page.data), page.more

    def companions(self, kind, window=None, **which):
        """The companions of a kind, as pairs of owner and body, and whether others follow."""
        asked = CompanionsOf(kind, **which)
        page = self._run(lambda: self.store.companions(asked, window or Window(200)))
        return [(companion.owner, companion.body) for companion in page.companions], page.more

    def companion(self, kind, companion):
        return self._run(lambda: self.store.companion(kind, companion))

    def put_companions(self, *companions):
        """Companions as (kind, owner, name, body); gives their ids."""

        def job(transaction):
            ids = list(transaction.new_ids(len(companions)))
            transaction.companions.put([Companion(i, *c) for i, c in zip(ids, companions, strict=True)])
            return ids

        return self.write(job)

    def row(self, module, record, **values):
        """A row whose values are given by the fields' names; a pair is an id and the module it is of."""
        fields = self.module(module).fields
        row = {"id": record}
        for name, value in values.items():
            field = fields[name]
            if field.lookup_modules:
                row[field.column], target = value
                row[field.module_column] = self.module(target).number
            else:
                row[field.column] = value
        return row

    def add(self, module, *records):
        """Insert records given by their fields' names; gives their ids."""

        def job(transaction):
            ids = list(transaction.new_ids(len(records)))
            rows = [self.row(module, i, **values) for i, values in zip(ids, records, strict=True)]
            transaction.insert(self.module(module), rows)
            return ids

        return self.write(job)

    @staticmethod
    def _run(call):
        async def run():
            return await awaited(call())

        return asyncio.run(run())


class Suite:
    """Subclasses give the fixtures `organisation`, open and empty with `Leads.Email` unique, and `organisation_again`:
    the same one opened a second time, as another process has it. Its clock stands still at `NOW`.
    """

    @pytest.fixture
    def here(self, organisation):
        return Opened(organisation)

    @pytest.fixture
    def there(self, organisation_again):
        return Opened(organisation_again)
