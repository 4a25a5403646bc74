"""Changes to the documents of an organisation."""

from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Metadata
from moorage.crm.storage.contract.metadata import ValuesRepeat
from tests.contracts.memory.conditions import folded


class MemoryChange:
    """See `MetadataTransaction` for what the calls promise."""

    def __init__(self, documents, transaction) -> None:
        self._documents = list(documents)
        self._transaction = transaction
        self._known = {field.id for module in self._modules() for field in module.fields.values()}
        self._fillings = []
        self._rewrites = []
        self.now = transaction.now

    @property
    def metadata(self):
        return Metadata(self._documents)

    def new_ids(self, count):
        return self._transaction.new_ids(count)

    def put(self, document):
        places = [place for place, other in enumerate(self._documents) if other.id == document.id]
        if places:
            self._documents[places[0]] = document
        else:
            self._documents.append(document)

    def remove(self, documents):
        gone = set(documents)
        self._documents = [document for document in self._documents if document.id not in gone]

    def fill(self, parents, children, aggregate):
        self._fillings.append((parents, children, aggregate))

    def rewrite(self, module, columns, change):
        self._rewrites.append((module, columns, change))

    def repeats(self, module, field):
        [of] = [known for known in self._modules() if known.id == module]
        return self._repeats(of, next(known for known in of.fields.values() if known.id == field))

    def _repeats(self, module, field):
        values = [folded(value) for value in self._values(module, field) if value is not None]
        return len(values) != len(set(values))

    def checked(self):
        """The documents, and rows as they ask for. Raises ValuesRepeat."""
        for module in self._modules():
            for field in module.fields.values():
                if field.unique and self._repeats(module, field):
                    raise ValuesRepeat(field)
                if field.id not in self._known and field.initial is not None:
                    self._transaction.fill(module, field.column, field.initial)
        for module, columns, change in self._rewrites:
            [of] = [known for known in self._modules() if known.id == module]
            self._transaction.rewrite(of, columns, change)
        for filling in self._fillings:
            self._fill(*filling)
        return self._documents

    def _fill(self, parents, children, aggregate):
        (module, field), (owner, lookup) = parents, children
        self._transaction.fill(module, field.column, field.initial)
        pointed_to = {value for value in self._transaction.column(owner, lookup.column) if value is not None}
        found = self._transaction.aggregates(owner, lookup, [aggregate], pointed_to)
        self._transaction.update(module, {parent: {field.column: value} for parent, [value] in found.items()})

    def _modules(self):
        return Catalog(self.metadata).modules.values()

    def _values(self, module, field):
        return self._transaction.column(module, field.column)
