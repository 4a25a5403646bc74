"""The documents of the standard modules, which are made once for all new organisations.

What is in them differs only in the first digits of ids, and in the time of creation. So those of an organisation are
the JSON of the first ones, with other digits and another time in the same places.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import count
from typing import NamedTuple

from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.metadata.standard.blueprint_draft import BlueprintDraft
from moorage.crm.metadata.standard.modules import add_modules

_PREFIX = 9_999_999  # No organisation has this one (`organisations/new.py`).
_CREATED = "0001-01-01T00:00:00+00:00"
_SEPARATOR = "\n"  # JSON text on one line has none.


class _Template(NamedTuple):
    documents: tuple[Document, ...]
    bodies: str


def module_documents(
    unique: tuple[str, ...], first_number: int, prefix: int, created: str
) -> Iterator[Document]:
    """The documents of all modules. Raises ValueError as `add_modules`.

    `first_number` is the first of their ids.
    """
    template = _template(unique, first_number)
    bodies = template.bodies.replace(f'"{_PREFIX}', f'"{prefix}').replace(_CREATED, created)
    shift = (prefix - _PREFIX) * ID_SPACE
    for document, body in zip(template.documents, bodies.split(_SEPARATOR), strict=True):
        module = document.module and document.module + shift
        yield Document(document.id + shift, document.kind, module, document.name, body)


@lru_cache(maxsize=2)
def _template(unique: tuple[str, ...], first_number: int) -> _Template:
    draft = BlueprintDraft(_PREFIX, count(first_number).__next__, _CREATED)
    add_modules(draft, unique)
    documents = tuple(draft.documents)
    without_bodies = tuple(Document(each.id, each.kind, each.module, each.name, "") for each in documents)
    return _Template(without_bodies, _SEPARATOR.join(document.json for document in documents))
