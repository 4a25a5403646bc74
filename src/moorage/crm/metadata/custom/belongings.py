"""The documents that exist because of a field, and that leave with it."""

from collections.abc import Iterator

from moorage.crm.metadata.documents import Document, Kind, Metadata
from moorage.crm.metadata.rows import links_in

_OF_A_MODULE: tuple[Kind, ...] = ("field", "layout", "related_list", "custom_view", "map_dependency")


def belongings(metadata: Metadata, field: Document) -> Iterator[int]:
    """The ids of related lists in other modules, and of the module of the field's rows with all that it has."""
    lookup = field.body.get("lookup")
    if lookup:
        lists = metadata.all("related_list", int(lookup["module"]["id"]))
        yield from (related.id for related in lists if related.name == lookup["api_name"])
    if field.body["data_type"] == "subform":
        yield from _module(metadata, int(field.body["associated_module"]["id"]))
    if (links := links_in(field.body)) is not None:
        yield from _module(metadata, int(links["linking_module"]["id"]))


def _module(metadata: Metadata, module: int) -> Iterator[int]:
    yield module
    for field in metadata.all("field", module):
        yield from belongings(metadata, field)
    for kind in _OF_A_MODULE:
        yield from (document.id for document in metadata.all(kind, module))
