"""The documents of related lists, which show the records of other modules that point to a record."""

from moorage.crm.metadata.definitions import RelatedListDefinition
from moorage.crm.metadata.documents import Body


def links_list_document(
    definition: RelatedListDefinition, id_: str, module: str, connected: str, links: Body
) -> Body:
    """The list of the records of `connected` that have links to a record. `links` refers to the module of the links."""
    body = related_list_document(definition, id_, module, links)
    return body | {
        "type": "multiselectlookup",
        "connectedmodule": connected,
        "linkingmodule": links["api_name"],
    }


def related_list_document(
    definition: RelatedListDefinition, id_: str, module: str, target: Body | None
) -> Body:
    """The body of the document. `module` is the API name of the list's module, `target` refers to the other module."""
    return {
        "id": id_,
        "api_name": definition.api_name,
        "name": definition.label,
        "display_label": definition.label,
        "sequence_number": str(definition.sequence_number),
        "module": target,
        "href": f"{module}/{{ENTITYID}}/{definition.api_name}",
    }
