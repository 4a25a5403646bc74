"""The currencies of an organisation [Z get-currencies-data]: one, or several once they are switched on."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from moorage.crm.api.documents import encoded_once, module_named, reference
from moorage.crm.api.items import Item, each_outcome, outcomes_answer, spec_of, specs_of
from moorage.crm.api.settings.changing import (
    MAX_BODY,
    SettingsChange,
    changed,
    named_document,
    require_customizer,
    require_document,
)
from moorage.crm.faults import Fault
from moorage.crm.metadata.currencies import CURRENCY, FEATURE
from moorage.crm.metadata.custom.currencies import MOST_ACTIVE, changed_currency, new_currency, plain_format
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.definitions import PickListValue
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.field_documents import choice, field_document
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.metadata.layout_documents import with_field
from moorage.crm.metadata.standard.currencies import currencies
from moorage.crm.metadata.standard.fields import fields_of_feature
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME, BASE = "currencies", "base_currency"
_NUMBER = 20_008  # The local number of the base currency's id, also as long as there is no document of it.
_UPDATED = "The currency updated successfully."


def list_currencies(call: Call) -> Response:
    return encoded_once(call, NAME, lambda: {NAME: _shown(call)})


def get_currency(call: Call) -> Response:
    identity = str(path_id(call.path, 2))
    shown = [currency for currency in _shown(call) if currency["id"] == identity]
    return answer({NAME: shown}) if shown else no_content()


def list_available(call: Call) -> Response:
    return encoded_once(call, "available_currencies", lambda: {"available_currencies": _available()})


def _available() -> list[Body]:
    separators = plain_format()
    return [
        {
            "display_value": currency.title,
            "decimal_separator": separators["decimal_separator"],
            "symbol": currency.symbol,
            "thousand_separator": separators["thousand_separator"],
            "display_name": currency.name,
            "iso_code": currency.code,
            "decimal_places": currency.decimals,
        }
        for currency in currencies().values()
    ]


def _shown(call: Call) -> list[Body]:
    metadata = call.organisation.metadata
    known = [{"id": str(each.id), **each.body} for each in metadata.all("currency")]
    return known or [_single(metadata, call.organisation.prefix)]


def _single(metadata: Metadata, prefix: int) -> Body:
    """The one currency of an organisation that has not switched on several."""
    org, creator = metadata.org, reference(metadata.all("user")[0])
    return {
        "id": str(prefix * ID_SPACE + _NUMBER),
        "name": org["currency"],
        "iso_code": org["iso_code"],
        "symbol": org["currency_symbol"],
        "prefix_symbol": True,
        "is_base": True,
        "is_active": True,
        "exchange_rate": "1.000000000",
        "format": plain_format(),
        **dict.fromkeys(("created_time", "modified_time"), org["created_time"]),
        **dict.fromkeys(("created_by", "modified_by"), creator),
    }


async def enable(call: Call) -> Response:
    def run(change: SettingsChange, spec: JsonObject) -> Outcome:
        if change.metadata.all("currency"):
            raise Fault(400, "ALREADY_ENABLED", "The multi-currency is already enabled")
        body = new_currency(spec, (), is_base=True)
        base = Document(call.organisation.prefix * ID_SPACE + _NUMBER, "currency", 0, body["iso_code"], body)
        change.put(base.with_body({**body, **change.created()}))
        _put_base_into_org(change, body)
        _add_fields(change, body["iso_code"])
        message = "The multi-currency feature is enabled and given currency is created as the base currency."
        return succeeded({"id": str(base.id)}, message)

    return await _change_base(call, run)


async def update_base(call: Call) -> Response:
    def run(change: SettingsChange, spec: JsonObject) -> Outcome:
        _require_enabled(change.metadata)
        base = next(each for each in change.metadata.all("currency") if each.body["is_base"])
        return _update(change, spec, base)

    return await _change_base(call, run)


async def _change_base(call: Call, run: Callable[[SettingsChange, JsonObject], Outcome]) -> Response:
    require_customizer(call)
    spec = await spec_of(call, BASE)
    try:
        outcome = await changed(call, lambda change: run(change, spec))
    except Fault as fault:
        if fault.status != 400:
            raise
        return answer({BASE: fault.document()}, 400)
    return answer({BASE: outcome.document})


async def add_currencies(call: Call) -> Response:
    def add(change: SettingsChange, spec: JsonObject) -> Outcome:
        body = new_currency(spec, change.metadata.all("currency"), is_base=False)
        currency = Document(int(change.new_id()), "currency", 0, body["iso_code"], body)
        _put(change, spec, currency.with_body({**body, **change.created()}))
        return succeeded({"id": str(currency.id)}, "The currency created successfully.")

    return await _change_each(call, await _specs(call, MOST_ACTIVE), add)


async def update_currencies(call: Call) -> Response:
    def update(change: SettingsChange, spec: JsonObject) -> Outcome:
        return _update(change, spec, named_document(change.metadata, "currency", spec))

    return await _change_each(call, await _specs(call, len(currencies())), update)


async def update_currency(call: Call) -> Response:
    identity = path_id(call.path, 2)

    def update(change: SettingsChange, spec: JsonObject) -> Outcome:
        return _update(change, spec, require_document(change.metadata, "currency", identity))

    return await _change_each(call, await _specs(call, 1), update)


async def _specs(call: Call, most: int) -> list[JsonObject]:
    require_customizer(call)
    return await specs_of(call, NAME, most)


async def _change_each(
    call: Call, specs: Sequence[Item], change: Callable[[SettingsChange, Item], Outcome]
) -> Response:
    def run(settings: SettingsChange) -> list[Outcome]:
        _require_enabled(settings.metadata)
        return each_outcome(specs, partial(change, settings))

    return outcomes_answer(NAME, await changed(call, run))


def _require_enabled(metadata: Metadata) -> None:
    if not metadata.all("currency"):
        message = "The multi-currency feature is not yet enabled. Please enable it before doing this action."
        raise Fault(403, "CURRENCIES_NOT_ENABLED", message)


def _update(change: SettingsChange, spec: JsonObject, currency: Document) -> Outcome:
    body = changed_currency(spec, currency.body)
    _put(change, spec, currency.with_body({**body, **change.changed()}))
    if body["is_base"]:
        _put_base_into_org(change, body)
    return succeeded({"id": str(currency.id)}, _UPDATED)


def _put(change: SettingsChange, spec: JsonObject, currency: Document) -> None:
    """Put the document of a currency, and offer it to records if it is active."""
    known = [each for each in change.metadata.all("currency") if each.id != currency.id]
    if currency.body["is_active"] and sum(each.body["is_active"] for each in known) >= MOST_ACTIVE:
        message = f"at most {MOST_ACTIVE} currencies can be active"
        raise spec.fault("ACTIVE_STATE_LIMIT_EXCEEDED", message, "is_active", limit=MOST_ACTIVE)
    change.put(currency)
    for field in _currency_fields(change.metadata):
        change.put(field.with_body(_offering(change, field.body, currency)))


def _currency_fields(metadata: Metadata) -> Iterable[Document]:
    for name in fields_of_feature(FEATURE):
        module = module_named(metadata, name)
        assert module is not None
        yield from (each for each in metadata.all("field", module.id) if each.name == CURRENCY)


def _offering(change: SettingsChange, field: Body, currency: Document) -> Body:
    """The field with the currency among its options. One that is not active is not used any more."""
    options = field["pick_list_values"]
    code, kind = currency.name, "used" if currency.body["is_active"] else "unused"
    if any(option["actual_value"] == code for option in options):
        return {
            **field,
            "pick_list_values": [o | {"type": kind} if o["actual_value"] == code else o for o in options],
        }
    value = PickListValue(code, code, len(options) + 1, type=kind)
    return {**field, "pick_list_values": [*options, choice(value, change, {})]}


def _put_base_into_org(change: SettingsChange, base: Body) -> None:
    org = change.metadata.all("org")[0]
    members = {
        "mc_status": True,
        "currency": base["name"],
        "currency_symbol": base["symbol"],
        "currency_locale": base["iso_code"],
        "iso_code": base["iso_code"],
    }
    change.put(org.with_body({**org.body, **members}))


def _add_fields(change: SettingsChange, base: str) -> None:
    """Give records a currency and a rate. Raises the Fault for a module that has another field of such a name."""
    for name, definitions in fields_of_feature(FEATURE).items():
        module = module_named(change.metadata, name)
        assert module is not None
        names = {field.name for field in change.metadata.all("field", module.id)}
        for definition in definitions:
            if definition.api_name in names:
                message = (
                    f"{name} has a field {definition.api_name} of its own, which has to be deleted before"
                )
                raise Fault(400, "NOT_ALLOWED", message, {"module": name, "api_name": definition.api_name})
            body = field_document(definition, change.new_id(), change, {})
            if definition.api_name == CURRENCY:
                option = choice(PickListValue(base, base, 1), change, {})
                body |= {"default_value": base, "pick_list_values": [option]}
            change.put(Document(int(body["id"]), "field", module.id, definition.api_name, body))
            for layout in change.metadata.all("layout", module.id):
                change.put(layout.with_body(with_field(layout.body, body["id"])))


_PATH, _SCOPE = "/crm/v8/org/currencies", "ZohoCRM.settings.currencies"
_READ, _CREATE, _UPDATE = ((f"{_SCOPE}.{right}",) for right in ("READ", "CREATE", "UPDATE"))

ROUTES = (
    Route("GET", _PATH, list_currencies, _READ),
    Route("POST", _PATH, add_currencies, _CREATE, max_body=MAX_BODY),
    Route("PUT", _PATH, update_currencies, _UPDATE, max_body=MAX_BODY),
    Route("GET", f"{_PATH}/{{id}}", get_currency, _READ),
    Route("PUT", f"{_PATH}/{{id}}", update_currency, _UPDATE, max_body=MAX_BODY),
    Route("POST", f"{_PATH}/actions/enable", enable, _CREATE, max_body=MAX_BODY),
    Route("PUT", f"{_PATH}/actions/enable", update_base, _UPDATE, max_body=MAX_BODY),
    Route("GET", f"{_PATH}/actions/available_currencies", list_available, _READ),
)
