"""Gives grants, knows whom an access token stands for, and ends grants."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from moorage.acting import act_as
from moorage.audit import note
from moorage.bounded import Bounded
from moorage.clock import SKEW, Clock, is_ahead
from moorage.digests import digest_of
from moorage.grants import store
from moorage.grants.authorization import Authorization
from moorage.grants.clients import prune
from moorage.grants.errors import GrantUnknown, TokenInvalid
from moorage.grants.model import (
    ACCESS_SECONDS,
    CODE_SECONDS,
    LEEWAY_SECONDS,
    SECOND,
    Code,
    Grant,
    grant_document,
)
from moorage.grants.resources import covers
from moorage.grants.tokens import is_formed, new_token
from moorage.ids import new_uuid
from moorage.keys import store as key_store
from moorage.keys.model import ApiKey, Principal, new_secret
from moorage.keys.scopes import Scopes
from moorage.keys.service import Keys
from moorage.logs import Log
from moorage.people import store as people_store
from moorage.people.model import Person
from moorage.policies.model import Mode
from moorage.storage import Database, Transaction

CACHE_SIZE = 10_000
# A code that is used a second time is known as such for this time.
_CODES_KEPT = timedelta(days=1) // timedelta(microseconds=1)

log = Log(__name__)


class Leave(msgspec.Struct, frozen=True):
    """What a person has chosen on the page."""

    scopes: Scopes
    mode: Mode
    expires_at: datetime | None


class Grants:
    """A grant counts as long as its key is active, and as its person may give such leave. It ends with either.

    Transactions are serial, so nothing changes between a check and a write.
    """

    def __init__(self, database: Database, keys: Keys, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        # By the digest of an access token: the caller that it stands for, and the resource that it is for.
        self._principals = Bounded[bytes, tuple[Principal, str]](CACHE_SIZE)
        self._generation = 0

    def clear(self) -> None:
        """Forget all remembered tokens, because keys, people or grants may have changed."""
        self._generation += 1
        self._principals.clear()

    async def principal(self, token: str, resource: str) -> Principal:
        """The caller that an access token stands for at a resource, which is an identifier of ours.

        Raises TokenInvalid.
        """
        if not is_formed("at", token):
            raise TokenInvalid
        principal, of_token = self._principals.get(digest_of(token)) or await self._look_up(token)
        ends = principal.expires_at
        lasts = ends is not None and is_ahead(
            ends.timestamp(), self._clock.timestamp(), ACCESS_SECONDS + SKEW
        )
        if not lasts or not covers(of_token, resource):
            raise TokenInvalid
        return principal

    async def _look_up(self, token: str) -> tuple[Principal, str]:
        generation, digest = self._generation, digest_of(token)
        async with self._database.reading() as tx:
            kept = await store.token(tx, digest)
            found = None if kept is None or kept.kind != "at" else await self.live(tx, kept.grant_id)
        if kept is None or found is None:
            raise TokenInvalid
        grant, key = found
        ends = datetime.fromtimestamp(kept.ends_at / SECOND, UTC)
        remembered = key.principal(min(ends, key.expires_at or ends)), grant.resource
        if generation == self._generation:  # Otherwise the grant may have ended after it was read.
            self._principals[digest] = remembered
        return remembered

    async def live(self, tx: Transaction, grant_id: str) -> tuple[Grant, ApiKey] | None:
        """A grant and its key; None if the grant does not count any more."""
        grant = await store.grant(tx, grant_id)
        key = None if grant is None else await self._live_key(tx, grant)
        return None if grant is None or key is None else (grant, key)

    async def _live_key(self, tx: Transaction, grant: Grant) -> ApiKey | None:
        """The key of a grant; None if either has ended, or if the grant's person may not give leave any more."""
        if grant.ended_at is not None:
            return None
        key = await key_store.key_of_id(tx, grant.account_id, grant.key_id)
        if key is None or key.state(self._clock.now()) != "active":
            return None
        person = await people_store.in_any_account(tx, grant.person_id)
        return key if person is not None and person.may("grants:give") else None

    async def give(self, person: Person, authorization: Authorization, leave: Leave) -> str:
        """Let a program act. Returns the code that the browser takes to it."""
        client, code = authorization.client, new_token("ac")
        async with self._database.transaction() as tx:
            key = await self._keys.create_in(
                tx,
                person.account_id,
                client.name,
                new_secret("live"),  # Nobody learns it.
                scopes=leave.scopes,
                expires_at=leave.expires_at,
                policy={"mode": leave.mode},
            )
            grant = Grant(
                f"grant_{new_uuid()[:13]}",
                person.account_id,
                key.id,
                person.id,
                client.id,
                client.name,
                authorization.resource.url,
                tx.now,
            )
            await store.add_grant(tx, grant)
            await store.note_client_used(tx, client.id)
            ends_at = tx.now + CODE_SECONDS * SECOND
            kept = Code(grant.id, authorization.redirect_uri, authorization.challenge, ends_at)
            await store.add_code(tx, digest_of(code), kept)
            after = {**_noted(authorization), "key_id": key.id}
            await note(tx, "grant.given", grant.id, account=grant.account_id, after=after)
        log.info("grant.given", grant=grant.id, key=key.id)
        return code

    async def refuse(self, person: Person, authorization: Authorization) -> None:
        """Note that a person has said no."""
        async with self._database.transaction(quiet=True) as tx:
            name, account = authorization.client.name, person.account_id
            await note(tx, "grant.refused", name, account=account, after=_noted(authorization))

    async def of_person(self, person: Person) -> list[tuple[Grant, ApiKey]]:
        """The grants of a person's account that count, the newest first, each with its key."""
        async with self._database.reading() as tx:
            grants = await store.of_account(tx, person.account_id)
            keys = [await self._live_key(tx, grant) for grant in grants]
        return [(grant, key) for grant, key in zip(grants, keys, strict=True) if key is not None]

    async def end_one(self, person: Person, grant_id: str) -> None:
        """End a grant of a person's account. Raises GrantUnknown."""
        async with self._database.reading() as tx:
            grant = await store.grant(tx, grant_id) if grant_id.isprintable() else None
        if grant is None or grant.account_id != person.account_id:
            raise GrantUnknown(grant_id)
        await self.end(grant.id, "a person has ended it")

    async def end(self, grant_id: str, reason: str) -> None:
        """End a grant and its key. It is no error if it has ended."""
        async with self._database.transaction() as tx:
            grant = await store.grant(tx, grant_id)
            if grant is not None and grant.ended_at is None:
                await self._end_in(tx, grant, reason)
        self._keys.clear()
        self.clear()

    async def _end_in(self, tx: Transaction, grant: Grant, reason: str) -> None:
        await store.end_grant(tx, grant.id)
        account, after = grant.account_id, {"reason": reason}
        await note(tx, "grant.ended", grant.id, account=account, before=grant_document(grant), after=after)
        await self._keys.revoke_in(tx, grant.account_id, grant.key_id)
        log.info("grant.ended", grant=grant.id, key=grant.key_id, reason=reason)

    async def prune(self) -> None:
        """End the grants that no program can use any more, and remove what is not needed: for one of all processes."""
        async with self._database.transaction() as tx:
            late = tx.now - int(LEEWAY_SECONDS) * SECOND
            await store.remove_ended(tx, codes_before=tx.now - _CODES_KEPT, nonces_before=late)
            await prune(tx)
            for grant in await store.unusable(tx):
                act_as("server", None, None, grant.account_id)
                was_live = await self._live_key(tx, grant) is not None
                reason = (
                    "nobody has used it"
                    if was_live
                    else "its key, or its person's right to give it, has ended"
                )
                await self._end_in(tx, grant, reason)


def _noted(authorization: Authorization) -> dict[str, Any]:
    client = authorization.client
    return {
        "client": client.name,
        "client_id": client.id,
        "redirect_uri": authorization.redirect_uri,
        "resource": authorization.resource.url,
    }
