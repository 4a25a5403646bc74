"""The modules, and under each its fields, layout, related lists and custom views."""

from collections.abc import Iterable, Sequence

from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.definitions import UNIQUE_TYPES, FieldDefinition, ModuleDefinition
from moorage.crm.metadata.module_documents import module_document
from moorage.crm.metadata.related_list_documents import related_list_document
from moorage.crm.metadata.standard.blueprint_draft import BlueprintDraft
from moorage.crm.metadata.standard.fields import add_fields
from moorage.crm.metadata.standard.layouts import add_layout
from moorage.crm.metadata.standard.standard_modules import standard
from moorage.crm.metadata.standard.views import add_views

# The CRM works these out, from the stage and from the duration, unless a caller writes them.
_COMPUTED = frozenset({"Deals.Probability", "Calls.Call_Duration_in_seconds"})


def add_modules(draft: BlueprintDraft, unique: Iterable[str]) -> None:
    """Raises ValueError if a name of `unique` is no field of a standard module, or a field that can't be unique."""
    modules = standard().modules
    _check(unique, modules)
    all_modules = sorted(modules + standard().listed_only_modules, key=lambda module: module.sequence_number)
    for pseudo in standard().pseudo_modules:
        draft.modules[pseudo] = draft.new_id()
    draft.modules.update(
        {module.api_name: draft.new_id(fixed_ids.MODULES.get(module.api_name)) for module in all_modules}
    )
    for module in all_modules:
        draft.add("module", module.api_name, module_document(module, draft.modules[module.api_name], draft))
    categories = {name: draft.new_id() for name in standard().forecast_categories}
    laid_out = set(standard().layout.applies_to)
    for module in modules:
        name = module.api_name
        fields = add_fields(draft, module, frozenset(unique), categories)
        if name in laid_out:
            add_layout(draft, module, fields)
        _add_related_lists(draft, module)
        if name in laid_out:
            add_views(draft, module, fields)


def _check(unique: Iterable[str], modules: Sequence[ModuleDefinition]) -> None:
    fields = {
        f"{module.api_name}.{field.api_name}": (module, field)
        for module in modules
        for field in module.fields
    }
    if unknown := sorted(set(unique) - fields.keys()):
        raise ValueError(f"not fields of a standard module: {', '.join(unknown)}; write Module.Field")
    if unfitting := sorted(name for name in set(unique) if not _can_be_unique(name, *fields[name])):
        types = ", ".join(sorted(UNIQUE_TYPES))
        raise ValueError(
            f"these can't be unique: {', '.join(unfitting)}; fields can that callers write, of type {types}"
        )


def _can_be_unique(name: str, module: ModuleDefinition, field: FieldDefinition) -> bool:
    """A field that the CRM writes can't be unique: there could not be two records of one owner, or of one stage."""
    written_by_callers = field.operation_type["api_create"] and name not in _COMPUTED
    one_value = field.data_type in UNIQUE_TYPES and field.json_type != "jsonarray"
    return written_by_callers and one_value and module.generated_type != "subform"


def _add_related_lists(draft: BlueprintDraft, module: ModuleDefinition) -> None:
    for related in module.related_lists:
        target = draft.module(related.module) if related.module else None
        body = related_list_document(related, draft.new_id(), module.api_name, target)
        draft.add("related_list", related.api_name, body, module.api_name)
