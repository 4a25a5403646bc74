"""The names of columns, such as `Account_Name.Industry`, become columns of a module or of what its lookups lead to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.query.compare import Context
from moorage.crm.query.coql.faults import invalid_column, limit_exceeded, unsupported_column
from moorage.crm.query.selection import Column
from moorage.crm.query.tree import Step

LONGEST_WAY = 2  # Lookups between modules in one name. One more to a user can follow.
# What a name can say of a user. Zoho gives no list of these; the role and the profile are on its page.
_OF_USERS = frozenset(
    {
        "first_name", "last_name", "email", "status", "country", "locale", "time_zone",
        "role.id", "role.name", "profile.id", "profile.name",
    }
)  # fmt: skip
_OF_MODULES = {"module.api_name": "api_name", "module.id": "id"}


class Limits(msgspec.Struct, frozen=True):
    """How much one query can ask for [Z coql-limits]."""

    rows: int = 2_000
    reach: int = 100_000  # The last record that limit and offset can lead to.
    values: int = 100  # Of one `in`.
    columns: int = 50
    conditions: int = 25
    orders: int = 10
    groups: int = 4
    aggregates: int = 5
    joins: int = 5
    shown_joins: int = 15


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom a query is checked. `permit` raises the Fault if the caller may not read a module.

    `named` says whether results show the names of what lookups point to. `admitted` has the modules asked for.
    """

    context: Context
    metadata: Metadata
    permit: Callable[[Module], None]
    limits: Limits
    named: bool = True
    admitted: list[Module] = field(default_factory=list, init=False)
    _texts: dict[str, tuple[tuple[int, str], ...]] = field(default_factory=dict, init=False)

    def admit(self, module: Module) -> None:
        """Raises the Fault if the caller may not read a module."""
        if module not in self.admitted:
            self.permit(module)
            self.admitted.append(module)

    def texts_of_users(self, name: str) -> tuple[tuple[int, str], ...]:
        """What a name says of each user, by id."""
        texts = self._texts.get(name)
        if texts is None:
            texts = self._texts[name] = tuple(_texts(self.metadata.all("user"), name))
        return texts

    @property
    def text_count(self) -> int:
        """How many texts of users the query was told."""
        return sum(map(len, self._texts.values()))


class Columns:
    """The columns of one query. It remembers which ways lead to columns that are shown, and which to others."""

    def __init__(self, module: Module, asker: Asker) -> None:
        self._module = module
        self._asker = asker
        self._shown: set[tuple[Step, ...]] = set()
        self._others: set[tuple[Step, ...]] = set()

    def shown(self, name: str) -> Column:
        """A column of the select list. Raises the Fault for a name that none has, and for rows."""
        column = self._column(name)
        self._shown.update(_ways(column))
        return column

    def ordered(self, name: str) -> Column:
        """A column of an order or a group."""
        column = self._column(name)
        self._others.update(_ways(column))
        return column

    def compared(self, name: str) -> Column:
        """A column of a condition. `Account_Name.id` is the lookup itself."""
        is_id = name.endswith(".id") and "->" not in name
        column = self._column(name.removesuffix(".id") if is_id else name)
        if is_id and (column.texts is not None or column.field.storage not in {"lookup", "user"}):
            column = self._column(name)
        if column.field.storage == "personal":
            raise unsupported_column(name)
        self._others.update(_ways(column))
        return column

    def require_few_joins(self) -> None:
        """Raise the Fault LIMIT_EXCEEDED for too many lookups."""
        limits = self._asker.limits
        if len(self._others) > limits.joins:
            raise limit_exceeded("join", limits.joins)
        if len(self._shown) > limits.shown_joins:
            raise limit_exceeded("select join", limits.shown_joins)

    def _column(self, name: str) -> Column:
        *lookups, last = (name,) if "." not in name else name.split(".")
        module = self._module
        way: tuple[Step, ...] = ()  # `tuple[Step, ...]()` takes longer than all the rest here.
        for place, part in enumerate(lookups):
            spelled, arrow, into = part.partition("->")
            field, rest = module.fields.get(spelled), name.split(".", place + 1)[-1]
            if field is None or field.storage not in {"lookup", "user"}:
                raise invalid_column(name)
            if field.storage == "user" or (field.lookup_modules and not arrow) or rest == "id":
                return self._of_pointer(name, field, way, rest)
            module = self._behind(name, field, into)
            way += (Step(field, module),)
            if len(way) > LONGEST_WAY:
                raise limit_exceeded("join", LONGEST_WAY, column_name=name)
        field = module.fields.get(last)
        if field is None:
            raise invalid_column(name)
        if field.storage == "rows" or (field.storage == "personal" and way):
            raise unsupported_column(name)
        return Column(field, way)

    def _behind(self, name: str, lookup: Field, into: str) -> Module:
        """The module of the records that a lookup points to; `into` is empty or the one that the name names."""
        modules = {module.api_name: module for module in self._asker.context.catalog.targets_of(lookup)}
        module = modules.get(into) if into else next(iter(modules.values()), None)
        if module is None:
            raise invalid_column(name)
        self._asker.admit(module)
        return module

    def _of_pointer(self, name: str, field: Field, way: tuple[Step, ...], rest: str) -> Column:
        """What a name says of a user, or of a record without its fields: the id, and the module."""
        if rest == "id":
            return Column(id_of(field), way)
        if field.storage == "user" and rest in _OF_USERS:
            return Column(field, way, self._asker.texts_of_users(rest))
        if field.lookup_modules and rest in _OF_MODULES:
            modules = self._asker.context.catalog.targets_of(field)
            texts = ((m.number, str(getattr(m, _OF_MODULES[rest]))) for m in modules)
            return Column(module_of(field), way, tuple(texts))
        raise invalid_column(name)


def _ways(column: Column) -> Iterator[tuple[Step, ...]]:
    """The way to a column, and those to what it passes."""
    return (column.way[: length + 1] for length in range(len(column.way)))


def _texts(users: list[Document], name: str) -> Iterator[tuple[int, str]]:
    for user in users:
        value: Any = user.body
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str):
            yield user.id, value


@lru_cache(maxsize=1000)
def id_of(pointer: Field) -> Field:
    """A pointer as the number that it is."""
    return replace(pointer, storage="bigint", lookup=None, lookup_modules=())


@lru_cache(maxsize=1000)
def module_of(pointer: Field) -> Field:
    """The number of the module that a lookup into several points to."""
    return replace(
        pointer, storage="integer", lookup=None, lookup_modules=(), column=pointer.module_column, unique=False
    )
