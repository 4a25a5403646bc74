"""Makes a call and undoes it, to see what it would change.

The call is made in a transaction that stays open (decision 0053), by the ordinary handlers. What it writes is read
there, and the transaction is undone. Whatever the call wants to do outside of its organisation is left out.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeVar, cast

import msgspec

from moorage.crm.metadata.catalog import Module
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import RecordStore, Row, StoreClosed, TookTooLong, Transaction
from moorage.crm.wire.call import Door, Schedule, nobody_is_told
from moorage.crm.wire.principal import Principal
from moorage.http.message import Parts, Request, Response

SECONDS = 3.0  # Other writers of the organisation wait meanwhile.
MOST_RECORDS = 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TriedRecord:
    """A record as the API shows it before and after the call. None stands for a record that is not there."""

    module: str
    id: str
    name: str
    before: dict[str, Any] | None = field(repr=False)
    after: dict[str, Any] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a call would answer, and the records that it would change. `beyond` counts those that are not shown."""

    status: int
    answer: bytes = field(repr=False)
    records: Sequence[TriedRecord] = ()
    beyond: int = 0


async def tried(door: Door, request: Request, caller: Principal, organisation: Organisation) -> Trial | None:
    """Make a call and undo it. None if that takes too long, or the organisation changes just now."""

    async def work(store: RecordStore) -> NoReturn:
        noting = _NotingStore(store)
        inside = _Inside(door, replace(organisation, store=cast("RecordStore", noting)))
        response = await inside.answer_part(request, caller, None)
        touched = [pair for pair in noting.touched if not (pair[0].is_part or pair[0].is_hidden)]
        shown = touched[:MOST_RECORDS]
        after = [await _read(inside, caller, module, record) for module, record in shown]
        body = b"" if isinstance(response.body, Parts) else response.body
        raise _Undone(_Made(response.status, body, shown, after, len(touched) - len(shown)))

    try:
        await organisation.store.together(work, SECONDS)
    except _Undone as undone:
        made = undone.made
    except (StoreClosed, TookTooLong):
        return None
    before = [await _read(door, caller, module, record) for module, record in made.touched]
    records = [
        TriedRecord(module.api_name, str(record), _name(module, old or new), old, new)
        for (module, record), old, new in zip(made.touched, before, made.after, strict=True)
        if old is not None or new is not None
    ]
    return Trial(made.status, made.answer, records, made.beyond)


class _Made(msgspec.Struct, frozen=True):
    status: int
    answer: bytes
    touched: Sequence[tuple[Module, int]]
    after: Sequence[dict[str, Any] | None]
    beyond: int


class _Undone(Exception):
    """Ends the transaction, so that nothing of it stays."""

    def __init__(self, made: _Made) -> None:
        super().__init__()
        self.made = made


class _Inside:
    """A door all of whose calls, also the parts of a composite request, are made in the open transaction."""

    def __init__(self, door: Door, organisation: Organisation) -> None:
        self._door = door
        self._organisation = organisation

    async def answer_part(
        self,
        request: Request,
        caller: Principal,
        organisation: Organisation | None,
        schedule: Schedule | None = None,  # noqa: ARG002 (nobody works on a job that is undone)
        door: Door | None = None,  # noqa: ARG002 (it is this one)
    ) -> Response:
        inside = organisation or self._organisation
        return await self._door.answer_part(request, caller, inside, nobody_is_told, self)


class _NotingStore:
    """A store that notes which records are written."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._touched: dict[tuple[Module, int], None] = {}

    @property
    def touched(self) -> list[tuple[Module, int]]:
        return list(self._touched)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, job: Callable[[Transaction], T], *, lasting: bool = True) -> Awaitable[T]:
        return self._store.write(
            lambda transaction: job(cast("Transaction", _NotingTransaction(transaction, self.note))),
            lasting=lasting,
        )

    async def together(self, work: Callable[[RecordStore], Awaitable[T]], seconds: float) -> T:  # noqa: ARG002
        """As `_OpenStore.together`: within the same transaction."""
        return await work(cast("RecordStore", self))

    def note(self, module: Module, records: Iterable[int]) -> None:
        for record in records:
            self._touched.setdefault((module, record))


class _NotingTransaction:
    """A transaction whose changes of records are noted."""

    def __init__(self, transaction: Transaction, note: Callable[[Module, Iterable[int]], None]) -> None:
        self._transaction = transaction
        self._note = note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    def insert(self, module: Module, rows: Sequence[Row]) -> None:
        self._note(module, [row["id"] for row in rows])
        self._transaction.insert(module, rows)

    def update(self, module: Module, changes: Any) -> None:
        self._note(module, changes)
        self._transaction.update(module, changes)

    def recycle(self, module: Module, records: Iterable[int], by: int) -> set[int]:
        recycled = self._transaction.recycle(module, records, by)
        self._note(module, sorted(recycled))
        return recycled

    def drop(self, module: Module, records: Iterable[int]) -> None:
        ids = list(records)
        self._note(module, ids)
        self._transaction.drop(module, ids)


async def _read(door: Door, caller: Principal, module: Module, record: int) -> dict[str, Any] | None:
    """A record as the API shows it; None if it is not there, or the caller may not see it."""
    request = Request("GET", f"/crm/v8/{module.api_name}/{record}".encode())
    response = await door.answer_part(request, caller, None)
    if response.status != 200 or not isinstance(response.body, bytes):
        return None
    document: dict[str, Any] = msgspec.json.decode(response.body)["data"][0]
    return document


def _name(module: Module, record: dict[str, Any] | None) -> str:
    """What a person calls the record."""
    shown = (record or {}).get(module.display_name or "")
    if isinstance(shown, dict):
        shown = shown.get("name")
    return shown if isinstance(shown, str) else ""
