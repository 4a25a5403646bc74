"""What stands behind FROM: a module, and perhaps one of its custom views."""

from moorage.crm.faults import module_unsupported
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.views import is_seen
from moorage.crm.metadata.ids import whole_id
from moorage.crm.query.coql.columns import Asker
from moorage.crm.query.coql.faults import invalid_column, invalid_query
from moorage.crm.query.coql.syntax import Query
from moorage.crm.query.tree import Checked
from moorage.crm.query.view_criteria import view_conditions


def module_of(query: Query, asker: Asker) -> Module:
    """The module. Raises the Fault for one that is unknown, has no records, or that the caller may not read."""
    module = asker.context.catalog.modules.get(query.module)
    if module is None or module.is_hidden:
        if module is None and any(document.name == query.module for document in asker.metadata.all("module")):
            raise module_unsupported({})
        # Zoho says the same of an unknown module as of an unknown column [Z observed].
        raise invalid_column(query.module)
    asker.admit(module)
    return module


def view_of(query: Query, module: Module, asker: Asker) -> Checked | None:
    """The conditions of the view; None for all records. Raises the Fault for a view of another module."""
    if query.view is None:
        return None
    view = asker.metadata.find("custom_view", whole_id(query.view) or 0)
    is_hidden = view is None or not is_seen(asker.metadata, view, asker.context.user)
    if view is None or is_hidden or view.module != module.id:
        raise invalid_query("custom view given seems to be invalid", cvid=query.view)
    return view_conditions(view.body.get("criteria"), module, asker.context)
