"""The currencies of an organisation that has switched on several. Each has a rate: so much of it is worth one of the
base currency's units.
"""

from collections.abc import Mapping

import msgspec

from moorage.crm.metadata.documents import Metadata

FEATURE = "multi_currency"  # As the definitions of standard fields name it.
CURRENCY, RATE = "Currency", "Exchange_Rate"  # The fields that records get.
BASE_RATE = 1


class KnownCurrency(msgspec.Struct, frozen=True):
    symbol: str
    rate: float
    is_active: bool


def currencies_of(metadata: Metadata) -> Mapping[str, KnownCurrency]:
    """By code, the base currency first; none if the organisation has a single currency."""
    return {
        body["iso_code"]: KnownCurrency(body["symbol"], float(body["exchange_rate"]), body["is_active"])
        for body in sorted(
            (document.body for document in metadata.all("currency")), key=lambda body: not body["is_base"]
        )
    }
