"""The documents of related lists, which show the records of other modules that point to a record."""

from moorage.crm.metadata.definitions import RelatedListDefinition
from moorage.crm.metadata.documents import Body


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
