"""Roll-up fields: what callers say of them, checked against the modules there are, and their first values.

`rollup_summary` of a field's document has the keys of [Z field-meta]. What it may say is ours: no call that makes such
a field is described anywhere.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import LONGEST_LABEL
from moorage.crm.metadata.custom.roll_up_parts import decimals_of, function_of, parameter_of, return_type_of
from moorage.crm.metadata.custom.row_modules import has_rows
from moorage.crm.metadata.custom.types import FIELD_TYPES
from moorage.crm.metadata.definitions import FieldDefinition
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.roll_ups import ROLL_UP
from moorage.crm.query.compare import Context
from moorage.crm.query.lasting_criteria import fields_of, lasting_conditions, with_ids
from moorage.crm.records.roll_ups import aggregate_of
from moorage.crm.storage.contract.metadata import MetadataTransaction

MOST_ROLL_UPS = 25  # Of one module: each makes every write of the records below dearer.
_NOT_EDITED = {"view": True, "edit": False, "quick_create": False, "create": False}


class _Source(msgspec.Struct, frozen=True):
    """The records that are rolled up: their module, and the related list that shows them."""

    module: Module
    related_list: Document


class RollUpFields:
    """The roll-up fields of one module, within a change of the metadata."""

    def __init__(self, transaction: MetadataTransaction, module: Document) -> None:
        self._transaction = transaction
        self._owner = module
        self._metadata: Metadata = transaction.metadata
        self._catalog = Catalog(self._metadata)

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._metadata.org["time_zone"])

    def add(self, spec: JsonObject, definition: FieldDefinition) -> FieldDefinition:
        """The definition with what a new roll-up field has besides. Raises the Fault for what is not possible."""
        if len(self._catalog.modules[self._owner.name].of_type(ROLL_UP)) >= MOST_ROLL_UPS:
            raise spec.fault("LIMIT_EXCEEDED", "limit exceeded", "data_type", limit=MOST_ROLL_UPS)
        roll_up = spec.inner(ROLL_UP)
        if roll_up is None:
            raise spec.fault("DEPENDENT_FIELD_MISSING", "dependent field missing", ROLL_UP)
        source = self._source(roll_up)
        expression = roll_up.inner("expression")
        if expression is None:
            raise roll_up.missing("expression")
        function = function_of(expression)
        field = parameter_of(expression, function, source.module)
        if "rollup_based_on" in roll_up:
            raise roll_up.fault("NOT_SUPPORTED", "this is not supported here", "rollup_based_on")
        return_type = return_type_of(roll_up, function, field)
        result = FIELD_TYPES[return_type]
        body = {
            "return_type": return_type,
            "expression": {
                "function": function,
                "function_parameters": [{"api_name": field.api_name}] if field is not None else [],
                "criteria": self._criteria(expression, source.module),
            },
            "based_on_module": source.module.reference,
            "related_list": {"api_name": source.related_list.name, "id": str(source.related_list.id)},
            "rollup_based_on": None,
        }
        return replace(
            definition,
            json_type=result.json_type,
            length=result.length,
            decimal_place=decimals_of(spec, function, field, result.decimals),
            read_only=True,
            view_type=_NOT_EDITED,
            more={**definition.more, ROLL_UP: body},
        )

    def changed(self, spec: JsonObject, field: Document) -> Body:
        """The new `rollup_summary` of a field: only its criteria can change. Raises the Fault for the rest."""
        body: Body = field.body[ROLL_UP]
        for name in ("length", "decimal_place"):
            if name in spec and spec.raw(name) != field.body[name]:
                raise spec.fault("NOT_ALLOWED", f"{name} cannot be changed", name)
        roll_up = spec.inner(ROLL_UP)
        if roll_up is None:
            return body
        for name in ("return_type", "rollup_based_on"):
            _require_same(roll_up, name, body[name])
        for name in ("based_on_module", "related_list"):
            reference = roll_up.inner(name)
            for key in ("api_name", "id") if reference is not None else ():
                _require_same(reference, key, body[name][key])
        expression, known = roll_up.inner("expression"), body["expression"]
        if expression is None:
            return body
        for name in ("function", "function_parameters"):
            _require_same(expression, name, known[name])
        if not expression.has_member("criteria"):
            return body
        criteria = self._criteria(expression, self._catalog.modules[body["based_on_module"]["api_name"]])
        return {**body, "expression": {**known, "criteria": criteria}}

    def _source(self, roll_up: JsonObject) -> _Source:
        named = roll_up.inner("related_list")
        if named is None:
            raise roll_up.missing("related_list")
        related_list = self._related_list(named)
        module = self._catalog.modules.get((related_list.body["module"] or {}).get("api_name", ""))
        key = "id" if "id" in named else "api_name"
        document = self._metadata.find("module", module.id) if module is not None else None
        if module is None or document is None or has_rows(document):
            raise named.fault("NOT_SUPPORTED", "the records of this list cannot be rolled up here", key)
        lookups = module.lookups_of(self._catalog.modules[self._owner.name], related_list.name)
        if not lookups:
            reason = f"no lookup of {module.api_name} leads to the records of this list"
            raise named.fault("NOT_SUPPORTED", reason, key)
        if len(lookups) > 1:
            names = [lookup.api_name for lookup in lookups]
            raise named.fault("AMBIGUITY_DURING_PROCESSING", "several lookups lead here", key, lookups=names)
        self._require_module(roll_up, module)
        return _Source(module, related_list)

    def _related_list(self, named: JsonObject) -> Document:
        lists = self._metadata.all("related_list", self._owner.id)
        key = "id" if "id" in named else "api_name"
        named.require(key)
        wanted = whole_id(named.raw("id")) if key == "id" else named.text("api_name", LONGEST_LABEL)
        for related_list in lists:
            if wanted == (related_list.id if key == "id" else related_list.name):
                return related_list
        raise named.invalid(key, supported_values=[related_list.name for related_list in lists])

    def _require_module(self, roll_up: JsonObject, module: Module) -> None:
        named = roll_up.inner("based_on_module")
        if named is None:
            return
        for key, value in (("id", str(module.id)), ("api_name", module.api_name)):
            if key in named and str(named.raw(key)) != value:
                message = "the related list shows records of another module"
                raise named.fault("DEPENDENT_MISMATCH", message, key, expected=value)

    def _criteria(self, expression: JsonObject, module: Module) -> Body | None:
        if expression.inner("criteria") is None or not (body := expression.raw("criteria")):
            return None
        context = Context(zone=self._zone, now=datetime.fromtimestamp(0, UTC), user=0, catalog=self._catalog)
        try:
            lasting_conditions(body, module, context)
        except Fault as fault:
            reason = fault.details.get("reason", fault.message)
            about = {"field": fault.details["api_name"]} if "api_name" in fault.details else {}
            raise expression.invalid("criteria", reason=reason, **about) from None
        return with_ids(body, module)

    def fill(self, field: str) -> None:
        """Work out the field that has this API name, which is new or has new criteria, in all records."""
        catalog = Catalog(self._transaction.metadata)
        owner = catalog.modules[self._owner.name]
        roll_up_field = owner.fields[field]
        roll_up = roll_up_field.roll_up
        assert roll_up is not None
        module = catalog.modules[roll_up.module]
        (lookup,) = module.lookups_of(owner, roll_up.related_list)
        aggregate = aggregate_of(roll_up, roll_up_field.decimal_place, module, catalog, self._zone)
        self._transaction.fill((owner, roll_up_field), (module, lookup), aggregate)


def is_rolled_up(metadata: Metadata, field: Document) -> bool:
    """Whether a roll-up field depends on this field: as the lookup that leads to its records, or for their values."""
    catalog = Catalog(metadata)
    for module in catalog.modules.values():
        if module.id == field.module:
            return any(_depends(module, parents, roll_up, field.id) for parents, roll_up in module.roll_ups)
    return False


def _depends(module: Module, parents: Module, field: Field, used: int) -> bool:
    assert field.roll_up is not None
    names = fields_of(field.roll_up.criteria) | {field.roll_up.field}
    lookups = module.lookups_of(parents, field.roll_up.related_list)
    return used in {f.id for f in (*lookups, *(f for f in module.fields.values() if f.api_name in names))}


def _require_same(spec: JsonObject | None, name: str, known: object) -> None:
    if spec is not None and name in spec and spec.raw(name) != known:
        raise spec.fault("NOT_ALLOWED", f"{name} cannot be changed", name)
