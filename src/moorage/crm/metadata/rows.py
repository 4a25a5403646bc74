"""Fields whose values are rows: records of a module of their own, which point to the record they belong to."""

import msgspec

from moorage.crm.metadata.documents import Body

# The types of fields whose rows are links: each leads to another record, or to a user.
LINK_TYPES = frozenset({"multiselectlookup", "multiuserlookup"})


class Rows(msgspec.Struct, frozen=True):
    """Where the values of a field are: in the records of `module`, which point to theirs by the lookup `parent`.

    `connected` is the lookup by which a link leads to the other record, or to a user. All are API names.
    """

    module: str
    parent: str
    connected: str | None = None


def links_in(field: Body) -> Body | None:
    """What a field's document says of its links. The members of a service have no rows: they are JSON, as they came."""
    return field.get(field["data_type"]) or None if field["data_type"] in LINK_TYPES else None


def rows_in(field: Body) -> Rows | None:
    """What a field's document says of its rows; None for a field without."""
    if field["data_type"] == "subform":
        return Rows(field["associated_module"]["module"], "Parent_Id")
    links = links_in(field)
    if links is None:
        return None
    return Rows(
        links["linking_module"]["api_name"], links["lookup_apiname"], links["connectedlookup_apiname"]
    )


def relation_in(module: Body) -> tuple[str, str] | None:
    """The API names of both lookups of a standard relation's links; None for the document of any other module."""
    relation = module.get("relation")
    if relation is None:
        return None
    own, connected = relation.split()
    return own, connected
