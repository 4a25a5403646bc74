"""What all calls need that change settings which are documents of the metadata."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from moorage.crm.api.documents import module_named, reference
from moorage.crm.api.items import each_outcome, outcomes_answer
from moorage.crm.faults import invalid_id
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body, Document, Kind, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import require_administrator
from moorage.crm.records.outcomes import Outcome
from moorage.crm.storage.contract.metadata import MetadataTransaction
from moorage.crm.wire.call import Call
from moorage.http.message import Response

MAX_BODY = 1024 * 1024

T = TypeVar("T")
Item = TypeVar("Item")


class SettingsChange(msgspec.Struct, frozen=True):
    """A change of the metadata by the caller. It is the `Ids` of new documents."""

    call: Call
    transaction: MetadataTransaction

    @property
    def metadata(self) -> Metadata:
        return self.transaction.metadata

    def new_id(self) -> str:
        return str(self.transaction.new_ids(1)[0])

    def module(self, api_name: str) -> Body:
        module = module_named(self.metadata, api_name)
        if module is None:
            raise LookupError(api_name)
        return {"api_name": api_name, "id": str(module.id)}

    def put(self, document: Document) -> None:
        self.transaction.put(document)

    def user(self) -> Body:
        """The caller as documents name who made or changed them."""
        user = self.metadata.find("user", self.call.caller.user)
        assert user is not None
        return reference(user)

    def now(self) -> str | None:
        return zoned(self.call.organisation.zone, self.transaction.now)

    def changed(self) -> Body:
        return {"modified_by": self.user(), "modified_time": self.now()}

    def created(self) -> Body:
        return {"created_by": self.user(), "created_time": self.now(), **self.changed()}


def require_customizer(call: Call) -> None:
    require_administrator(call, "Crm_Implied_Customize_Zoho_CRM")


def require_document(metadata: Metadata, kind: Kind, identity: int) -> Document:
    """The document whose id the path has. Raises the Fault for one that is not there."""
    document = metadata.find(kind, identity)
    if document is None:
        raise invalid_id(2)
    return document


def named_document(
    metadata: Metadata, kind: Kind, spec: JsonObject, message: str = "the id given seems to be invalid"
) -> Document:
    """The document that the `id` of an item names. Raises the Fault for one that is not there, with the message."""
    spec.require("id")
    document = metadata.find(kind, whole_id(spec.raw("id")) or 0)
    if document is None:
        raise spec.fault("INVALID_DATA", message, "id")
    return document


async def changed(call: Call, run: Callable[[SettingsChange], T]) -> T:
    """Run changes as one change of the metadata, in the writer's thread."""
    return await call.store.change_metadata(lambda transaction: run(SettingsChange(call, transaction)))


async def change_each(
    call: Call,
    name: str,
    items: Sequence[Item],
    change: Callable[[SettingsChange, Item], Outcome],
    *,
    done: int = 200,
) -> Response:
    """Changes that succeed or fail each alone, all in one change of the metadata. The answer names them `name`."""
    outcomes = await changed(call, lambda settings: each_outcome(items, partial(change, settings)))
    return outcomes_answer(name, outcomes, done=done)
