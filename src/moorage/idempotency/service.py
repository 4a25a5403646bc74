"""Remembers for a day which requests came with an Idempotency-Key, and what they were answered."""

import msgspec

from moorage.bounded import Bounded
from moorage.digests import digest_of, digest_of_parts
from moorage.http.message import Headers, Response
from moorage.idempotency import store
from moorage.idempotency.errors import IdempotencyKeyBusy, IdempotencyKeyInvalid, IdempotencyKeyReused
from moorage.storage import Database, Transaction
from moorage.vault.service import Vault

KEPT = 24 * 3600  # Seconds.
MOST_OF_KEY = 1000  # Beyond, the oldest ones are forgotten, now and then.
LONGEST_NAME = 255
_BATCH = 100
_LOOK = 50  # Of so many requests of a key, one looks for what has to be forgotten.
_COUNTED = 10_000  # Keys.


class _Stored(msgspec.Struct):
    status: int
    headers: Headers
    body: bytes


class Idempotency:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._since_look = Bounded[str, int](_COUNTED)  # Requests of a key since it was looked for them.

    async def begin(self, key_id: str, name: str, request: bytes) -> Response | None:
        """Note that a request is made. Returns the answer that the same one has got; then it must not be made again.

        Raises IdempotencyKeyInvalid, IdempotencyKeyReused, IdempotencyKeyBusy.
        """
        digest = name_digest(name)
        async with self._database.transaction(quiet=True) as tx:
            if self._is_time(key_id):
                await self._forget_old(tx, key_id)
            known = await store.find(tx, key_id, digest)
            if known is not None and known.created_at <= tx.now - KEPT * 1_000_000:
                await self._forget(tx, key_id, digest)
                known = None
            if known is None:
                await store.add(tx, key_id, digest, request)
                return None
            if known.request != request:
                raise IdempotencyKeyReused
            secret = await self._vault.get_in(tx, _owner(key_id, digest), "answer") if known.is_done else None
        if secret is None:
            raise IdempotencyKeyBusy
        stored = msgspec.json.decode(secret.value, type=_Stored)
        return Response(stored.status, stored.body, stored.headers)

    async def end(self, key_id: str, name: str, answer: Response) -> None:
        """Keep the answer for repeats. It may hold a secret that is shown once, so it is sealed."""
        digest, stored = digest_of(name), _Stored(answer.status, answer.headers, answer.text)
        async with self._database.transaction(quiet=True) as tx:
            await store.done(tx, key_id, digest)
            value = msgspec.json.encode(stored).decode()
            await self._vault.put_in(tx, _owner(key_id, digest), "answer", value)

    async def undo(self, key_id: str, name: str) -> None:
        """Forget a request that was refused, so that it can be made again."""
        async with self._database.transaction(quiet=True) as tx:
            await store.remove(tx, key_id, digest_of(name))

    async def _forget_old(self, tx: Transaction, key_id: str) -> None:
        old = await store.before(tx, tx.now - KEPT * 1_000_000, _BATCH)
        many = [(key_id, name) for name in await store.beyond(tx, key_id, MOST_OF_KEY - 1)]
        for owner, name in {*old, *many}:
            await self._forget(tx, owner, name)

    async def _forget(self, tx: Transaction, key_id: str, name: bytes) -> None:
        await store.remove(tx, key_id, name)
        await self._vault.shred_in(tx, _owner(key_id, name))

    def _is_time(self, key_id: str) -> bool:
        """True for one of so many requests of a key."""
        since = self._since_look[key_id] = (self._since_look.get(key_id, -1) + 1) % _LOOK
        return since == 0


def name_digest(name: str) -> bytes:
    """What is stored of an Idempotency-Key. Raises IdempotencyKeyInvalid."""
    if not 0 < len(name) <= LONGEST_NAME or not name.isascii() or not name.isprintable():
        raise IdempotencyKeyInvalid(LONGEST_NAME)
    return digest_of(name)


def request_digest(method: str, path: bytes, query: bytes, body: bytes) -> bytes:
    """SHA-256 of all that decides what a control call does."""
    return digest_of_parts((method.encode(), path, query, body))


def _owner(key_id: str, name: bytes) -> str:
    return f"idempotency {key_id} {name.hex()}"
