"""A checked query: which columns of which records, in which order. A store applies no rules to it.

Columns and conditions can lie behind lookups, so a selection can reach records of several modules.
"""

from typing import Literal, TypeAlias

from msgspec import Struct

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.tree import Checked, Step

Function: TypeAlias = Literal["count", "sum", "min", "max", "average"]


class Column(Struct, frozen=True):
    """A field of the record behind the steps of `way`. It has no value if a record on the way is missing.

    With `texts` it is the text that stands there for the field's value, and no value if none does.
    """

    field: Field
    way: tuple[Step, ...] = ()
    texts: tuple[tuple[int, str], ...] | None = None

    @property
    def is_text(self) -> bool:
        return self.texts is not None or self.field.storage == "text"


class Aggregated(Struct, frozen=True):
    """One value of each group, as in `Aggregate`: a count of the values of a column; a sum or an average of numbers,
    the latter rounded to nine decimals; the smallest or the largest of values that have an order and are no text.
    """

    function: Function
    column: Column


Value: TypeAlias = Column | Aggregated


class Shown(Struct, frozen=True):
    """A value under the key that results show it by."""

    key: str
    value: Value


class Sort(Struct, frozen=True):
    """As in `Order`, by a column or an aggregate."""

    value: Value
    descending: bool = False


class Selection(Struct, frozen=True, eq=False, weakref=True):
    """Records, or groups of them if `groups` is not None: then every value is one of `groups` or an aggregate.

    Without columns in `groups` there is one group of all records, also of none. Text of one group may differ in (ASCII)
    case: the group shows the first by code points. What is equal by `orders` comes by id, and groups by `groups`.

    A lookup shows `name` and `id` of a record or user, or only the id if not `named`. A lookup into several modules
    shows no name, but its `module` if it is a `multi_module_lookup`.

    It is equal to itself alone, so that a store can remember quickly what it knows of it.
    """

    module: Module
    shown: tuple[Shown, ...]
    conditions: Checked | None = None
    groups: tuple[Column, ...] | None = None
    orders: tuple[Sort, ...] = ()
    limit: int = 200
    offset: int = 0
    named: bool = True
