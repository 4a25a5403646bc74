"""Leads can have a preference how duplicates are looked for in other modules [Z enable-duplicate-record-check]."""

from collections.abc import Callable
from typing import Any

from moorage.crm.api.documents import module_parameter
from moorage.crm.api.items import spec_of
from moorage.crm.api.settings.changing import require_customizer
from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.duplicate_checks import (
    KEY,
    Preference,
    asked_preference,
    preference_of,
    shown,
)
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.records.outcomes import succeeded
from moorage.crm.storage.contract.metadata import MetadataTransaction
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MAX_BODY = 64 * 1024
_ENVELOPE = "duplicate_check_preference"


def get_preference(call: Call) -> Response:
    module = module_parameter(call)
    preference = preference_of(module)
    if preference is None:
        return no_content()
    return answer({_ENVELOPE: shown(preference, module, call.organisation.metadata)})


async def create_preference(call: Call) -> Response:
    module, spec = _supported(call), await spec_of(call, _ENVELOPE)

    def change(metadata: Metadata, _before: Preference | None) -> tuple[Preference, str]:
        preference = asked_preference(spec, module, metadata, None)
        return preference, f"Duplicate check enabled for {preference.type} successfully."

    return await _change(call, module, change)


async def update_preference(call: Call) -> Response:
    module, spec = _supported(call), await spec_of(call, _ENVELOPE)

    def change(metadata: Metadata, before: Preference | None) -> tuple[Preference, str]:
        preference = asked_preference(spec, module, metadata, before)
        if before is None or before.type != preference.type:
            raise _not_enabled(preference.type)
        return preference, f"Updated fieldMapping for {preference.type} successfully."

    return await _change(call, module, change)


async def delete_preference(call: Call) -> Response:
    module = _supported(call)

    def change(_metadata: Metadata, before: Preference | None) -> tuple[None, str]:
        if before is None:
            raise _not_enabled("records")
        return None, f"Duplicate check disabled for {before.type} successfully."

    return await _change(call, module, change)


def _supported(call: Call) -> Document:
    require_customizer(call)
    module = module_parameter(call)
    if module.name != "Leads":
        message = "The feature not avilable in the given module."
        raise Fault(400, "NOT_SUPPORTED", message, {"param_name": "module"})
    return module


async def _change(
    call: Call,
    module: Document,
    change: Callable[[Metadata, Preference | None], tuple[Preference | None, str]],
) -> Response:
    def job(transaction: MetadataTransaction) -> str:
        current = transaction.metadata.find("module", module.id)
        assert current is not None
        preference, message = change(transaction.metadata, preference_of(current))
        body: dict[str, Any] = {name: value for name, value in current.body.items() if name != KEY}
        if preference is not None:
            body[KEY] = {"type": preference.type, "mappings": preference.mappings}
        transaction.put(current.with_body(body))
        return message

    try:
        message = await call.store.change_metadata(job)
    except Fault as fault:
        if fault.code != "FEATURE_NOT_ENABLED":
            raise
        return answer({_ENVELOPE: fault.document()}, fault.status)
    return answer({_ENVELOPE: succeeded({}, message).document})


def _not_enabled(kind: str) -> Fault:
    text = "feature is not yet enabled. Please enable it before doing this action."
    return Fault(403, "FEATURE_NOT_ENABLED", f"The DuplicateCheckPreference for {kind} {text}", {})


_PATH = "/crm/v8/settings/duplicate_check_preference"
_SCOPE = "ZohoCRM.settings.duplicate_check_preference"

ROUTES = (
    Route("GET", _PATH, get_preference, (f"{_SCOPE}.READ",)),
    Route("POST", _PATH, create_preference, (f"{_SCOPE}.CREATE",), max_body=MAX_BODY),
    Route("PUT", _PATH, update_preference, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
    Route("DELETE", _PATH, delete_preference, (f"{_SCOPE}.DELETE",)),
)
