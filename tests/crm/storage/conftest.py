"""A database with the layout of the store, and searches on it."""

from datetime import UTC, datetime
from itertools import chain, count
from zoneinfo import ZoneInfo

import apsw
import pytest

from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Metadata
from moorage.crm.metadata.standard import DEMO, blueprint
from moorage.crm.query.check import check
from moorage.crm.query.compare import Context
from moorage.crm.query.search_criteria import parse
from moorage.crm.query.view_criteria import view_conditions
from moorage.crm.storage.compile import compile_tree
from moorage.crm.storage.sqlite.dialect import SqliteDialect
from moorage.crm.storage.sqlite.fulltext import add_functions, text_ranges
from moorage.crm.storage.sqlite.schema import FIXED, module_statements
from moorage.crm.storage.sqlite.text_layout import TextLayout
from moorage.crm.storage.sqlite.transaction import SqliteTransaction
from tests.contracts.opened import Opened
from tests.crm.folder import organisations_in
from tests.crm.storage.postgresql.citus_rules import sent  # noqa: F401 (a fixture)

NOW = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)
ZONE = ZoneInfo("America/Los_Angeles")
PREFIX = 1234567


class Database:
    first_id = PREFIX * 10**12

    def __init__(self) -> None:
        numbers = count(1)
        metadata = Metadata(blueprint(DEMO, PREFIX, NOW, lambda: next(numbers)))
        self.catalog = Catalog(metadata)
        self.connection = apsw.Connection(":memory:")
        add_functions(self.connection)
        self.layout = TextLayout(self.catalog, {})
        tables = [module_statements(module) for module in self.catalog.modules.values()]
        for statement in chain(FIXED, *tables):
            self.connection.execute(statement)
        self.users = metadata.all("user")
        for user in self.users:
            row = (user.id, user.body["full_name"], user.body["email"], "{}")
            self.connection.execute("INSERT INTO users VALUES (?, ?, ?, ?)", row)
        self.transaction = SqliteTransaction(self.connection, self.catalog, PREFIX, int(NOW.timestamp()))

    def module(self, name):
        return self.catalog.modules[name]

    def texts(self, module):
        return [f"{module.text_table}{text_range.suffix}" for text_range in self.ranges(module)]

    def ranges(self, module):
        return text_ranges(self.connection, module)

    def insert(self, name, *records) -> list[int]:
        module = self.module(name)
        sql = f"SELECT coalesce(max(id), ?) FROM {module.table}"
        last = self.connection.execute(sql, (self.first_id,)).get
        ids = list(range(last + 1, last + 1 + len(records)))
        rows = [
            {"id": record_id} | {self.column(name, key): value for key, value in record.items()}
            for record_id, record in zip(ids, records, strict=True)
        ]
        self.transaction.insert(module, rows)
        self.transaction.finish()
        return ids

    def clear(self, name):
        module = self.module(name)
        self.connection.execute(f"DELETE FROM {module.table}")
        for table in self.texts(module):
            self.connection.execute(f"DELETE FROM {table}")

    def column(self, name, key):
        fields = self.module(name).fields
        return fields[key].column if key in fields else fields[key.removesuffix(".module")].module_column

    def select(self, name, clause):
        sql = f"SELECT r.id FROM {self.module(name).table} r WHERE {clause.sql} ORDER BY r.id"
        return [row[0] for row in self.connection.execute(sql, clause.params)]

    def plan(self, name, clause):
        sql = f"SELECT r.id FROM {self.module(name).table} r WHERE {clause.sql} ORDER BY r.id DESC LIMIT 201"
        return " ".join(row[3] for row in self.connection.execute(f"EXPLAIN QUERY PLAN {sql}", clause.params))

    def clause(self, name, criteria):
        tree = parse(criteria) if isinstance(criteria, str) else criteria
        module = self.module(name)
        context = Context(ZONE, NOW, self.users[0].id, self.catalog)
        read = view_conditions if isinstance(tree, dict) else check
        return self.compiled(name, read(tree, module, context))

    def compiled(self, name, checked):
        return compile_tree(checked, self.module(name), self.catalog, SqliteDialect(self.layout, self.ranges))

    def search(self, name, criteria):
        return self.select(name, self.clause(name, criteria))


@pytest.fixture
def database():
    return Database()


@pytest.fixture(scope="module")
def shared():
    return Database()


@pytest.fixture
def heard():
    """Every statement of the connections that a test opens."""
    statements = []

    def hook(connection):
        connection.exec_trace = lambda _, sql, __: statements.append(sql) or True

    apsw.connection_hooks.append(hook)
    yield statements
    apsw.connection_hooks.remove(hook)


@pytest.fixture
def here(tmp_path, clock, heard):
    organisations = organisations_in(tmp_path, clock)
    row = organisations.create("acme", DEMO, sample=False)
    yield Opened(organisations.open(row.id))
    organisations.close()
