"""The organisations, and what becomes of them whole."""

import contextlib
from zoneinfo import ZoneInfo

import msgspec

from moorage.crm.errors import OrganisationDamaged, OrganisationInvalid, SnapshotUnwritable
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.documents import Document, Metadata
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.storage.contract.organisations import Organisation
from tests.contracts.memory.outbox import MemoryOutbox
from tests.contracts.memory.records import MemoryStore
from tests.contracts.memory.state import Contents, State
from tests.contracts.memory.transaction import MemoryTransaction

_Row = tuple[int, str, int, str, str]


def _row(document):
    return document.id, document.kind, document.module, document.name, document.json


def _read(documents):
    metadata = Metadata(documents)
    return metadata, Catalog(metadata)


class MemoryOrganisations:
    """See `OrganisationStorage` for what the calls promise. `read` makes metadata and catalog of documents."""

    def __init__(self, clock, read=_read) -> None:
        self._clock = clock
        self._read = read
        self._states: dict[str, State] = {}

    def make(self, place, documents, fill):
        state = State(place.identity, documents, Contents())
        if fill is not None:
            organisation = self._opened(state)
            contents = state.contents.copy()
            transaction = MemoryTransaction(contents, organisation.catalog, place.identity // ID_SPACE, 0)

            def begin(now):
                transaction.now = now
                return transaction

            with contextlib.closing(organisation.store):
                fill(organisation, begin)
            state.contents = contents
        self._put(place.slug, state)

    def open(self, place, listener=None):
        return self._opened(self._found(place.slug), listener)

    def snapshot(self, place, target):
        state = self._found(place.slug)
        try:
            target.write_bytes(
                msgspec.msgpack.encode((state.identity, list(map(_row, state.documents)), state.contents))
            )
        except OSError as error:
            raise SnapshotUnwritable(f"{target} can't be written.", help="Name another.") from error

    def restore(self, place, source):
        try:
            snapshot = msgspec.msgpack.decode(
                source.read_bytes(), type=tuple[int, list[_Row], Contents], strict=True
            )
        except (OSError, msgspec.DecodeError) as error:
            raise OrganisationInvalid(f"{source} is no snapshot.", help="Give another.") from error
        whose, documents, contents = snapshot
        if whose != place.identity:
            raise OrganisationInvalid(f"{source} is of another organisation.", help="Give another.")
        before = self._found(place.slug).contents
        contents.next_id = max(contents.next_id, before.next_id)
        for kind, last in before.acknowledged.items():
            MemoryOutbox(contents, 0).pass_over(kind, last)
        self._put(place.slug, State(place.identity, [Document(*row) for row in documents], contents))

    def remove(self, place):
        self._put(place.slug, None)

    def close(self):
        pass

    def _found(self, slug) -> State:
        if slug not in self._states:
            raise OrganisationDamaged(f"The organisation {slug!r} is missing.", help="Make it anew.")
        return self._states[slug]

    def _put(self, slug, state: State | None) -> None:
        before = self._states.pop(slug, None)
        if before is not None:
            with before.writing:  # What is being written is acknowledged first, and then replaced.
                before.gone = True
        if state is not None:
            self._states[slug] = state

    def _opened(self, state: State, listener=None) -> Organisation:
        metadata, catalog = self._read(state.documents)
        zone = ZoneInfo(metadata.org["time_zone"])
        users = {
            d.id: {"name": d.body["full_name"], "id": str(d.id), "email": d.body["email"]}
            for d in metadata.all("user")
        }
        store = MemoryStore(state, catalog, users, zone, self._clock, listener)
        return Organisation(state.identity, metadata, catalog, zone, store)
