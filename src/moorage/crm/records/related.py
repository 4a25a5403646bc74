"""Related lists: the records of other modules that belong to a record [Z get-related-records]."""

from dataclasses import dataclass

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.tree import AnyOf, Checked, Equal


@dataclass(frozen=True, slots=True)
class RelatedList:
    """A list in the records of the module `parents`: it shows the records of `module` whose `lookups` point there."""

    name: str
    parents: Module
    module: Module
    lookups: tuple[Field, ...]

    def condition(self, parent: int) -> Checked:
        """Which records of the module are in the list of a record. Ids tell of themselves which module they are of."""
        parts = tuple(Equal(lookup, parent) for lookup in self.lookups)
        return parts[0] if len(parts) == 1 else AnyOf(parts)
