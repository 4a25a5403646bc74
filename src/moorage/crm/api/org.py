"""The organisation's own details [Z get-org-data], and its one currency [Z get-currencies-data]."""

from typing import Any

from moorage.crm.api.documents import encoded_once, reference
from moorage.crm.metadata.documents import Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_CURRENCY = 20_008  # The local number of its id, which no document has.
_FORMAT = {"decimal_separator": "Period", "thousand_separator": "Comma", "decimal_places": "2"}


def get_organisation(call: Call) -> Response:
    return encoded_once(call, "org", lambda: {"org": [call.organisation.metadata.org]})


def list_currencies(call: Call) -> Response:
    metadata = call.organisation.metadata
    return encoded_once(
        call, "currencies", lambda: {"currencies": [_currency(metadata, call.organisation.prefix)]}
    )


def get_currency(call: Call) -> Response:
    identity = path_id(call.path, 2)
    is_there = identity == call.organisation.prefix * ID_SPACE + _CURRENCY
    return list_currencies(call) if is_there else no_content()


def _currency(metadata: Metadata, prefix: int) -> dict[str, Any]:
    org, creator = metadata.org, reference(metadata.all("user")[0])
    return {
        "id": str(prefix * ID_SPACE + _CURRENCY),
        "name": org["currency"],
        "iso_code": org["iso_code"],
        "symbol": org["currency_symbol"],
        "prefix_symbol": True,
        "is_base": True,
        "is_active": True,
        "exchange_rate": "1.000000000",
        "format": _FORMAT,
        **dict.fromkeys(("created_time", "modified_time"), org["created_time"]),
        **dict.fromkeys(("created_by", "modified_by"), creator),
    }


ROUTES = (
    Route("GET", "/crm/v8/org", get_organisation, ("ZohoCRM.org.READ",)),
    Route("GET", "/crm/v8/org/currencies", list_currencies, ("ZohoCRM.settings.currencies.READ",)),
    Route("GET", "/crm/v8/org/currencies/{id}", get_currency, ("ZohoCRM.settings.currencies.READ",)),
)
