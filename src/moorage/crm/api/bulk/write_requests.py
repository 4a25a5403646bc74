"""What a bulk write asks for, held against the organisation and the heads of the files [Z bulk-write]."""

import io
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from moorage.crm.api.bulk.upload import KIND as UPLOAD
from moorage.crm.faults import Fault
from moorage.crm.jobs.csv_files import CsvFile, Unreadable, names_in, open_zip, python_name
from moorage.crm.jobs.row_plans import RowPlan, mapped_by_headings
from moorage.crm.jobs.threads import in_thread
from moorage.crm.jobs.uploads import uploaded
from moorage.crm.jobs.write_model import Mapping, Resource, WriteRequest
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.modules import rules_of
from moorage.crm.wire.call import Call

MOST_RESOURCES = 25
_SCOPES = {"insert": ("CREATE",), "update": ("UPDATE",), "upsert": ("CREATE", "UPDATE")}


async def write_request(call: Call, body: dict[str, Any]) -> WriteRequest:
    """The request of a body. Raises the Fault of what can not be written, and of a missing scope."""
    operation = body.get("operation")
    if operation is None:
        raise _required("operation")
    if operation not in [*_SCOPES]:  # It may be anything, also what has no hash.
        raise _invalid("operation", supported_values=list(_SCOPES))
    encoding = body.get("character_encoding") or "UTF-8"
    if not isinstance(encoding, str) or python_name(encoding) is None:
        raise _invalid("character_encoding")
    specs = body.get("resource")
    if not specs:
        raise _required("resource")
    if not isinstance(specs, list) or not all(isinstance(spec, dict) for spec in specs):
        raise _invalid("resource", expected_data_type="jsonarray")
    if len(specs) > MOST_RESOURCES:
        raise Fault(400, "LIMIT_EXCEEDED", "there are too many resources", {"limit": MOST_RESOURCES})
    resources = [await _resource(call, spec, body, operation, encoding) for spec in specs]
    shown = [spec.get("field_mappings") or [] for spec in specs]
    return WriteRequest(operation, encoding, resources, shown)


async def _resource(
    call: Call, spec: dict[str, Any], body: dict[str, Any], operation: str, encoding: str
) -> Resource:
    if spec.get("type", "data") != "data":
        raise _invalid("type", supported_values=["data"])
    module = _module(call, spec.get("module"))
    _require_scopes(call, module, operation)
    ignores = spec.get("ignore_empty", body.get("ignore_empty"))
    file_id, key = await _upload(call, spec)
    resource = Resource(
        module.api_name,
        file_id,
        key,
        _names(spec),
        find_by=_find_by(module, spec.get("find_by"), operation),
        ignore_empty=ignores is True,
        mappings=_mappings(module, spec.get("field_mappings")),
    )
    await _require_files(call, module, resource, operation, encoding)
    return resource


def _require_scopes(call: Call, module: Module, operation: str) -> None:
    if module.is_part:  # Its rows are changes of the records that they belong to.
        call.require("ZohoCRM.modules.{module}.UPDATE", _parent_name(module))
        return
    for right in _SCOPES[operation]:
        call.require(f"ZohoCRM.modules.{{module}}.{right}", module.api_name)


def _parent_name(part: Module) -> str:
    assert part.parent_field is not None
    return part.parent_field.lookup or ""


def _module(call: Call, value: Any) -> Module:
    name = value.get("api_name") if isinstance(value, dict) else value
    if name is None:
        raise _required("module")
    module = call.organisation.catalog.modules.get(name) if isinstance(name, str) else None
    if module is None:
        raise Fault(400, "MODULE_NOT_AVAILABLE", f"Requested module '{name}' is not available.")
    parent = call.organisation.catalog.modules[_parent_name(module)] if module.is_part else None
    if not (module.flags.get("creatable") if parent is None else parent.flags.get("editable")):
        raise Fault(400, "MODULE_NOT_AVAILABLE", f"Requested module '{name}' is not supported.")
    return module


async def _upload(call: Call, spec: dict[str, Any]) -> tuple[int, str]:
    """The id of an uploaded file, and its key."""
    if spec.get("file_id") is None:
        raise _required("file_id")
    identity = whole_id(spec["file_id"]) or 0
    companion = await call.store.write(
        lambda transaction: transaction.companions.by_id([identity]).get(identity)
    )
    if companion is None or companion.kind != UPLOAD:
        raise _no_file()
    return identity, companion.body["key"]


def _names(spec: dict[str, Any]) -> list[str]:
    names = spec.get("file_names") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _invalid("file_names", expected_data_type="jsonarray")
    return list(dict.fromkeys(names))


def _find_by(module: Module, value: Any, operation: str) -> str | None:
    if value is None:
        if operation != "insert":
            raise _required("find_by")
        return None
    field = module.fields.get(value) if isinstance(value, str) else None
    usual = rules_of(module).duplicate_field or module.display_name
    may_be = value == "id" or (not module.is_part and field is not None and (value == usual or field.unique))
    if field is None or not may_be:
        raise Fault(
            400, "INVALID_FIELD", f"invalid find_by. invalid api_name {value}.", {"api_name": "find_by"}
        )
    return field.api_name


def _mappings(module: Module, value: Any) -> list[Mapping] | None:
    if value is None or value == []:
        return None
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _invalid("field_mappings", expected_data_type="jsonarray")
    mappings = [_mapping(module, each) for each in value]
    names = [mapping.api_name for mapping in mappings]
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise Fault(400, "DUPLICATE_DATA", "a field is mapped twice", {"api_name": repeated})
    return mappings


def _mapping(module: Module, spec: dict[str, Any]) -> Mapping:
    name = spec.get("api_name")
    field = module.fields.get(name) if isinstance(name, str) else None
    if field is None or field.storage == "rows":
        raise Fault(400, "INVALID_FIELD", f"invalid mapping. invalid api_name {name}.")
    index, parent = _number(spec, "index"), _number(spec, "parent_column_index")
    default = spec.get("default_value")
    if isinstance(default, dict):
        default = default.get("value", default.get("name"))
    if index is None and default is None:
        raise _required(f"index for field {name}")
    find_by = spec.get("find_by")
    if field.storage == "lookup" and find_by is None and index is not None and parent is None:
        raise _required(f"find_by for field {name}")
    written = spec.get("format")
    if not isinstance(find_by, str | None) or not isinstance(written, str | None):
        raise _invalid("find_by" if not isinstance(find_by, str | None) else "format")
    return Mapping(field.api_name, index, written, find_by, default, parent)


def _number(spec: dict[str, Any], name: str) -> int | None:
    value = spec.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10_000:
        raise _invalid(name, expected_data_type="integer")
    return value


async def _require_files(
    call: Call, module: Module, resource: Resource, operation: str, encoding: str
) -> None:
    """Raise the Fault of a zip that has no such files, or whose columns do not fit the mappings."""
    data = await uploaded(call.organisation, resource.key)
    if data is None:
        raise _no_file()
    try:
        for headings in await in_thread(_headings, data, resource.names, encoding):
            mappings = resource.mappings or mapped_by_headings(module, headings)
            _require_columns(mappings, headings)
            if operation != "update":
                _require_mandatory(module, mappings)
            RowPlan(call.organisation, module, resource, headings)
    except Unreadable as error:
        raise Fault(400, error.code, error.reason) from None
    except ValueError as error:
        raise Fault(400, "INVALID_FORMAT", f"invalid format: {error}") from None


def _headings(data: bytes, names: Sequence[str], encoding: str) -> list[list[str]]:
    with open_zip(io.BytesIO(data)) as opened:
        headings = []
        for name in names_in(opened, names):
            with closing(CsvFile(opened, name, encoding)) as file:
                headings.append(file.headings)
        return headings


def _require_columns(mappings: Sequence[Mapping], headings: Sequence[str]) -> None:
    if not mappings:
        raise Fault(400, "INVALID_FIELD_NAME", "no heading is the name of a field")
    for mapping in mappings:
        if mapping.index is not None and mapping.index >= len(headings):
            details = {"api_name": mapping.api_name, "index": mapping.index}
            raise Fault(400, "COLUMN_INDEX_NOT_FOUND", "the file has no such column", details)


def _require_mandatory(module: Module, mappings: Sequence[Mapping]) -> None:
    mapped = {mapping.api_name for mapping in mappings}
    dependent = rules_of(module).dependent
    missing = [
        field.api_name
        for field in module.required
        if field.mandatory and field.storage != "rows" and field.api_name not in mapped | dependent
    ]
    lookup = module.parent_field
    if module.is_part and lookup is not None and not {"id", lookup.api_name} & mapped:
        missing.append(lookup.api_name)
    if missing:
        message = "All mandatory fields are not mapped for the layout"
        raise Fault(400, "MANDATORY_FIELDS_NOT_MAPPED", message, {"api_names": missing})


def _required(name: str) -> Fault:
    return Fault(400, "MISSING_REQUIRED_KEY", f"required key {name} is not found in request body.")


def _invalid(name: str, **details: Any) -> Fault:
    return Fault(400, "INVALID_DATA", "invalid data", {"api_name": name, **details})


def _no_file() -> Fault:
    return Fault(400, "INVALID_FILE_ID", "improper file id")
