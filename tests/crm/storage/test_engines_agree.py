"""Two storages with the same records give the same answers: the storage on SQLite, and the storage in memory."""

import asyncio
import json
from datetime import UTC, datetime
from itertools import product

import pytest

from moorage.clock import FrozenClock
from moorage.crm.faults import Fault
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.times import zoned
from moorage.crm.organisations.sample.populate import populate
from moorage.crm.query.check import check
from moorage.crm.query.compare import Context, NotComparable, compare
from moorage.crm.query.search_criteria import Condition
from moorage.crm.query.tree import AllOf, AnyOf, Not
from moorage.crm.query.word_search import email_search, phone_search, word_search
from moorage.crm.storage.contract.records import Ids, Order, Window
from moorage.crm.storage.sqlite.organisation_files import SqliteFiles
from tests.contracts.memory import MemoryOrganisations
from tests.contracts.opened import awaited
from tests.contracts.organisation_storage import AT_ONE, ONE, documents

NOW = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)
MODULES = ("Leads", "Contacts", "Deals", "Tasks", "Quotes")
OPERATORS = (
    "equals",
    "not_equal",
    "in",
    "starts_with",
    "between",
    "greater_than",
    "greater_equal",
    "less_than",
    "less_equal",
)
COMPARATORS = ("equal", "contains", "starts_with", "ends_with", "greater_than", "less_equal", "between")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same organisation with the sample records, in each storage."""
    clock, blueprint_documents = FrozenClock(NOW), documents(ONE)
    storages = (SqliteFiles(tmp_path_factory.mktemp("orgs"), clock), MemoryOrganisations(clock))
    for storage in storages:
        storage.make(
            AT_ONE, blueprint_documents, lambda organisation, begin: populate(organisation, begin, NOW)
        )
    organisations = [storage.open(AT_ONE) for storage in storages]
    yield organisations
    for organisation, storage in zip(organisations, storages, strict=True):
        organisation.store.close()
        storage.close()


async def page(
    organisation, module, filters=(), window=None, order=("id", True), names=("id",), *, whole=False
):
    module = organisation.catalog.modules[module]
    by = Order(module.fields[order[0]], order[1])
    shown = shape(module, names, whole=whole)
    page_found = await awaited(organisation.store.page(module, shown, filters, by, window or Window(1000)))
    data = json.loads(page_found.data)
    positions = [(p and (p.key, p.id)) for p in (page_found.first, page_found.last)]
    return data, page_found.count, positions, page_found.more


def test_all_records_are_shown_alike(both):
    async def everything(organisation):
        names = organisation.catalog.modules
        return {name: await page(organisation, name, names=None, whole=True) for name in names}

    sqlite, memory = (asyncio.run(everything(organisation)) for organisation in both)
    assert sum(bool(shown[1]) for shown in sqlite.values()) > 15
    for name, shown in sqlite.items():
        assert shown == memory[name]


@pytest.mark.parametrize("module", MODULES)
def test_every_order_is_the_same(both, module):
    fields = both[0].catalog.modules[module].fields.values()
    orders = [field.api_name for field in fields if field.sortable or field.api_name == "id"]

    async def pages(organisation):
        windows = (None, Window(3, offset=2))
        return [
            await page(organisation, module, window=window, order=(name, descending))
            for name, descending, window in product(orders, (True, False), windows)
        ]

    sqlite, memory = (asyncio.run(pages(organisation)) for organisation in both)
    assert sqlite == memory


@pytest.mark.parametrize("module", MODULES)
def test_every_condition_is_met_by_the_same_records(both, module):
    conditions = list(conditions_of(both[1], module))
    conditions += [AllOf((a, Not(b))) for a, b in zip(conditions, conditions[5:], strict=False)][::7]
    conditions += [AnyOf((a, b)) for a, b in zip(conditions, conditions[11:], strict=False)][::7]

    async def ids(organisation):
        ids_by_condition = [await page(organisation, module, [condition]) for condition in conditions]
        return [[int(record["id"]) for record in data] for data, *_ in ids_by_condition]

    sqlite, memory = (asyncio.run(ids(organisation)) for organisation in both)
    assert sum(map(bool, sqlite)) > 100
    for condition, ids_found, expected in zip(conditions, sqlite, memory, strict=True):
        assert ids_found == expected, condition


@pytest.mark.parametrize("module", MODULES)
def test_a_filter_by_ids_keeps_to_the_order(both, module):
    async def ids(organisation):
        everything, *_ = await page(organisation, module)
        some = tuple(int(record["id"]) for record in everything[::2])
        return await page(organisation, module, [Ids((*some, 1))], Window(4, offset=1))

    sqlite, memory = (asyncio.run(ids(organisation)) for organisation in both)
    assert sqlite == memory
    assert sqlite[1] == 4


def conditions_of(organisation, name):
    """Comparisons of each field with values that some record has, and with parts of them."""
    module = organisation.catalog.modules[name]
    context = Context(organisation.zone, NOW, organisation.metadata.all("user")[0].id, organisation.catalog)
    rows = list(organisation.store._state.contents.table(module).values())
    for field in module.fields.values():
        values = [row[field.column] for row in rows[::9] if row.get(field.column) is not None][:2]
        texts = {text for value in values for text in texts_of(organisation, field, value)} | {"${EMPTY}"}
        for text, operator in product(sorted(texts), OPERATORS):
            values_of = (text, text) if operator in {"in", "between"} else (text,)
            yield from understood(check, Condition(field.api_name, operator, values_of), module, context)
        if field.searchable:
            for text, comparator in product(sorted(texts), COMPARATORS):
                values_of = [text, text] if comparator == "between" else [text]
                yield from understood(compare, field, comparator, values_of, context)
    for search, text in (
        (word_search, "ma"),
        (word_search, "sample co"),
        (email_search, "example"),
        (phone_search, "5"),
    ):
        yield from understood(search, module, text)


def texts_of(organisation, field, value):
    match field.storage:
        case "text":
            return value, value.split()[0].upper(), value[:3], value[-3:]
        case "datetime":
            return zoned(organisation.zone, value), zoned(organisation.zone, value)[:10]
        case "boolean":
            return ("true" if value else "false",)
        case "list" | "tags":
            items = [item["name"] if field.storage == "tags" else item for item in json.loads(value)]
            return [*items, *(item[:2] for item in items)]
        case "user":
            return str(value), organisation.metadata.find("user", value).body["full_name"].lower()
        case "lookup":
            return str(value), "Harbour"
        case "json":
            return ()
    return (str(value),)


def understood(read, *asked):
    try:
        yield read(*asked)
    except (Fault, NotComparable, KeyError):
        return
