"""Formula fields as callers specify them: the member `formula` of a field [Z create-fields].

An expression may name a field by its label or by its API name. It is kept with API names, which never change.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.types import FIELD_TYPES, FieldType
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.formulas.errors import FormulaInvalid
from moorage.crm.metadata.formulas.formula import RETURN_TYPES
from moorage.crm.metadata.formulas.tokens import LONGEST, tokens
from moorage.crm.metadata.module_formulas import formula_of, formulas_of
from moorage.near import did_you_mean


def type_of_formula(return_type: str) -> FieldType:
    """What can be chosen for a formula: only the decimals of its number."""
    return replace(FIELD_TYPES[return_type], lengths=None, writable=False)


def new_formula(spec: JsonObject) -> Body:
    """The member `formula` of a new field; its expression is not checked yet. Raises the Fault."""
    members = spec.inner("formula")
    if members is None:
        raise spec.fault("DEPENDENT_FIELD_MISSING", "dependent field missing", "formula")
    return_type = members.text("return_type", LONGEST)
    for name, value in (("return_type", return_type), ("expression", members.text("expression", LONGEST))):
        if value is None:
            raise members.missing(name)
    if return_type not in RETURN_TYPES:
        raise members.invalid("return_type", supported_values=sorted(RETURN_TYPES))
    return _formula(members, {"return_type": return_type, "assume_default": False})


def changed_formula(spec: JsonObject, body: Body) -> Body:
    """The member `formula` of a field with that document, after a change. Raises the Fault."""
    members = spec.inner("formula")
    if members is None:
        return dict(body["formula"])
    if "return_type" in members and members.raw("return_type") != body["formula"]["return_type"]:
        raise members.fault("NOT_ALLOWED", "return_type cannot be changed", "return_type")
    return _formula(members, body["formula"])


def _formula(members: JsonObject, known: Body) -> Body:
    if members.boolean("dynamic"):
        reason = "a formula is worked out when its record is saved"
        raise members.fault("NOT_SUPPORTED", reason, "dynamic")
    return {
        **known,
        "expression": members.text("expression", LONGEST) or known["expression"],
        "assume_default": members.boolean("assume_default", default=known["assume_default"]),
        "dynamic": False,
    }


def checked_formula(spec: JsonObject, body: Body, module: Document, metadata: Metadata) -> Body:
    """The document of a formula field, with API names in its expression. Raises the Fault for one that is not possible.

    `body` is the field's document as it is to be, in `module` of an organisation with these metadata.
    """
    try:
        fields = FieldNames(module, metadata.all("field", module.id))
        expression = fields.with_api_names(body["formula"]["expression"])
        checked = {**body, "formula": {**body["formula"], "expression": expression}}
        _check(checked, Catalog(metadata).modules[module.name])
    except FormulaInvalid as invalid:
        raise _fault(spec, invalid) from None
    return checked


def _fault(spec: JsonObject, invalid: FormulaInvalid) -> Fault:
    members = spec.inner("formula")
    assert members is not None  # Whatever else changes, the expression stays as it was checked.
    fault = members.invalid("expression", reason=invalid.reason, position=invalid.position)
    if invalid.name is not None:
        fault.details["name"] = invalid.name
    return fault


def _check(body: Body, module: Module) -> None:
    """Raise FormulaInvalid for a formula that is not possible, or that reads itself, directly or through others."""
    columns = formula_of(module, body).columns
    own = module.fields.get(body["api_name"])
    if own is None:
        return
    following = {own.column, *(field.column for field in formulas_of(module).following({own.column}).fields)}
    for token in tokens(body["formula"]["expression"]):
        if token.kind == "field" and module.fields[_last(token.text)].column in following & columns:
            reason = (
                f"{_last(token.text)} is worked out from {own.api_name}, which would be worked out from it."
            )
            raise FormulaInvalid(reason, token.position, token.text)


def uses(formula_field: Document, field: Document) -> bool:
    """Whether a field of a module is a formula that names another one."""
    expression = (formula_field.body.get("formula") or {}).get("expression")
    if expression is None or formula_field.id == field.id:
        return False
    return any(token.kind == "field" and _last(token.text) == field.name for token in tokens(expression))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


class FieldNames:
    """How an expression may name the fields of a module: with the module before it, or alone."""

    def __init__(self, module: Document, fields: Sequence[Document]) -> None:
        self._module = module.name
        self._prefixes = [module.body[key] for key in ("api_name", "plural_label", "singular_label")]
        self._api_names = {field.name for field in fields}
        self._by_label = {field.body["field_label"].casefold(): field.name for field in fields}

    def with_api_names(self, expression: str) -> str:
        """The expression with each field named as `${Leads.Last_Name}`. Raises FormulaInvalid."""
        parts, place = [], 0
        for token in tokens(expression):
            if token.kind == "field":
                name = self._api_name(token.text)
                if name is None:
                    raise FormulaInvalid(self._unknown(token.text), token.position, token.text)
                parts += [expression[place : token.start], f"${{{self._module}.{name}}}"]
                place = token.end
        return "".join([*parts, expression[place:]])

    def _api_name(self, name: str) -> str | None:
        for alone in self._without_module(name):
            if alone in self._api_names:
                return alone
            if alone.casefold() in self._by_label:
                return self._by_label[alone.casefold()]
        return None

    def _without_module(self, name: str) -> Iterator[str]:
        yield name
        for prefix in self._prefixes:
            if name.startswith(f"{prefix}."):
                yield name[len(prefix) + 1 :].strip()

    def _unknown(self, name: str) -> str:
        *_, alone = self._without_module(name)
        if "." in alone:
            return f"{self._module} has no field {alone}, and a formula can't use fields of other modules."
        near = did_you_mean(alone, [*self._by_label, *self._api_names])
        return f"{self._module} has no field {alone}.{near}"
