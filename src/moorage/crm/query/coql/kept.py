"""Selections of queries that were checked before: programs ask the same again and again.

One is kept if nothing but the text, the metadata and the limits decide it: no value of a subquery, no time, and not who
asks. Whether the caller may read the modules is asked each time.
"""

from typing import NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from moorage.bounded import Bounded
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.documents import Metadata
from moorage.crm.query.coql.check import subqueries
from moorage.crm.query.coql.columns import Asker, Limits
from moorage.crm.query.coql.syntax import Query
from moorage.crm.query.selection import Selection

_MOST = 100  # Of each organisation.
_LONGEST = 2_000  # Characters.
_MOST_TEXTS = (
    200  # Of users: each of them may stand in each column of the SQL, so that more would fill the memory.
)


_Key: TypeAlias = tuple[str, bool, Limits]


class _Kept(NamedTuple):
    selection: Selection
    admitted: list[Module]


# Metadata never changes once it is read.
_kept: WeakKeyDictionary[Metadata, Bounded[_Key, _Kept]] = WeakKeyDictionary()


def found(text: str, asker: Asker) -> Selection | None:
    """The selection of a query; None if none is kept. Raises the Fault if the caller may not read a module."""
    kept = _of_organisation(asker).get(_key(text, asker))
    if kept is None:
        return None
    for module in kept.admitted:
        asker.admit(module)
    return kept.selection


def keep(text: str, query: Query, asker: Asker, selection: Selection) -> None:
    """Keep what a query selects, if it is always that, and not large."""
    if len(text) > _LONGEST or asker.text_count > _MOST_TEXTS:
        return
    if asker.context.was_asked or any(True for _ in subqueries(query)):
        return
    _of_organisation(asker)[_key(text, asker)] = _Kept(selection, asker.admitted)


def _of_organisation(asker: Asker) -> Bounded[_Key, _Kept]:
    kept = _kept.get(asker.metadata)
    if kept is None:
        kept = _kept[asker.metadata] = Bounded(_MOST)
    return kept


def _key(text: str, asker: Asker) -> _Key:
    return text, asker.named, asker.limits
