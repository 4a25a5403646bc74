"""Related lists that come with a field: they show, in another module, the records that point there."""

from collections.abc import Sequence

from moorage.crm.metadata.custom.naming import api_name_of
from moorage.crm.metadata.definitions import RelatedListDefinition
from moorage.crm.metadata.documents import Document


def new_list(label: str, module: str, lists: Sequence[Document]) -> RelatedListDefinition:
    """A list of the records of `module` (an API name). `lists` are those of the module that it is added to."""
    name = api_name_of(label, [other.name for other in lists])
    return RelatedListDefinition(name, module, label, len(lists) + 1)
