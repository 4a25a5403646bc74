"""Storages with the same records give the same answers: on SQLite, on PostgreSQL, and in memory."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from moorage.clock import FrozenClock
from moorage.crm.faults import Fault
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.times import zoned
from moorage.crm.organisations.sample.populate import populate
from moorage.crm.query.check import check
from moorage.crm.query.compare import Context, NotComparable, compare
from moorage.crm.query.coql.check import selection
from moorage.crm.query.coql.columns import Asker, Limits
from moorage.crm.query.coql.parser import parse
from moorage.crm.query.search_criteria import Condition
from moorage.crm.query.tree import AllOf, AnyOf, Not
from moorage.crm.query.word_search import email_search, phone_search, word_search
from moorage.crm.storage.contract.records import Ids, Order, Position, Window
from moorage.crm.storage.postgresql.schemas import PostgresqlSchemas
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.sqlite.organisation_files import SqliteFiles
from tests.contracts.memory import MemoryOrganisations
from tests.contracts.opened import awaited
from tests.contracts.organisation_storage import AT_ONE, ONE, documents
from tests.crm.storage.drawn_queries import queries
from tests.postgresql import databases

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
def storages(tmp_path_factory, postgresql, postgresql_owner):
    """The storage on SQLite first, and the one in memory last."""
    clock = FrozenClock(NOW)
    with databases(postgresql, postgresql_owner) as make:
        server = PostgresqlServer(make())
        yield (
            SqliteFiles(tmp_path_factory.mktemp("orgs"), clock),
            PostgresqlSchemas(lambda _: server, clock),
            MemoryOrganisations(clock),
        )
        server.close()


@pytest.fixture(scope="module")
def every(storages):
    """The same organisation with the sample records, and with values at all limits, in each storage."""
    blueprint_documents = documents(ONE)

    def fill(organisation, begin):
        populate(organisation, begin, NOW)
        add_extremes(organisation, begin(int(NOW.timestamp())))

    for storage in storages:
        storage.make(AT_ONE, blueprint_documents, fill)
    organisations = [storage.open(AT_ONE) for storage in storages]
    yield organisations
    for organisation, storage in zip(organisations, storages, strict=True):
        organisation.store.close()
        storage.close()


@dataclass(frozen=True)
class Shown:
    """A page as it is compared; `data` is the JSON text."""

    data: bytes
    count: int
    positions: list
    more: bool

    @property
    def ids(self):
        return [int(record["id"]) for record in json.loads(self.data)]

    @property
    def meaning(self):
        """The page without the bytes: the storage in memory writes numbers in its own way."""
        return json.loads(self.data), self.count, self.positions, self.more


async def page(
    organisation, module, filters=(), window=None, order=("id", True), names=("id",), *, whole=False
):
    module = organisation.catalog.modules[module]
    by = Order(module.fields[order[0]], order[1])
    shown = shape(module, names, whole=whole)
    found = await awaited(organisation.store.page(module, shown, filters, by, window or Window(1000)))
    positions = [(p and (p.key, p.id)) for p in (found.first, found.last)]
    return Shown(found.data, found.count, positions, found.more)


def answers(every, ask):
    """What each storage answers, in one loop for each."""
    return [asyncio.run(ask(organisation)) for organisation in every]


@pytest.mark.parametrize("whole", [True, False])
def test_all_records_are_shown_in_the_same_bytes(every, whole):
    async def everything(organisation):
        names = organisation.catalog.modules
        return {name: await page(organisation, name, names=None, whole=whole) for name in names}

    sqlite, postgresql, memory = answers(every, everything)
    assert sum(bool(shown.count) for shown in sqlite.values()) > 15
    for name, shown in sqlite.items():
        assert postgresql[name] == shown
        assert memory[name].meaning == shown.meaning


@pytest.mark.parametrize("module", MODULES)
def test_every_order_is_the_same(every, module):
    fields = every[0].catalog.modules[module].fields.values()
    orders = [field.api_name for field in fields if field.sortable or field.api_name == "id"]

    async def pages(organisation):
        windows = (None, Window(3, offset=2))
        return [
            (name, descending, await page(organisation, module, window=window, order=(name, descending)))
            for name, descending, window in product(orders, (True, False), windows)
        ]

    sqlite, postgresql, memory = answers(every, pages)
    for shown, by_postgresql, by_memory in zip(sqlite, postgresql, memory, strict=True):
        assert by_postgresql == shown
        assert by_memory[2].meaning == shown[2].meaning


@pytest.mark.parametrize("order", ["id", "Created_Time", "Modified_Time"])
def test_a_page_of_one_storage_goes_on_in_another(every, order):
    """The position that one storage gives is understood by all others, in both directions."""

    async def after(organisation, start, *, backwards):
        window = Window(4, start=Position(*start), backwards=backwards)
        return await page(organisation, "Leads", window=window, order=(order, True))

    for organisation in every:
        shown = asyncio.run(page(organisation, "Leads", window=Window(7), order=(order, True)))
        for start, backwards in ((shown.positions[1], False), (shown.positions[1], True)):
            pages = [asyncio.run(after(other, start, backwards=backwards)) for other in every]
            assert pages[0].count == 4
            assert all(other.meaning == pages[0].meaning for other in pages)


@pytest.mark.parametrize("module", MODULES)
def test_every_condition_is_met_by_the_same_records(every, module):
    conditions = list(conditions_of(every[-1], module))
    conditions += [AllOf((a, Not(b))) for a, b in zip(conditions, conditions[5:], strict=False)][::7]
    conditions += [AnyOf((a, b)) for a, b in zip(conditions, conditions[11:], strict=False)][::7]

    async def ids(organisation):
        return [(await page(organisation, module, [condition])).ids for condition in conditions]

    sqlite, postgresql, memory = answers(every, ids)
    assert sum(map(bool, sqlite)) > 100
    for condition, found, by_postgresql, by_memory in zip(
        conditions, sqlite, postgresql, memory, strict=True
    ):
        assert by_postgresql == found, condition
        assert by_memory == found, condition


# A failure names the query, so that nothing has to be made smaller.
@settings(max_examples=20, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(texts=st.lists(queries(), min_size=8, max_size=8, unique=True))
def test_every_query_gives_the_same_results(every, texts):
    async def results(organisation):
        return [await selected(organisation, text) for text in texts]

    sqlite, postgresql, memory = answers(every, results)
    for text, found, by_postgresql, by_memory in zip(texts, sqlite, postgresql, memory, strict=True):
        assert by_postgresql == found, text
        assert json.loads(by_memory[0]) == json.loads(found[0]), text
        assert by_memory[1:] == found[1:], text


async def selected(organisation, text):
    """What a query gives; nothing if a value does not fit its column."""
    user = organisation.metadata.all("user")[0].id
    context = Context(organisation.zone, NOW, user, organisation.catalog)
    asker = Asker(context, organisation.metadata, lambda module: None, Limits())
    tree = parse(text)
    try:
        asked = selection(tree, asker, {})
    except Fault:
        return b"null", 0, False
    found = await awaited(organisation.store.select(asked, []))
    return found.data, found.count, found.more


@pytest.mark.parametrize("module", MODULES)
def test_a_filter_by_ids_keeps_to_the_order(every, module):
    async def some_pages(organisation):
        everything = await page(organisation, module)
        some = tuple(everything.ids[::2])
        return await page(organisation, module, [Ids((*some, 1, 2**63 - 1))], Window(4, offset=1))

    sqlite, postgresql, memory = answers(every, some_pages)
    assert sqlite == postgresql
    assert sqlite.meaning == memory.meaning
    assert sqlite.count == 4


EXTREMES = {
    "text": [
        "a", "A", "b", "B", "á", "Á", "é", "z", "Z", "ß", "ẞ", "İ", "\u0131", "ñ", "Ñandú", "и\u0306", "й", "🚢",
        "\ue000", "\U0010ffff", "_", "%", "\\", "100%_x\\", "it's", '"q"', "tab\tnew\nline", "\x7f", "\u2028", "\u200b",
        " lead", "0", "9", "10", "-1", "+1 (555) 010-99", "a@b.co", "Sample-Co. LTD", "sample co", "a.b:c!d&e|f<->g",
    ],
    "integer": [0, 1, -1, 2**31, -(2**31) - 1, 999_999_999],
    "bigint": [0, 10**18 - 1, -(10**18) + 1, 2**53 + 1],
    "real": [
        0.0, 0.1, -0.1, 2.5, 1 / 3, 0.005, 1e-9, 9.54e-07, 123_456_789_012_345.67, 999_999_999_999_999.9, 1e15, 1e16,
    ],
    "date": ["0001-01-01", "9999-12-31", "2026-02-06"],
    "datetime": [-62_135_596_800, 253_402_300_799, 0, -1, 1_772_963_999, 1_772_964_000, 1_793_523_600, 63_593_070],
    "boolean": [0, 1],
    "list": ['["a"]', '["A","B c"]', '["é","100%"]', "[]"],
    "tags": ['[{"name":"Hot","id":"1","color_code":null}]', '[{"name":"hot_","id":"2","color_code":"#f00"}]'],
    "json": ['[{"a":1.50,"b":"\\u00e9"}]', "{}"],
}  # fmt: skip


def add_extremes(organisation, transaction):
    """Records with values at the limits of their types, and without any."""
    catalog = organisation.catalog
    people = [user.id for user in organisation.metadata.all("user")]
    accounts = catalog.modules["Accounts"]
    account = transaction.new_ids(1)[0]
    transaction.insert(accounts, [{"id": account, accounts.name_field.column: "Ärger & Söhne"}])
    for name in MODULES:
        module = catalog.modules[name]
        ids = transaction.new_ids(len(EXTREMES["text"]) + 1)
        rows = [{"id": record} for record in ids]
        for shift, field in enumerate(module.fields.values()):
            values = EXTREMES.get(field.storage, [])
            if field.storage == "user":
                values = [*people, 42]
            elif field.storage == "lookup":
                values = [account, ids[0], 42]
            for place, row in enumerate(rows[:-1] if values else ()):
                number = place + shift
                if number % (len(values) + 1) < len(values):
                    row[field.column] = values[number % (len(values) + 1)]
                    if field.lookup_modules:
                        row[field.module_column] = [accounts.number, module.number, 42][place % 3]
        transaction.insert(module, rows)


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
            return tuple(
                text
                for text in (value, value.upper(), value.lower(), value[:3], value[-3:], *value.split()[:1])
                if text.strip()
            )
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
