"""A currency as callers specify it, read into the body of its document [Z description]."""

import re
from collections.abc import Sequence

from moorage.crm.metadata.currencies import BASE_RATE
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body, Document
from moorage.crm.metadata.standard.currencies import currencies

MOST_ACTIVE = 10
_LONGEST_NAME, _LONGEST_SYMBOL = 100, 10
_RATE = re.compile(r"(?P<whole>\d{1,9})(\.(?P<decimals>\d{1,9}))?", re.ASCII)
_FORMAT = {
    "decimal_separator": ("Period", "Comma"),
    "thousand_separator": ("Comma", "Period", "Space"),
    "decimal_places": ("2", "0", "3"),
}


def plain_format(decimals: str = "2") -> Body:
    """How amounts are written unless somebody says otherwise."""
    return {**{name: choices[0] for name, choices in _FORMAT.items()}, "decimal_places": decimals}


def new_currency(spec: JsonObject, known: Sequence[Document], *, is_base: bool) -> Body:
    """The members that a caller decides. Raises the Fault for what is no currency, or is there already."""
    spec.require("iso_code")
    code = spec.text("iso_code", 3)
    currency = currencies().get(code or "")
    if currency is None:
        raise spec.fault("INVALID_DATA", "Currency isocode given seems to be invalid", "iso_code")
    if any(document.name == code for document in known):
        message = "Duplicate value given for Isocode parameter"
        raise spec.fault("DUPLICATE_DATA", message, "iso_code")
    if not is_base:
        spec.require("exchange_rate")
    plain: Body = {
        "name": currency.title,
        "iso_code": code,
        "symbol": currency.symbol,
        "prefix_symbol": True,
        "is_active": True,
        "is_base": is_base,
        "exchange_rate": f"{BASE_RATE:.9f}",
        "format": plain_format(currency.decimals),
    }
    return changed_currency(spec, plain)


def changed_currency(spec: JsonObject, body: Body) -> Body:
    """The new body. Raises the Fault for what can't change."""
    if "iso_code" in spec and spec.raw("iso_code") != body["iso_code"]:
        raise spec.fault("NOT_ALLOWED", "the code of a currency cannot be changed", "iso_code")
    changed = dict(body)
    for name, longest in (("name", _LONGEST_NAME), ("symbol", _LONGEST_SYMBOL)):
        if spec.has_member(name):
            changed[name] = spec.text(name, longest)
            if changed[name] is None:
                raise spec.fault("INVALID_DATA", f"Currency {name} given seems to be invalid", name)
    for name in ("prefix_symbol", "is_active"):
        changed[name] = spec.boolean(name, default=body[name])
    if "exchange_rate" in spec:
        changed["exchange_rate"] = _rate(spec)
    if body["is_base"] and not changed["is_active"]:
        raise spec.fault("NOT_ALLOWED", "the base currency is always active", "is_active")
    if body["is_base"] and float(changed["exchange_rate"]) != BASE_RATE:
        raise spec.fault("NOT_ALLOWED", "the rate of the base currency is always 1", "exchange_rate")
    changed["format"] = _format(spec, body["format"])
    return changed


def _rate(spec: JsonObject) -> str:
    """A rate as text with nine decimals. It may be sent as a number, too."""
    sent = spec.raw("exchange_rate")
    text = str(sent) if isinstance(sent, int | float) and not isinstance(sent, bool) else sent
    matched = _RATE.fullmatch(text) if isinstance(text, str) else None
    if matched is None or not float(matched[0]):
        raise spec.invalid("exchange_rate", regex=_RATE.pattern)
    return f"{int(matched['whole'])}.{(matched['decimals'] or '').ljust(9, '0')}"


def _format(spec: JsonObject, before: Body) -> Body:
    sent = spec.inner("format")
    if sent is None:
        return before
    chosen = dict(before)
    for name, choices in _FORMAT.items():
        if name in sent:
            if sent.raw(name) not in choices:
                raise sent.invalid(name, supported_values=list(choices))
            chosen[name] = sent.raw(name)
    if chosen["decimal_separator"] == chosen["thousand_separator"]:
        raise sent.fault("INVALID_DATA", "the separators must differ", "thousand_separator")
    return chosen
