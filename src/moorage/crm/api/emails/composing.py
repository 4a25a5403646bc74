"""How a user's e-mails look before anything is written: addresses and font [Z email-compose]."""

from functools import partial
from typing import Any

from moorage.crm.api.items import each_outcome, outcomes_answer, specs_of
from moorage.crm.faults import param_invalid
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Document
from moorage.crm.records.emails import LONGEST_ADDRESS, from_addresses
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.call import Call, answer, settled
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

KIND = "email composing"  # A companion of the organisation for each user; the id of the user is its name.
TYPES = ("default", "emailin", "mass_mail")
LONGEST_FAMILY = 100
SIZES = range(1, 101)
_NAME = "email_compose"
_FONT = {"size": 10, "family": "Verdana"}
_ADDRESSES = ("default_from_address", "default_replyto_address")


async def get_settings(call: Call) -> Response:
    wanted = call.params.get("type")
    if wanted is not None and wanted not in TYPES:
        raise param_invalid("type", supported_values=list(TYPES))
    asked = call.store.companions(CompanionsOf(KIND, owner=0, name=str(call.caller.user)), Window(1))
    page = await settled(asked)
    kept = page.companions[0].body if page.companions else {}
    types = TYPES if wanted is None else (wanted,)
    return answer({_NAME: [{"type": each, **_shown(call, kept.get(each, {}))} for each in types]})


def _shown(call: Call, kept: dict[str, Any]) -> dict[str, Any]:
    own = {key: _own(call)[key] for key in ("type", "user_name", "email")}
    return {**dict.fromkeys(_ADDRESSES, own), "font": _FONT, **kept}


async def put_settings(call: Call) -> Response:
    specs, name = await specs_of(call, _NAME, len(TYPES)), str(call.caller.user)

    def change(transaction: Transaction) -> list[Outcome]:
        companions = transaction.companions.named(KIND, [name]).get(name, [])
        kept = dict(companions[0].body) if companions else {}
        outcomes = each_outcome(specs, partial(_changed, call, kept))
        identity = companions[0].id if companions else transaction.new_ids(1)[0]
        transaction.companions.put([Companion(identity, KIND, 0, name, kept)])
        return outcomes

    return outcomes_answer(_NAME, await call.store.write(change))


def _changed(call: Call, kept: dict[str, Any], spec: JsonObject) -> Outcome:
    kind = spec.raw("type") if spec.has_member("type") else "default"
    if kind not in TYPES:
        raise spec.invalid("type", supported_values=list(TYPES))
    changes: dict[str, Any] = {}
    for name in _ADDRESSES:
        if (address := spec.inner(name)) is not None:
            changes[name] = _address(call, address)
    if (font := spec.inner("font")) is not None:
        changes["font"] = _font(font)
    kept[kind] = kept.get(kind, {}) | changes
    return succeeded({"type": kind}, "Email compose settings updated successfully")


def _address(call: Call, spec: JsonObject) -> dict[str, Any]:
    """One of the user's own."""
    email = spec.text("email", LONGEST_ADDRESS)
    if email is None:
        raise spec.missing("email")
    own = _own(call)
    if spec.raw("type") not in (None, own["type"]):
        raise spec.invalid("type", supported_values=[own["type"]])
    if email.lower() != own["email"].lower():
        raise spec.invalid("email", supported_values=[own["email"]])
    return {key: own[key] for key in ("type", "user_name", "email")}


def _font(spec: JsonObject) -> dict[str, Any]:
    size, family = spec.whole_number("size"), spec.text("family", LONGEST_FAMILY)
    if size is None or family is None:
        raise spec.missing("size" if size is None else "family")
    if size not in SIZES:
        raise spec.invalid("size", range={"from": SIZES[0], "to": SIZES[-1]})
    return {"size": size, "family": family}


def _own(call: Call) -> dict[str, Any]:
    user = call.organisation.metadata.find("user", call.caller.user)
    assert isinstance(user, Document)
    return dict(from_addresses(user)[0])


_PATH = "/crm/email/v8/settings/compose"

ROUTES = (
    Route("GET", _PATH, get_settings, ("ZohoCRM.settings.emails.READ",)),
    Route("PUT", _PATH, put_settings, ("ZohoCRM.settings.emails.UPDATE",)),
)
